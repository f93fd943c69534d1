"""Truncated subtrees of syntax trees: structure, whatever the names and constants are."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import overload

import numpy as np

from pytest_diversity.metrics._grams import Bags, Ints
from pytest_diversity.metrics._limits import AtLeast
from pytest_diversity.metrics._pairs import mean_pair_share
from pytest_diversity.metrics.registry import metric

__all__ = ["Forest", "Tree", "pair_subtree", "subtree"]


@dataclass(frozen=True, slots=True)
class Tree:
    """An ordered labelled tree, flat so that depth costs no recursion.

    Attributes:
        kinds: The label of each node, in pre-order.
        parents: The index of each node's parent, which is smaller than its own; -1 for the root.
    """

    kinds: Sequence[str]
    parents: Sequence[int]


Trees = Sequence[Tree | None]


@metric(family="syntactic", better="up", highest=1, unbiased=True, fewest=2, height=AtLeast(1))
def pair_subtree(
    trees: Trees, drawn_share: Sequence[float] | None = None, *, height: int = 4
) -> float | None:
    """Mean share of distinct truncated subtrees over all pairs; in (0, 1], higher is more diverse.

    Every node with at least `height` levels under and including it gives one subtree, cut off
    below `height` levels; a pair's value is its distinct subtrees over all its subtrees. Unbiased
    in K. A sample without a tree or without such a subtree takes no part; None if fewer than two
    are left.

    Args:
        trees: The K samples' canonicalised syntax trees, None where a sample has none.
        drawn_share: Of each sample which share of its subtrees to rarefy it to: the exact
            expectation for as many, drawn without replacement. Whole trees if None.
        height: Levels of a subtree, its root included.

    Raises:
        ConfigError: height < 1.

    Source: Shypula et al. 2504.12522.
    """
    bags = Forest.of(trees).bags(height)
    return mean_pair_share(bags, _drawn(bags, drawn_share))


@metric(family="syntactic", better="up", highest=1, height=AtLeast(1))
def subtree(
    trees: Trees, drawn_share: Sequence[float] | None = None, *, height: int = 4
) -> float | None:
    """Distinct over all truncated subtrees of the K samples together; in (0, 1], up.

    Falls with the number and the size of the trees. None where no tree is so high.

    Args:
        trees: The K samples' canonicalised syntax trees, None where a sample has none.
        drawn_share: Of each sample which share to rarefy it to, as in `pair_subtree`.
        height: Levels of a subtree, its root included.

    Raises:
        ConfigError: height < 1.

    Source: Shypula et al. 2504.12522.
    """
    bags = Forest.of(trees).bags(height)
    types, total = bags.types(_drawn(bags, drawn_share))
    return types / total if total else None


def _drawn(bags: Bags, share: Sequence[float] | None) -> Ints | None:
    """How many subtrees a share of each sample's is: at least one, where it has any."""
    if share is None:
        return None
    drawn: Ints = np.rint(bags.totals * np.asarray(share, dtype=np.float64)).astype(np.int64)
    return np.clip(drawn, np.minimum(bags.totals, 1), bags.totals)


