"""Drawing: rows of requests become batches, these samples, and the batch halves without memory."""

from __future__ import annotations

import gc
import hashlib
import math
from collections.abc import Iterator, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, replace
from itertools import groupby
from typing import Any, NamedTuple, TypeVar

import torch
from transformers import GenerationConfig

from pytest_diversity.config.values import Generation
from pytest_diversity.errors import SamplingError, unexpected
from pytest_diversity.samples import Sample
from pytest_diversity.sampling.chat import begins, context_of, marks, render_all
from pytest_diversity.sampling.engines.transformers.batch_size import BatchSize, out_of_memory
from pytest_diversity.sampling.engines.transformers.ends import Ends
from pytest_diversity.sampling.engines.transformers.loading import without_warnings
from pytest_diversity.sampling.engines.transformers.noise import sample_key
from pytest_diversity.sampling.engines.transformers.packing import packed
from pytest_diversity.sampling.engines.transformers.voice import Voice
from pytest_diversity.sampling.protocol import Progress, Request

__all__ = ["Drawer"]

Item = TypeVar("Item")


class _Row(NamedTuple):
    """One sample to draw: a row of a batch."""

    prompt: str
    number: int
    tokens: tuple[int, ...]
    generation: Generation


@dataclass(slots=True)
class Drawer:
    """Draws samples of a model in memory, wherever that is from.

    Attributes:
        model: A language model of transformers, in evaluation mode.
        voice: How it is spoken to.
        size: How many rows fit into a batch.
        shares: Whether many samples are decoded at once; else `generate` draws, as `usable` says.
        packs: Whether its layers are its own, so that a CPU may multiply with packed copies.
    """

    model: Any
    voice: Voice
    size: BatchSize
    shares: bool = False
    packs: bool = True

    def sample(self, requests: Sequence[Request], progress: Progress) -> Iterator[Sample]:
        """Draw all requested samples, batch by batch; the batch halves when memory runs out."""
        tokenizer = self.voice.tokenizer
        rendered = render_all(tokenizer, requests, context_of(self.model.config))
        begun = {request.prompt: begins(tokenizer, request) for request in requests}
        rows = [
            _Row(request.prompt, number, self._known(request, tokens), request.generation)
            for request, tokens in zip(requests, rendered, strict=True)
            for number in request.numbers
        ]
        # Rows of one batch share their settings; rows of similar length waste the least padding.
        rows.sort(key=lambda row: (repr(row.generation), len(row.tokens), row.prompt, row.number))
        for generation, group in groupby(rows, key=lambda row: row.generation):
            for one in self._draw(list(group), generation, progress):
                yield replace(one, text=begun[one.prompt] + one.text)

    def _known(self, request: Request, tokens: tuple[int, ...]) -> tuple[int, ...]:
        """The tokens of a request.

        Raises:
            SamplingError: The model has no embedding for one of them.
        """
        known = self.model.get_input_embeddings().weight.shape[0]
        if tokens and max(tokens) >= known:
            raise SamplingError(
                f"the prompt {request.prompt!r} has token {max(tokens)}, and the model {known} of"
                " them: the tokenizer is another model's",
                fix="save the model and its tokenizer together",
            )
        return tokens

    def _draw(
        self, rows: list[_Row], generation: Generation, progress: Progress
    ) -> Iterator[Sample]:
        method = self._decode if self.shares else self._generate
        while rows:
            longest = len(rows[-1].tokens) + generation.max_tokens
            batch, done = self._next_batch(rows, longest), set()
            try:
                for place, sample in _quietly(method(batch, generation, progress)):
                    done.add(place)
                    yield sample
            except (MemoryError, RuntimeError) as error:
                self._halve(error, len(batch), longest, progress)
            left = [row for place, row in enumerate(batch) if place not in done]
            rows = left + rows[len(batch) :]

    def _next_batch(self, rows: list[_Row], longest: int) -> list[_Row]:
        """The first rows; for `generate` of one length, since not every model may be padded."""
        batch = rows[: self.size.rows(longest)]
        if self.shares:
            return batch
        return [row for row in batch if len(row.tokens) == len(batch[0].tokens)]

    def _decode(
        self, batch: list[_Row], generation: Generation, progress: Progress
    ) -> Iterator[tuple[int, Sample]]:
        """Each sample with its place in the batch, as soon as it is finished."""
        from pytest_diversity.sampling.engines.transformers.decode import Row, decode  # noqa: PLC0415 - see `usable`

        rows = [
            Row(row.tokens, sample_key(generation.seed, row.prompt, row.number)) for row in batch
        ]
        steps = _Steps(len(batch), generation.max_tokens, progress)
        ends = self._ends(generation)
        with packed(self.model) if self.packs else nullcontext():
            for one in decode(self.model, rows, generation, ends=ends, on_step=steps.count):
                _demand_number(one.row.logprob)
                row = batch[one.index]
                yield one.index, self._sample(row, one.row.tokens, one.row.logprob, ends)
        steps.finish()

    def _halve(self, error: Exception, size: int, longest: int, progress: Progress) -> None:
        if not out_of_memory(error):
            raise SamplingError(
                f"the model failed while sampling: {unexpected(error)}",
                fix="try --diversity-dtype float32, or another device",
            ) from error
        if size == 1:
            raise SamplingError(
                "one sample does not fit into the device's memory",
                fix="lower max_tokens, or use a larger device",
            ) from error
        half = self.size.halve(size, longest)
        gc.collect()
        progress.say(f"out of memory at {size} samples a batch: going on with {half}")

    def _generate(
        self, batch: list[_Row], generation: Generation, progress: Progress
    ) -> Iterator[tuple[int, Sample]]:
        """The same by `generate`, all at once; its random numbers depend on the batch."""
        inputs = torch.tensor([row.tokens for row in batch], device=self.model.device)
        torch.manual_seed(_seed(batch))
        steps = _Steps(len(batch), generation.max_tokens, progress)
        ends = self._ends(generation)
        start = 1 if self.model.config.is_encoder_decoder else inputs.shape[1]

        def stopped(ids: torch.Tensor, *_: object, **__: object) -> torch.Tensor:
            new = ids[:, max(start, ids.shape[1] - ends.window) :].tolist()
            return torch.tensor([ends(tokens) for tokens in new], device=ids.device)

        with torch.inference_mode():
            output = self.model.generate(
                inputs,
                attention_mask=torch.ones_like(inputs),
                generation_config=self._settings(generation),
                logits_processor=[_finite],
                stopping_criteria=[steps, stopped],
            )
        steps.finish()
        for place, (row, tokens) in enumerate(zip(batch, output[:, start:].tolist(), strict=True)):
            yield place, self._sample(row, ends.whole(tokens), None, ends)

    def _sample(self, row: _Row, tokens: list[int], logprob: float | None, ends: Ends) -> Sample:
        kept = tokens[:-1] if tokens[-1] in ends.tokens else tokens
        return Sample(
            prompt=row.prompt,
            index=row.number,
            text=ends.text(kept),
            finish_reason="stop" if ends(tokens) else "length",
            tokens=len(kept),
            logprob=logprob,
        )

    def _settings(self, generation: Generation) -> GenerationConfig:
        """Everything outright: what is left open, `generate` takes from the model's own file."""
        sampled = generation.temperature > 0
        draw = {
            "temperature": generation.temperature,
            "top_p": generation.top_p,
            "top_k": generation.top_k,
            "min_p": generation.min_p,
        }
        return GenerationConfig(  # type: ignore[no-untyped-call]
            do_sample=sampled,
            num_beams=1,
            repetition_penalty=generation.repetition_penalty,
            max_new_tokens=generation.max_tokens,
            pad_token_id=self.voice.tokenizer.pad_token_id,
            eos_token_id=sorted(self.voice.ends),
            **(draw if sampled else {}),
        )

    def _ends(self, generation: Generation) -> Ends:
        tokenizer = self.voice.tokenizer
        return Ends(tokenizer, self.voice.ends, generation.stop, marks(tokenizer))


