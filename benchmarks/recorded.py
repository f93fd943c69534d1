"""Real samples as matrices of pairs, so that the value of any subset of them is a matter of sums.

82 problems of HumanEval with 100 programs each. The five default metrics of code are means over
pairs or over samples; with the values of all pairs known, thousands of disjoint halves cost little.
What the programs do is found by running them in the sandbox on the inputs of their own tests.
"""

from __future__ import annotations

import ast
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from pytest_diversity.config.values import Domain
from pytest_diversity.domains.build import features_of
from pytest_diversity.features import Features
from pytest_diversity.metrics import Metric, parse
from pytest_diversity.metrics._grams import Bags
from pytest_diversity.prompts import Prompt
from pytest_diversity.samples import SampleSet
from pytest_diversity.sandbox import Execution, Program, Sandbox

__all__ = ["DATA", "METRICS", "Floats", "Recorded", "load"]

DATA = Path(__file__).parents[2] / "shared" / "data" / "humaneval_codegen16b_even.jsonl"
METRICS: Mapping[str, Metric] = {
    "lexical": parse("pair_distinct(n=4)"),
    "syntactic": parse("pair_subtree(height=4)"),
    "semantic": parse("pair_semantic()"),
    "effective": parse("effective_pairs()"),
    "quality": parse("validity()"),
}
_INPUTS = 4  # of a problem's test

Floats: TypeAlias = NDArray[np.float64]


@dataclass(frozen=True)
class Recorded:
    """One metric on all samples of all prompts.

    Attributes:
        values: Shape (P, S, S): of each pair, and on the diagonal that of two copies of a sample.
        counts: Shape (P, S): 1 where a sample takes part in the mean, else 0.
        fixed: Whether all K samples are divided by, whether they take part or not.
    """

    values: Floats
    counts: Floats
    fixed: bool

    def of(self, chosen: Floats) -> Floats:
        """The metric of subsets of the samples, one number per prompt and subset.

        Args:
            chosen: Shape (P, M, S): how often each of the S samples is in each of M subsets.

        Returns:
            Shape (P, M); NaN where it is undefined.
        """
        taking = chosen * self.counts[:, None, :]
        sizes = chosen.sum(axis=2) if self.fixed else taking.sum(axis=2)
        own = np.diagonal(self.values, axis1=1, axis2=2)
        both = (taking @ self.values * taking).sum(axis=2) - (taking @ own[:, :, None])[:, :, 0]
        with np.errstate(divide="ignore", invalid="ignore"):
            result: Floats = np.where(sizes > 1, both / (sizes * (sizes - 1)), np.nan)
        return result


@dataclass(frozen=True)
class Shares(Recorded):
    """A mean over samples instead of pairs."""

    def of(self, chosen: Floats) -> Floats:
        """The share of the chosen samples that count, shape (P, M)."""
        result: Floats = (chosen @ self.counts[:, :, None])[:, :, 0] / chosen.sum(axis=2)
        return result


def load(data: Path, memory: Path) -> Mapping[str, Recorded]:
    """The five families, computed once and kept in `memory`."""
    if not memory.exists():
        memory.parent.mkdir(parents=True, exist_ok=True)
        np.savez_compressed(memory, **_compute(data))  # type: ignore[arg-type] # arrays by name
    with np.load(memory) as kept:
        arrays = dict(kept)
    everything = np.ones_like(arrays["valid"])
    return {
        "lexical": Recorded(arrays["lexical"], arrays["has_grams"], fixed=False),
        "syntactic": Recorded(arrays["syntactic"], arrays["has_tree"], fixed=False),
        "semantic": Recorded(arrays["differ"], arrays["valid"], fixed=False),
        "effective": Recorded(arrays["differ"], arrays["valid"], fixed=True),
        "quality": Shares(everything[:, :, None] * 0, arrays["valid"], fixed=True),
    }


def _compute(data: Path) -> dict[str, Floats]:
    rows = [json.loads(line) for line in data.read_text(encoding="utf-8").splitlines()]
    problems = [row for row in rows if _inputs(row["test"])]
    features = _features(problems)
    labels, valid = features["labels"], features["valid"]
    lexical = [_shares(features["tokens"][name].bags(4)) for name in labels]
    syntactic = [_shares(features["trees"][name].bags(4)) for name in labels]
    return {
        "lexical": np.nan_to_num(lexical),
        "has_grams": np.array([~np.isnan(np.diag(one)) for one in lexical], dtype=float),
        "syntactic": np.nan_to_num(syntactic),
        "has_tree": np.array([~np.isnan(np.diag(one)) for one in syntactic], dtype=float),
        "differ": np.array([_differ(labels[name]) for name in labels]),
        "valid": np.array([valid[name] for name in labels], dtype=float),
    }


def _features(problems: Sequence[Mapping[str, Any]]) -> Features:
    domain = Domain("code", kind="code", execution="sandbox")
    prompts = {
        one["task_id"]: Prompt(
            prompt=one["prompt"],
            id=one["task_id"],
            entry_point=one["entry_point"],
            inputs=_inputs(one["test"]),
        )
        for one in problems
    }
    texts = {one["task_id"]: [one["prompt"] + s for s in one["samples"]] for one in problems}
    return features_of(SampleSet.of(texts), domain, prompts=prompts, execute=_execute)


def _execute(programs: Sequence[Program]) -> list[Execution]:
    distinct = {program.key: program for program in programs}
    with Sandbox() as sandbox:
        known = dict(zip(distinct, sandbox.run(distinct.values()), strict=True))
    return [known[program.key] for program in programs]


def _inputs(test: str) -> tuple[Any, ...]:
    """The arguments that a test passes to the candidate, where they are JSON values."""
    found: list[list[Any]] = []
    for node in ast.walk(ast.parse(test)):
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "candidate":
            try:
                arguments = [ast.literal_eval(argument) for argument in node.args]
                found.append(json.loads(json.dumps(arguments)))  # tuples become lists
            except (ValueError, TypeError):
                continue
    return tuple(found[:_INPUTS])


def _differ(labels: Sequence[Any]) -> Floats:
    numbers = np.unique([repr(label) for label in labels], return_inverse=True)[1]
    differ: Floats = (numbers[:, None] != numbers).astype(np.float64)
    return differ


def _shares(bags: Bags) -> Floats:
    """|U_i or U_j| / (C_i + C_j) of all pairs; NaN where one of the two has nothing to compare."""
    ones, shape = np.ones(len(bags.item)), (bags.size, bags.items)
    matrix = csr_array((ones, (bags.bag, bags.item)), shape=shape)
    common = (matrix @ matrix.T).toarray()
    own, totals = bags.sums(ones), bags.totals.astype(np.float64)
    totals[totals == 0] = np.nan
    union: Floats = own[:, None] + own - common
    return union / (totals[:, None] + totals)
