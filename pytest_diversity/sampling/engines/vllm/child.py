"""The process that holds vLLM: when it ends, the memory of its device is free again."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from pytest_diversity.config.values import Generation
from pytest_diversity.errors import (
    ConfigError,
    DiversityError,
    SamplingError,
    did_you_mean,
    first_line,
)
from pytest_diversity.samples import Sample
from pytest_diversity.sampling.chat import begins, marks, render_all
from pytest_diversity.sampling.engines.vllm.invariance import ask_invariance
from pytest_diversity.sampling.protocol import Request

__all__ = ["FIX", "SEED_BITS", "Start", "arguments_of", "serve", "settings_of"]

FIX = "load it in vLLM alone to see what is wrong, or use --diversity-engine transformers"
SEED_BITS = 63  # of a seed that vLLM and torch's generators can read


@dataclass(frozen=True, slots=True)
class Start:
    """What is loaded.

    Attributes:
        path: A directory with safetensors weights, or a GGUF file.
        gguf: Whether it is the latter.
        dtype: Number format.
        rank: Of the adapters that will be asked for at most; 0 for none.
        cache: Where a GGUF file's weights are kept once converted.
        arguments: Of vLLM's engine, as the user wrote them.
        gpu: The only one that is shown to vLLM; None shows all.
        invariant: Whether a text must not depend on what else is drawn at the time.
    """

    path: Path
    gguf: bool
    dtype: str
    rank: int
    cache: Path
    arguments: Mapping[str, Any]
    gpu: str | None = None
    invariant: bool = False


def settings_of(generation: Generation, seed: int) -> dict[str, Any]:
    """The arguments of `vllm.SamplingParams`, each outright.

    vLLM gives choice i of a request the seed plus i, so that prompts with neighbouring seeds would
    share their random numbers: each sample is a request of its own, and prefix caching lets those
    of a prompt share its prefill.
    """
    return {
        "n": 1,
        "temperature": generation.temperature,
        "top_p": generation.top_p,
        "top_k": generation.top_k,
        "min_p": generation.min_p,
        "repetition_penalty": generation.repetition_penalty,
        "max_tokens": generation.max_tokens,
        "stop": list(generation.stop),
        "seed": seed,
        "logprobs": 0,  # of the drawn tokens alone
    }


def arguments_of(start: Start) -> dict[str, Any]:
    """The arguments of `vllm.EngineArgs` but for the model; the user's own come last."""
    lora = {"enable_lora": True, "max_lora_rank": start.rank} if start.rank else {}
    return {"dtype": start.dtype, "enable_prefix_caching": True, **lora, **start.arguments}


def serve(pipe: Connection, start: Start) -> None:
    """Load; then answer each (requests, adapter) with its samples and None, until the pipe ends."""
    _quiet()
    if start.gpu is not None:
        os.environ["CUDA_VISIBLE_DEVICES"] = start.gpu  # read when vLLM is imported
    try:
        if start.invariant:
            ask_invariance()
        engine = _Engine(start)
        pipe.send(None)
        while True:
            requests, adapter = pipe.recv()
            for sample in engine.draw(requests, adapter):
                pipe.send(sample)
            pipe.send(None)
    except (EOFError, BrokenPipeError):
        return  # the driver has closed it, or is gone
    except DiversityError as error:
        pipe.send(error)
    except Exception as error:  # noqa: BLE001 - vLLM's own are of any type
        pipe.send(SamplingError(f"vLLM failed: {_reason(error)}", fix=FIX))


