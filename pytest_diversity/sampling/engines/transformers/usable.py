"""Whether many rows can be decoded together here, or transformers' own `generate` has to draw.

Decoding together stands on parts of transformers that may change with any release. That they are
there is not enough: a tiny model must say with them, token for token, what it says with `generate`.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import torch
import transformers
from transformers import LlamaConfig, LlamaForCausalLM

from pytest_diversity.config.values import Generation
from pytest_diversity.errors import unexpected
from pytest_diversity.sampling.engines.transformers.batch_size import out_of_memory

__all__ = ["why_not"]

_PROMPTS = ((1, 2, 3), (3, 1, 4, 1, 2))  # of two lengths, so that one is padded
_ROWS = (0, 1, 0, 1)  # each is drawn twice, so that both are shared
_TOKENS = 5


def why_not(model: Any) -> str | None:
    """Make a model ready to be decoded by `decode.decode`.

    Returns:
        Why it cannot be, in a few words, None where it can.

    Raises:
        Exception: There is no memory to find that out.
    """
    reason = _library()
    if reason is not None:
        return reason
    from pytest_diversity.sampling.engines.transformers import attention, internals  # noqa: PLC0415 - see `_library`

    before = internals.attention_of(model)
    try:
        if not internals.is_supported(model):
            return "its cache cannot be shared"
        attention.fold_heads(model)
        _decoded(model, 2)
    except Exception as error:  # noqa: BLE001 - whatever a model of an unknown kind raises
        if out_of_memory(error):
            return None  # the batch will be made to fit
        model.set_attn_implementation(before)
        return f"its samples cannot be drawn together ({unexpected(error)})"
    return None


@cache
def _library() -> str | None:
    """What is wrong with this version of transformers; looked at once, on a tiny model."""
    version = f"transformers {transformers.__version__}"
    try:
        from pytest_diversity.sampling.engines.transformers.attention import fold_heads  # noqa: PLC0415 - may be what fails
        from pytest_diversity.sampling.engines.transformers.packing import packed  # noqa: PLC0415 - likewise

        model = _tiny()
        expected = [_generated(model, _PROMPTS[row]) for row in _ROWS]
        fold_heads(model)
        with packed(model):
            found = _decoded(model, _TOKENS)
    except Exception as error:  # whatever another version raises
        if out_of_memory(error):  # says nothing of the version, and `generate` draws other texts
            raise
        return f"{version} has not what drawing together needs ({unexpected(error)})"
    same = [one[: len(other)] for one, other in zip(expected, found, strict=True)] == found
    return None if same else f"{version} draws other texts together than one by one"


def _tiny() -> Any:
    """A random model with grouped heads, whose tokens are far apart; the same in every process."""
    config = LlamaConfig(
        hidden_size=16,
        intermediate_size=32,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        vocab_size=32,
        max_position_embeddings=64,
        initializer_range=0.5,
        bos_token_id=None,
        eos_token_id=None,
        pad_token_id=0,
    )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        model: Any = LlamaForCausalLM(config)
    return model.float().eval()


def _generated(model: Any, prompt: tuple[int, ...]) -> list[int]:
    ids = torch.tensor([prompt])
    output = model.generate(
        ids, attention_mask=torch.ones_like(ids), do_sample=False, max_new_tokens=_TOKENS
    )
    return [int(token) for token in output[0, len(prompt) :]]


def _decoded(model: Any, tokens: int) -> list[list[int]]:
    """The greedy tokens of the rows; the last row ends early, which cuts it out of the batch."""
    from pytest_diversity.sampling.engines.transformers.decode import Row, decode  # noqa: PLC0415 - may be what fails

    rows = [Row(_PROMPTS[row], key) for key, row in enumerate(_ROWS)]
    finished = decode(
        model,
        rows,
        Generation(temperature=0.0, max_tokens=tokens),
        ends=lambda tokens: tokens is rows[-1].tokens and len(tokens) == 2,
        on_step=lambda _: None,
    )
    for _ in finished:
        pass
    return [row.tokens for row in rows]