class Forest(Sequence[Tree | None]):
    """Trees of which equal whole subtrees are found once, whatever height is asked for."""

    def __init__(self, trees: Trees) -> None:
        """Take the trees; compare nothing yet."""
        self.trees = trees
        self._found: tuple[_Shapes, list[Ints]] | None = None

    @classmethod
    def of(cls, trees: Trees) -> Forest:
        """`trees` itself if it is a Forest already."""
        return trees if isinstance(trees, cls) else cls(trees)

    @overload
    def __getitem__(self, index: int) -> Tree | None: ...
    @overload
    def __getitem__(self, index: slice) -> Trees: ...
    def __getitem__(self, index: int | slice) -> Tree | Trees | None:
        return self.trees[index]

    def __len__(self) -> int:
        return len(self.trees)

    def __iter__(self) -> Iterator[Tree | None]:
        return iter(self.trees)

    def bags(self, height: int) -> Bags:
        """For each tree its subtrees, cut off below `height` levels, of nodes at least so high."""
        shapes, nodes = self._shapes()
        cut = shapes.truncated(height)
        codes = [found[found >= 0] for found in (cut[tree] for tree in nodes)]
        owners = np.repeat(np.arange(len(self)), [len(found) for found in codes])
        flat = np.concatenate(codes) if codes else owners
        return Bags.of(len(self), owners, flat)

    def between(self, spans: Sequence[tuple[float, float]]) -> Forest:
        """The same trees, of which only subtrees count that begin in a span of the nodes.

        Args:
            spans: Of each tree where the span begins and ends, as shares of its nodes in pre-order.
        """
        shapes, nodes = self._shapes()
        part = Forest(self.trees)
        part._found = (
            shapes,
            [
                found[round(low * len(found)) : round(high * len(found))]
                for found, (low, high) in zip(nodes, spans, strict=True)
            ],
        )
        return part

    def _shapes(self) -> tuple[_Shapes, list[Ints]]:
        """The different whole subtrees, children before parents, and which one each node has."""
        if self._found is None:
            known: dict[_Shape, int] = {}
            # models repeat themselves: a tree that occurs again is not walked again
            once = {id(tree): _shape_of_nodes(tree, known) for tree in _each_once(self.trees)}
            self._found = (_Shapes(list(known)), [once[id(tree)] for tree in self.trees])
        return self._found


def _each_once(trees: Trees) -> Trees:
    return list({id(tree): tree for tree in trees}.values())


_Shape = tuple[str, tuple[int, ...]]  # the kind, then the number of each child's shape


class _Shapes:
    """Different whole subtrees; each height is cut off once for all parts of the same trees."""

    def __init__(self, shapes: Sequence[_Shape]) -> None:
        self._shapes = shapes
        self._cut: dict[int, Ints] = {}

    def truncated(self, height: int) -> Ints:
        """Of each shape a number for its first `height` levels; -1 if it has fewer."""
        if height not in self._cut:
            self._cut[height] = _truncated(self._shapes, height)
        return self._cut[height]


def _shape_of_nodes(tree: Tree | None, known: dict[_Shape, int]) -> Ints:
    """The number in `known` of the whole subtree under each node; new ones are added."""
    if tree is None:
        return np.zeros(0, dtype=np.int64)
    kinds, parents = tree.kinds, tree.parents
    numbers = [0] * len(kinds)
    below: list[list[int] | None] = [None] * (len(kinds) + 1)  # the last one is above the root
    leaves = {kind: known.setdefault((kind, ()), len(known)) for kind in dict.fromkeys(kinds)}
    # pre-order backwards: children come before their parent, the last child first
    for node in range(len(kinds) - 1, -1, -1):
        children = below[node]
        if children is None:
            number = leaves[kinds[node]]
        else:
            children.reverse()
            number = known.setdefault((kinds[node], tuple(children)), len(known))
        numbers[node] = number
        siblings = below[parents[node]]
        if siblings is None:
            below[parents[node]] = [number]
        else:
            siblings.append(number)
    return np.array(numbers, dtype=np.int64)


def _truncated(shapes: Sequence[_Shape], height: int) -> Ints:
    """Of each shape a number for its first `height` levels; -1 if it has fewer."""
    levels = _levels(shapes)
    if height > max(levels, default=0):
        return np.full(len(shapes), -1)
    keys: dict[_Shape, int] = {}
    leaves = [keys.setdefault((kind, ()), len(keys)) for kind, _ in shapes]
    cut = leaves
    for _ in range(height - 1):
        at = cut.__getitem__
        cut = [
            keys.setdefault((kind, tuple(map(at, below))), len(keys)) if below else leaf
            for (kind, below), leaf in zip(shapes, leaves, strict=True)
        ]
    return np.where(np.array(levels) >= height, np.array(cut), -1)


def _levels(shapes: Sequence[_Shape]) -> list[int]:
    """How many levels each shape has; the children of a shape come before it."""
    levels: list[int] = []
    for _, below in shapes:
        levels.append(1 + max(map(levels.__getitem__, below)) if below else 1)
    return levels