def _reason(error: Exception) -> str:
    """Its first line, and pydantic's second, which says what is wrong."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return ": ".join(lines[:2]) if lines[1:] and "validation" in lines[0] else first_line(error)


def _check(given: Mapping[str, Any], known: type) -> None:
    names = [field.name for field in fields(known)]
    for name in given:
        if name not in names:
            raise ConfigError(
                f"this vLLM's engine has no argument {name!r}", fix=did_you_mean(name, names)
            )


class _Engine:
    """vLLM's engine, its tokenizer and its adapters."""

    def __init__(self, start: Start) -> None:
        from vllm import EngineArgs, LLMEngine  # noqa: PLC0415 - optional and heavy

        from pytest_diversity.sampling.engines.transformers.gguf import converted  # noqa: PLC0415 - imports torch
        from pytest_diversity.sampling.engines.transformers.loading import load_tokenizer  # noqa: PLC0415 - likewise
        from pytest_diversity.sampling.engines.transformers.voice import Voice  # noqa: PLC0415 - likewise

        path = converted(start.path, start.dtype, start.cache) if start.gguf else start.path
        self._voice = Voice(load_tokenizer(path), frozenset())  # vLLM knows the base's end tokens
        _check(start.arguments, EngineArgs)
        arguments = {**arguments_of(start), "model": str(path)}
        self._engine = LLMEngine.from_engine_args(EngineArgs(**arguments))
        self._adapters: dict[Path, Any] = {}

    def draw(self, requests: Sequence[Request], adapter: Path | None) -> Iterator[Sample]:
        """Each sample as soon as it is finished."""
        from vllm import SamplingParams  # noqa: PLC0415 - optional and heavy
        from vllm.sampling_params import RequestOutputKind  # noqa: PLC0415

        places: dict[str, tuple[str, int]] = {}
        lora = self._adapter(adapter)
        voice = self._voice.beside(adapter)[0] if adapter else self._voice
        model = getattr(self._engine, "model_config", None)
        rendered = render_all(voice.tokenizer, requests, getattr(model, "max_model_len", None))
        begun = {request.prompt: begins(voice.tokenizer, request) for request in requests}
        for request, tokens in zip(requests, rendered, strict=True):
            prompt = {"prompt_token_ids": list(tokens)}
            for number in request.numbers:
                settings = SamplingParams(
                    **settings_of(request.generation, request.seed(number, SEED_BITS)),
                    output_kind=RequestOutputKind.FINAL_ONLY,
                    skip_special_tokens=not marks(voice.tokenizer),
                    **({} if voice is self._voice else {"stop_token_ids": sorted(voice.ends)}),
                )
                name = str(len(places))
                places[name] = (request.prompt, number)
                self._engine.add_request(name, prompt, settings, lora_request=lora)
        while self._engine.has_unfinished_requests():
            for output in self._engine.step():
                if output.finished:
                    name, number = places[output.request_id]
                    one = _sample(name, number, output.outputs[0])
                    yield replace(one, text=begun[name] + one.text)

    def _adapter(self, path: Path | None) -> Any:
        from vllm.lora.request import LoRARequest  # noqa: PLC0415 - optional and heavy

        if path is None:
            return None
        number = len(self._adapters) + 1
        return self._adapters.setdefault(path, LoRARequest(f"adapter-{number}", number, str(path)))


def _sample(prompt: str, number: int, output: Any) -> Sample:
    stopped = output.finish_reason == "stop"
    ended = stopped and not isinstance(output.stop_reason, str)  # by a token, not a stop string
    return Sample(
        prompt=prompt,
        index=number,
        text=output.text,
        finish_reason=output.finish_reason,
        tokens=len(output.token_ids) - ended,  # without the token that ends it
        logprob=output.cumulative_logprob,
    )


def _quiet() -> None:
    """What vLLM logs would stand in the middle of a test run, and what it reports is nobody's."""
    os.environ.setdefault("VLLM_NO_USAGE_STATS", "1")
    os.environ.setdefault("VLLM_LOGGING_LEVEL", "ERROR")
    os.environ.setdefault("VLLM_ENABLE_V1_MULTIPROCESSING", "0")  # this process is its process
    logging.disable(logging.WARNING)
    with Path(os.devnull).open("w") as nowhere:
        os.dup2(nowhere.fileno(), 1)
        os.dup2(nowhere.fileno(), 2)
