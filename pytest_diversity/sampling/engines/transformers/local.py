"""Checkpoints that the embedded engine draws from; torch is imported when one is loaded."""

from __future__ import annotations

from pytest_diversity.errors import MissingExtraError
from pytest_diversity.sampling.device import set_threads
from pytest_diversity.sampling.engines.transformers.weights import LocalWeights, check
from pytest_diversity.sampling.protocol import Engine, Progress

__all__ = ["LocalModel", "check", "find"]


class LocalModel(LocalWeights):
    """Weights on this machine, to be run by transformers."""

    __slots__ = ()

    def load(self, progress: Progress) -> Engine:
        """Load the weights.

        Raises:
            CheckpointError: The model or the adapter cannot be loaded.
            MissingExtraError: A library is not installed.
        """
        try:
            from pytest_diversity.sampling.engines.transformers.engine import (  # noqa: PLC0415 - imports torch
                TransformersEngine,
            )
        except ImportError as error:
            raise MissingExtraError(
                "sampling a model", package=error.name or "transformers", extra="sampling"
            ) from None
        set_threads(deterministic=self.deterministic)
        for line in self.said:
            progress.say(line)
        adapter = self.adapter.path if self.adapter else None
        return TransformersEngine(
            self.location, adapter, self.environment, progress, self.cache, facts=self.facts
        )


find = LocalModel.find
