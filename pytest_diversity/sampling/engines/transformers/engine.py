"""The embedded engine: a language model in transformers, decoded for K samples a prompt.

Models whose cache cannot be shared among samples (see `usable`), and those with an encoder, are
served by transformers' own `generate`, and the run says so.
"""

from __future__ import annotations

import gc
import hashlib
import math
from collections.abc import Iterator, MutableMapping, Sequence
from contextlib import nullcontext
from dataclasses import replace
from itertools import groupby
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import torch
from transformers import GenerationConfig

from pytest_diversity.checkpoints.sources import Location
from pytest_diversity.config.values import Generation
from pytest_diversity.errors import SamplingError, some, unexpected
from pytest_diversity.samples import Sample
from pytest_diversity.sampling.chat import begins, context_of, marks, render_all
from pytest_diversity.sampling.device import Environment
from pytest_diversity.sampling.engines.transformers.adapters import Adaptable
from pytest_diversity.sampling.engines.transformers.batch_size import BatchSize
from pytest_diversity.sampling.engines.transformers.ends import Ends
from pytest_diversity.sampling.engines.transformers.loading import (
    explained,
    load,
    silence,
    without_warnings,
)
from pytest_diversity.sampling.engines.transformers.noise import sample_key
from pytest_diversity.sampling.engines.transformers.packing import packed
from pytest_diversity.sampling.engines.transformers.reading import read_adapter
from pytest_diversity.sampling.engines.transformers.usable import why_not
from pytest_diversity.sampling.engines.transformers.voice import Voice
from pytest_diversity.sampling.engines.transformers.weights import LocalWeights
from pytest_diversity.sampling.protocol import Model, Progress, Request

__all__ = ["TransformersEngine"]

Item = TypeVar("Item")


class _Row(NamedTuple):
    """One sample to draw: a row of a batch."""

    prompt: str
    number: int
    tokens: tuple[int, ...]
    generation: Generation