class _Steps:
    """Counts the steps of a batch for the progress bar; stops nothing."""

    def __init__(self, rows: int, limit: int, progress: Progress) -> None:
        self._rows = rows
        self._limit = limit
        self._progress = progress
        self._done = 0.0

    def count(self, rows: int) -> None:
        """Another step of so many rows."""
        share = rows / self._limit
        self._done += share
        self._progress.advance(share, rows)

    def __call__(self, ids: torch.Tensor, *_: object, **__: object) -> torch.Tensor:
        """As a stopping criterion of `generate`."""
        self.count(self._rows)
        return torch.zeros(ids.shape[0], dtype=torch.bool, device=ids.device)

    def finish(self) -> None:
        """The rest of the batch, for it may have ended before the limit."""
        self._progress.advance(self._rows - self._done, 0)


def _quietly(items: Iterator[Item]) -> Iterator[Item]:
    """`items` without the warnings that making them raises, and none of the consumer's lost."""
    while True:
        with without_warnings():
            try:
                item = next(items)
            except StopIteration:
                return
        yield item


def _finite(_: torch.Tensor, scores: torch.Tensor) -> torch.Tensor:
    """As a logits processor of `generate`; a token may be impossible, but not all of them."""
    _demand_number(float(scores.float().logsumexp(dim=-1).sum()))
    return scores


def _demand_number(logprob: float) -> None:
    """Refuse a row one of whose distributions was none: a sum remembers every NaN and infinity."""
    if not math.isfinite(logprob):
        raise SamplingError(
            "the model's logits are NaN or infinite, which gives no text",
            fix="its weights are damaged, or too large for their format: --diversity-dtype float32",
        )


def _seed(batch: Sequence[_Row]) -> int:
    """A seed from what is drawn: another batch has other random numbers, the same one the same."""
    digest = hashlib.sha256(repr(batch).encode("utf-8", "surrogatepass")).digest()
    return int.from_bytes(digest[:8], "big") >> 1
