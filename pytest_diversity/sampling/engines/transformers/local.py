"""Checkpoints that the embedded engine draws from; torch is imported when one is loaded."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.util import find_spec

from pytest_diversity.errors import MissingExtraError
from pytest_diversity.sampling.device import set_threads
from pytest_diversity.sampling.engines.transformers.weights import LocalWeights
from pytest_diversity.sampling.protocol import Engine, Progress, Request

__all__ = ["LocalModel", "find"]


class LocalModel(LocalWeights):
    """Weights on this machine, to be run by transformers."""

    __slots__ = ()

    def check(self, requests: Sequence[Request]) -> None:
        """Refuse what the model cannot read, before any is loaded.

        A GGUF file that was not converted yet is left to its engine: to read one takes long.

        Raises:
            CheckpointError: Its tokenizer cannot be loaded.
            ConfigError: Its chat template refuses a prompt, or one leaves no room for its answer.
        """
        path = self.cache if self.location.kind == "gguf" else self.location.path
        if find_spec("transformers") is None or not path.is_dir():
            return
        from pytest_diversity.sampling.engines.transformers.reading import (  # noqa: PLC0415 - imports torch
            check_readable,
        )

        check_readable(path, requests)

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
        adapter = self.adapter.path if self.adapter else None
        return TransformersEngine(
            self.location, adapter, self.environment, progress, self.cache, facts=self.facts
        )


find = LocalModel.find
