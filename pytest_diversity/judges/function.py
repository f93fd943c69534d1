"""A function of the suite's as a judge: `callable:MODULE:FUNCTION`, of (prompt, text)."""

from __future__ import annotations

from pytest_diversity.config.quality import Quality
from pytest_diversity.functions import digest_of, named
from pytest_diversity.judges.protocol import Judge, each
from pytest_diversity.judges.tools import Tools

__all__ = ["find"]


def find(quality: Quality, tools: Tools) -> Judge:
    """The function, whose attributes say what `register_judge` is told of another.

    `version` (else a digest of its source), `better`, `low`, `high`, `threshold`; as they are not
    said: up, from 0 to 1, 0.5. A checker of verifiable answers gives True or False.

    Raises:
        ConfigError: It is not there, is no function, or its attributes do not fit.
    """
    function = named("judge", quality.judge, tools.root)
    return Judge(
        quality.judge,
        str(getattr(function, "version", None) or digest_of(function)),
        each(function),
        better=getattr(function, "better", "up"),
        low=getattr(function, "low", 0.0),
        high=getattr(function, "high", 1.0),
        threshold=getattr(function, "threshold", 0.5),
    )
