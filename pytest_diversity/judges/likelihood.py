"""How much likelier a text is as an answer to its prompt than as more of the same text.

A language model that was tuned to answer scores the beginning of a text twice: as an assistant's
turn after the prompt, and as a continuation of the prompt alone. Embeddings see whether a text is
about what the prompt asks; only this sees whether it answers or rambles on.
"""

from __future__ import annotations

import atexit
import gc
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from tempfile import mkdtemp
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from pytest_diversity.checkpoints.fingerprint import fingerprint
from pytest_diversity.checkpoints.sources import Location, locate
from pytest_diversity.judges.classifier import readable
from pytest_diversity.judges.protocol import Pair
from pytest_diversity.judges.tools import Tools
from pytest_diversity.progress import Count, uncounted

__all__ = ["TOKENS", "Likelihood", "Scorer", "ids_of"]

TOKENS = 24  # of a text that are read: more cost more, and tell hardly more
_ROWS = 32  # texts of one prompt in one pass
_DTYPE = "float32"


@dataclass(frozen=True, slots=True)
class Scorer:
    """A language model, in memory only while it scores, so no model under test finds it there.

    Attributes:
        what: It, in an error.
        location: A directory with safetensors weights, or a GGUF file.
        digest: Of its weights.
        device: `auto` or a torch device.
        folder: Where a GGUF file's weights are kept once converted; None while the process lives.
        count: Shows how far it is.
    """

    what: str
    location: Location
    digest: str
    device: str
    folder: Path | None
    count: Count = uncounted

    @classmethod
    def find(cls, source: str, tools: Tools, what: str) -> Self:
        """Look for it; load nothing.

        Args:
            source: A hub id, a directory, a package or a GGUF file.
            tools: Where it is looked for, and what it runs on.
            what: What it is to be, as in "scorer".

        Raises:
            CheckpointError: It is not there.
        """
        location = locate(source, tools.root, what)
        digest = fingerprint(location, tools.facts())
        folder = tools.folder / f"{digest}-{_DTYPE}" if tools.folder else None
        return cls(
            f"{what} {location.path}", location, digest[:12], tools.device, folder, tools.count
        )

    @contextmanager
    def loaded(self) -> Iterator[tuple[Any, Any]]:
        """Its tokenizer and its model, in float32, in which scores depend least on the device.

        Raises:
            CheckpointError: It cannot be loaded.
            MissingExtraError: A library is not installed.
        """
        from pytest_diversity.sampling.device import environment  # noqa: PLC0415 - heavy
        from pytest_diversity.sampling.engines.transformers import loading  # noqa: PLC0415 - heavy

        where = environment(self.device, _DTYPE, {})
        with loading.explained(self.what), loading.without_warnings():
            loading.silence()
            found = loading.load(self.location, where, self.folder or _scratch(self.location.path))
            model = found.model.to(where.device).eval()
        tokenizer = found.tokenizer
        del found
        try:
            yield tokenizer, model
        finally:
            del model
            gc.collect()


@dataclass(frozen=True, slots=True)
class Likelihood:
    """What a scorer makes of answers to prompts.

    Attributes:
        scorer: A model that was tuned to answer, with a chat template.
    """

    scorer: Scorer

    def __call__(self, pairs: Sequence[Pair]) -> NDArray[np.float64]:
        """(log p(text | asked) - log p(text | continued)) / sqrt(tokens) of each text's beginning.

        Shape (number of pairs,), in nats; above 0 where it is likelier as an answer; 0 of a text
        without tokens. A sum over n tokens spreads as sqrt(n): so short and long texts compare.

        Raises:
            CheckpointError: The model cannot be loaded.
            MissingExtraError: A library is not installed.
        """
        by_prompt: dict[str, list[int]] = {}
        for index, (prompt, _) in enumerate(pairs):
            by_prompt.setdefault(prompt, []).append(index)
        found = np.zeros(len(pairs))
        with self.scorer.loaded() as (tokenizer, model), self.scorer.count(len(pairs)) as progress:
            for prompt, indices in by_prompt.items():
                for start in range(0, len(indices), _ROWS):
                    rows = indices[start : start + _ROWS]
                    texts = [pairs[index][1] for index in rows]
                    found[rows] = _ratios(tokenizer, model, prompt, texts)
                    progress.advance(len(rows), 0)
        return found


@cache
def _scratch(path: Path) -> Path:
    """Where the weights of a file are kept while the process lives: converting takes seconds."""
    folder = mkdtemp(prefix="pytest-diversity-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return Path(folder) / path.stem


def _ratios(tokenizer: Any, model: Any, prompt: str, texts: Sequence[str]) -> NDArray[np.float64]:
    """The ratio of each text to one prompt."""
    turn = [{"role": "user", "content": readable(prompt)}]
    asked = tokenizer.apply_chat_template(turn, tokenize=False, add_generation_prompt=True)
    pieces = [ids_of(tokenizer, readable(text).strip())[:TOKENS] for text in texts]
    known = [row for row, ids in enumerate(pieces) if ids]
    ratios = np.zeros(len(texts))
    if known:
        kept = [pieces[row] for row in known]
        answered = _log_likelihoods(model, ids_of(tokenizer, asked), kept)
        continued = _log_likelihoods(model, ids_of(tokenizer, readable(prompt) + "\n"), kept)
        ratios[known] = (answered - continued) / np.sqrt([len(ids) for ids in kept])
    return ratios


def _log_likelihoods(
    model: Any, before: Sequence[int], pieces: Sequence[Sequence[int]]
) -> NDArray[np.float64]:
    """The log-likelihood of each piece after the same tokens, which are read once."""
    import torch  # noqa: PLC0415 - heavy

    longest = max(map(len, pieces))
    padded = torch.tensor([[*ids, *[0] * (longest - len(ids))] for ids in pieces])
    padded = padded.to(model.device)
    real = torch.arange(longest) < torch.tensor([[len(ids)] for ids in pieces])
    with torch.inference_mode():
        first = model(torch.tensor([before], device=model.device), use_cache=True)
        logits = first.logits[:, -1:].expand(len(pieces), -1, -1)
        if longest > 1:
            cache = first.past_key_values
            cache.batch_repeat_interleave(len(pieces))
            later = model(padded[:, :-1], past_key_values=cache, use_cache=True).logits
            logits = torch.cat([logits, later], dim=1)
        chosen = logits.float().log_softmax(-1).gather(-1, padded[:, :, None])[:, :, 0].cpu()
    sums: NDArray[np.float64] = (chosen.double() * real).sum(dim=1).numpy()
    return sums


def ids_of(tokenizer: Any, text: str) -> list[int]:
    """The tokens of a text alone, without those that a tokenizer puts around it."""
    ids: list[int] = tokenizer(text, add_special_tokens=False)["input_ids"]
    return ids
