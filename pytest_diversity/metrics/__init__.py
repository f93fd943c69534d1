"""Every metric as a pure function over the K samples of one prompt.

Importing this package registers them; `parse` turns a canonical name into a metric.
"""

from pytest_diversity.metrics._grams import Corpus
from pytest_diversity.metrics._limits import Above, AtLeast, OneOf
from pytest_diversity.metrics.bleu import self_bleu
from pytest_diversity.metrics.classes import (
    chao1,
    coverage,
    distinct_at,
    dominance,
    format_dominance,
    hill,
    semantic_entropy,
)
from pytest_diversity.metrics.compression import COMPRESSOR, compression_ratio
from pytest_diversity.metrics.distinct import distinct, ead, pair_distinct
from pytest_diversity.metrics.effective import (
    effective_distinct,
    effective_distinct_at,
    effective_pairs,
    pair_semantic,
    parameter_efficiency,
    partition_diversity,
)
from pytest_diversity.metrics.embedding import (
    connected_classes,
    cosine_distances,
    embedding_distance,
)
from pytest_diversity.metrics.hdd import hdd
from pytest_diversity.metrics.homogenization import homogenization
from pytest_diversity.metrics.novelty import novelty_utility
from pytest_diversity.metrics.pos import pair_pos_distinct, pos_compression, pos_distinct
from pytest_diversity.metrics.quality import correctness, pass_at, pass_at_k, validity
from pytest_diversity.metrics.registry import (
    Better,
    Definition,
    Metric,
    definitions,
    metric,
    parse,
    register,
)
from pytest_diversity.metrics.repetition import jaccard, self_repetition
from pytest_diversity.metrics.subtree import Forest, Tree, pair_subtree, subtree
from pytest_diversity.metrics.vendi import vendi, vendi_of_kernel

__all__ = [
    "COMPRESSOR",
    "Above",
    "AtLeast",
    "Better",
    "Corpus",
    "Definition",
    "Forest",
    "Metric",
    "OneOf",
    "Tree",
    "chao1",
    "compression_ratio",
    "connected_classes",
    "correctness",
    "cosine_distances",
    "coverage",
    "definitions",
    "distinct",
    "distinct_at",
    "dominance",
    "ead",
    "effective_distinct",
    "effective_distinct_at",
    "effective_pairs",
    "embedding_distance",
    "format_dominance",
    "hdd",
    "hill",
    "homogenization",
    "jaccard",
    "metric",
    "novelty_utility",
    "pair_distinct",
    "pair_pos_distinct",
    "pair_semantic",
    "pair_subtree",
    "parameter_efficiency",
    "parse",
    "partition_diversity",
    "pass_at",
    "pass_at_k",
    "pos_compression",
    "pos_distinct",
    "register",
    "self_bleu",
    "self_repetition",
    "semantic_entropy",
    "subtree",
    "validity",
    "vendi",
    "vendi_of_kernel",
]