class TransformersEngine:
    """A language model in memory, with its tokenizer."""

    def __init__(
        self,
        location: Location,
        adapter: Path | None,
        environment: Environment,
        progress: Progress,
        cache: Path,
        *,
        facts: MutableMapping[str, str] | None = None,
    ) -> None:
        """Load the model.

        Args:
            location: A directory with safetensors weights, or a GGUF file.
            adapter: Directory of a LoRA adapter, if any.
            environment: Device and dtype.
            progress: Told what a person should know.
            cache: Where a GGUF file's weights are kept once converted.
            facts: Remembers how much fitted into memory; nothing does if it is left out.

        Raises:
            CheckpointError: The model or the adapter cannot be loaded.
        """
        self._environment = environment
        tokenizer, self._model = _loaded(location, environment, cache, progress)
        self._base = (location, environment)
        self._adaptable = Adaptable(self._model, environment.device)
        self._base_voice = Voice.of_model(tokenizer, self._model)
        self._news: list[str] = []
        self._adapt(adapter)
        self._size = BatchSize(
            self._model.config,
            self._model.dtype,
            environment.device,
            cache.name,
            {} if facts is None else facts,
        )
        self._shares = _draws_together(self._model, location.path.name, progress)
        if self._voice.tokenizer.chat_template is None:
            self._news.append(
                f"{location.path.name} has no chat template: prompts are given as they are"
            )
        self._tell(progress)

    def sample(self, requests: Sequence[Request], progress: Progress) -> Iterator[Sample]:
        """Draw all requested samples, batch by batch; the batch halves when memory runs out."""
        self._tell(progress)
        tokenizer = self._voice.tokenizer
        rendered = render_all(tokenizer, requests, context_of(self._model.config))
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

    def swap(self, model: Model) -> bool:
        """Exchange the adapter, if `model` is of the same base."""
        if not isinstance(model, LocalWeights) or self._environment.quantization:
            return False
        if (model.location, model.environment) != self._base or not self._adaptable.restore():
            return False
        self._news += model.said
        self._adapt(model.adapter.path if model.adapter else None)
        return True

    def close(self) -> None:
        """Release the model and the device's memory."""
        del self._model, self._adaptable
        gc.collect()
        device = self._environment.device.split(":")[0]
        if device != "cpu":
            getattr(torch, device).empty_cache()

    def _adapt(self, adapter: Path | None) -> None:
        """Put an adapter on the base, with what it says of prompts and ends."""
        with without_warnings():
            self._adaptable.use(adapter)
            self._voice = self._base_voice
            if adapter is not None:
                self._voice, own = read_adapter(adapter, self._base_voice)
                if own:
                    self._news.append(f"{adapter.name} is drawn with its own {own}")

    def _tell(self, progress: Progress) -> None:
        """What is new since a person was last told."""
        for line in self._news:
            progress.say(line)
        self._news = []

    def _known(self, request: Request, tokens: tuple[int, ...]) -> tuple[int, ...]:
        """The tokens of a request.

        Raises:
            SamplingError: The model has no embedding for one of them.
        """
        known = self._model.get_input_embeddings().weight.shape[0]
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
        method = self._decode if self._shares else self._generate
        while rows:
            longest = len(rows[-1].tokens) + generation.max_tokens
            batch, done = self._next_batch(rows, longest), set()
            try:
                for place, sample in _quietly(method(batch, generation, progress)):
                    done.add(place)
                    yield sample
            except (torch.OutOfMemoryError, RuntimeError) as error:
                self._halve(error, len(batch), longest, progress)
            left = [row for place, row in enumerate(batch) if place not in done]
            rows = left + rows[len(batch) :]

    def _next_batch(self, rows: list[_Row], longest: int) -> list[_Row]:
        """The first rows; for `generate` of one length, since not every model may be padded."""
        batch = rows[: self._size.rows(longest)]
        if self._shares:
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
        with packed(self._model) if self._adaptable.plain else nullcontext():
            for one in decode(self._model, rows, generation, ends=ends, on_step=steps.count):
                _demand_number(one.row.logprob)
                row = batch[one.index]
                yield one.index, self._sample(row, one.row.tokens, one.row.logprob, ends)
        steps.finish()

    def _halve(self, error: RuntimeError, size: int, longest: int, progress: Progress) -> None:
        if not _out_of_memory(error):
            raise SamplingError(
                f"the model failed while sampling: {unexpected(error)}",
                fix="try --diversity-dtype float32, or another device",
            ) from error
        if size == 1:
            raise SamplingError(
                "one sample does not fit into the device's memory",
                fix="lower max_tokens, or use a larger device",
            ) from error
        half = self._size.halve(size, longest)
        gc.collect()
        progress.say(f"out of memory at {size} samples a batch: going on with {half}")

    def _generate(
        self, batch: list[_Row], generation: Generation, progress: Progress
    ) -> Iterator[tuple[int, Sample]]:
        """The same by `generate`, all at once; its random numbers depend on the batch."""
        inputs = torch.tensor([row.tokens for row in batch], device=self._model.device)
        torch.manual_seed(_seed(batch))
        steps = _Steps(len(batch), generation.max_tokens, progress)
        ends = self._ends(generation)
        start = 1 if self._model.config.is_encoder_decoder else inputs.shape[1]

        def stopped(ids: torch.Tensor, *_: object, **__: object) -> torch.Tensor:
            new = ids[:, max(start, ids.shape[1] - ends.window) :].tolist()
            return torch.tensor([ends(tokens) for tokens in new], device=ids.device)

        with torch.inference_mode():
            output = self._model.generate(
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
            pad_token_id=self._voice.tokenizer.pad_token_id,
            eos_token_id=sorted(self._voice.ends),
            **(draw if sampled else {}),
        )

    def _ends(self, generation: Generation) -> Ends:
        tokenizer = self._voice.tokenizer
        return Ends(tokenizer, self._voice.ends, generation.stop, marks(tokenizer))


def _loaded(
    location: Location, environment: Environment, cache: Path, progress: Progress
) -> tuple[Any, Any]:
    """The tokenizer and the model of a checkpoint, on its device."""
    silence()
    name, device = location.path.name, environment.device
    progress.say(f"loading {name} on {device} ({environment.dtype})")
    with without_warnings(), explained(f"checkpoint {location.path}"):
        tokenizer, model, unused = load(location, environment, cache)
    if unused:
        progress.say(f"{name}: weights that it does not use: {some(unused)}")
    if environment.quantization is None:  # such weights are on their device already
        model = model.to(device)
    return tokenizer, model.eval()


def _draws_together(model: Any, name: str, progress: Progress) -> bool:
    """Whether many samples are decoded at once; where not, `generate` draws, and that is said."""
    with without_warnings():
        reason = why_not(model)
    if reason is not None:
        progress.say(f"{name}: {reason}, so generate draws")
    return reason is None


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


def _out_of_memory(error: RuntimeError) -> bool:
    words = ("out of memory", "can't allocate memory", "not enough memory")
    return isinstance(error, torch.OutOfMemoryError) or any(word in str(error) for word in words)
