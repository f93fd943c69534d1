"""What the project was founded on: how preference tuning moves each family, by domain."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, TypeAlias

from example_project.study.changes import Change

Prediction: TypeAlias = Literal["falls", "rises", "stays"]
Outcome: TypeAlias = Literal["agrees", "contradicts", "unresolved", "-"]

# By kind of domain and family. The founding note: in code, preference tuning narrows words and
# structure and preserves meanings; in creative writing it widens words and structure. Effective
# diversity rises: Shypula et al., 2504.12522.
PREDICTED: Mapping[tuple[str, str], Prediction] = {
    ("code", "lexical"): "falls",
    ("code", "syntactic"): "falls",
    ("code", "semantic"): "stays",
    ("code", "effective"): "rises",
    ("prose", "lexical"): "rises",
    ("prose", "syntactic"): "rises",
    ("prose", "effective"): "rises",
}
MARGIN = 0.10  # of the reference's value: what moves by less has stayed


def outcome(predicted: Prediction | None, change: Change) -> Outcome:
    """Whether the 95 % interval of a change bears out what was predicted.

    `stays` is borne out by an interval that lies within `MARGIN` of the reference's value on either
    side, and contradicted by one that lies outside.
    """
    if predicted is None or change.interval is None or change.before is None:
        return "-"
    low, high = change.interval
    if predicted == "stays":
        margin = MARGIN * abs(change.before)
        if -margin <= low and high <= margin:
            return "agrees"
        return "contradicts" if low > margin or high < -margin else "unresolved"
    if change.direction == "unresolved":
        return "unresolved"
    return "agrees" if change.direction == predicted else "contradicts"
