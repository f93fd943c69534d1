"""How surprising an answer is after its prompt and other answers: `surprise:SOURCE`, bits per byte.

As Decan asks a base model (Khoriaty et al., 2606.01811): prompt and answers stand one after another
in a numbered list, and what of the last one could not be foretold is what it adds to the others.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from inspect import signature
from string import ascii_uppercase
from typing import Any

from pytest_diversity.config.quality import Quality
from pytest_diversity.errors import CheckpointError
from pytest_diversity.judges.classifier import configured, readable
from pytest_diversity.judges.likelihood import Scorer, ids_of
from pytest_diversity.judges.protocol import Judge, Texts
from pytest_diversity.judges.tools import Tools
from pytest_diversity.progress import counting

__all__ = ["find"]

_VERSION = "1"
_HEADS = ("ForCausalLM", "LMHeadModel", "ForConditionalGeneration")
_FIX = "name a causal language model, saved as safetensors, or a GGUF file"


def find(quality: Quality, tools: Tools) -> Judge:
    """What reads (prompt, answer, ..., answer) and scores the last; loaded when there is one.

    None where the last answer is empty, or all of it together is longer than the model's context.

    Raises:
        CheckpointError: The model is not there, or is none that foretells the next word.
    """
    model = Scorer.find(quality.judge.partition(":")[2], tools, "base model")
    if model.location.kind == "directory":
        config = configured(model.location.path, model.what, _HEADS, "language-model head", _FIX)
        if config.get("is_encoder_decoder"):
            raise CheckpointError(f"{model.what} has an encoder, so it reads no list", fix=_FIX)

    def score(items: Sequence[Texts]) -> list[float | None]:
        with model.loaded() as (tokenizer, network):
            found = (_bits_per_byte(tokenizer, network, item) for item in items)
            return list(counting(found, len(items), model.count))

    version = f"{_VERSION} ({model.digest})"
    return Judge(quality.judge, version, score, high=math.inf, threshold=0.0)


def _bits_per_byte(tokenizer: Any, model: Any, item: Texts) -> float | None:
    """-log2 p(last | prompt and the others) over its bytes in UTF-8; one forward pass."""
    import torch  # noqa: PLC0415 - heavy

    before, last = _listed(item)
    size = len(last.encode())
    ids = ids_of(tokenizer, f" {last}")
    known = [*_beginning(tokenizer), *ids_of(tokenizer, before)]
    longest = getattr(model.config.get_text_config(), "max_position_embeddings", None)
    if not size or (longest and len(known) + len(ids) > longest):
        return None
    given = torch.tensor([[*known, *ids]], device=model.device)
    able = "logits_to_keep" in signature(model.forward).parameters  # all of them may be gigabytes
    with torch.inference_mode():
        logits = model(given, **({"logits_to_keep": len(ids) + 1} if able else {})).logits
        chances = logits[0, -len(ids) - 1 : -1].float().log_softmax(-1)
        found = chances.gather(-1, given[0, len(known) :, None]).double().sum()
    return -float(found) / math.log(2) / size


def _listed(item: Texts) -> tuple[str, str]:
    """What stands before the last answer, in the paper's words, and that answer."""
    prompt, *answers = map(readable, item)
    heads = [f"\n\nResponse {letter}:" for letter in ascii_uppercase[: len(answers)]]
    said = [f"{head} {one}" for head, one in zip(heads, answers[:-1], strict=False)]
    return "".join([prompt, *said, heads[-1]]), answers[-1]


def _beginning(tokenizer: Any) -> list[int]:
    """The token that a text begins with, where the model knows one."""
    alone: list[int] = tokenizer("")["input_ids"]
    return [one for one in alone[:1] if one == tokenizer.bos_token_id]
