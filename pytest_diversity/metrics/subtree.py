"""Truncated subtrees of syntax trees: structure, whatever the names and constants are."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass

from pytest_diversity.metrics._pairs import mean_pair_share
from pytest_diversity.metrics.registry import metric

__all__ = ["Tree", "pair_subtree", "truncated_subtrees"]


@dataclass(frozen=True, slots=True)
class Tree:
    """An ordered labelled tree, flat so that depth costs no recursion.

    Attributes:
        kinds: The label of each node, in pre-order.
        parents: The index of each node's parent, which is smaller than its own; -1 for the root.
    """

    kinds: Sequence[str]
    parents: Sequence[int]


@metric(family="syntactic", better="up")
def pair_subtree(trees: Sequence[Tree | None], *, height: int = 4) -> float | None:
    """Mean share of distinct truncated subtrees over all pairs; in (0, 1], higher is more diverse.

    Every node with at least `height` levels under and including it gives one subtree, cut off
    below `height` levels; a pair's value is its distinct subtrees over all its subtrees. Unbiased
    in K. A sample without a tree or without such a subtree takes no part; None if fewer than two
    are left.

    Args:
        trees: The K samples' canonicalised syntax trees, None where a sample has none.
        height: Levels of a subtree, its root included.

    Source: Shypula et al. 2504.12522.
    """
    defined = [tree for tree in trees if tree is not None]
    return mean_pair_share(truncated_subtrees(defined, height))


def truncated_subtrees(trees: Sequence[Tree], height: int) -> Iterator[Counter[Hashable]]:
    """For each tree its subtrees of exactly `height` levels; equal ones have equal keys."""
    keys: dict[Hashable, int] = {}
    for tree in trees:
        children = _children(tree)
        shapes: list[int] = [keys.setdefault(kind, len(keys)) for kind in tree.kinds]
        for _ in range(height - 1):
            shapes = [
                keys.setdefault((kind, *[shapes[child] for child in below]), len(keys))
                for kind, below in zip(tree.kinds, children, strict=True)
            ]
        levels = _levels(tree)
        yield Counter(shape for shape, top in zip(shapes, levels, strict=True) if top >= height)


def _children(tree: Tree) -> list[list[int]]:
    children: list[list[int]] = [[] for _ in tree.kinds]
    for node, parent in enumerate(tree.parents):
        if parent >= 0:
            children[parent].append(node)
    return children


def _levels(tree: Tree) -> list[int]:
    """How many levels hang under each node, itself included."""
    levels = [1] * len(tree.kinds)
    for node in range(len(levels) - 1, 0, -1):
        parent = tree.parents[node]
        levels[parent] = max(levels[parent], levels[node] + 1)
    return levels
