"""Every metric as a pure function over the K samples of one prompt.

Importing this package registers them; `parse` turns a canonical name into a metric.
"""

from pytest_diversity.metrics.distinct import distinct, ead, pair_distinct
from pytest_diversity.metrics.effective import effective_pairs, pair_semantic, validity
from pytest_diversity.metrics.embedding import cosine_distances, embedding_distance
from pytest_diversity.metrics.registry import (
    Definition,
    Metric,
    definitions,
    metric,
    parse,
    register,
)
from pytest_diversity.metrics.subtree import Tree, pair_subtree

__all__ = [
    "Definition",
    "Metric",
    "Tree",
    "cosine_distances",
    "definitions",
    "distinct",
    "ead",
    "effective_pairs",
    "embedding_distance",
    "metric",
    "pair_distinct",
    "pair_semantic",
    "pair_subtree",
    "parse",
    "register",
    "validity",
]
