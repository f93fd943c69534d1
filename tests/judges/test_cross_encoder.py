"""A model that reads two answers together: small ones, of transformers' own classes and files."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import transformers
from numpy.typing import NDArray
from tokenizers import Tokenizer, models, pre_tokenizers, processors
from transformers import BertForSequenceClassification, PreTrainedTokenizerFast

from pytest_diversity import measure
from pytest_diversity.config.quality import Alike, Quality
from pytest_diversity.config.values import Domain
from pytest_diversity.errors import CheckpointError, ConfigError, DiversityError, JudgeError
from pytest_diversity.judges import registry
from pytest_diversity.judges.protocol import Judge, assess
from pytest_diversity.judges.tools import Tools

TEXTS = ["red", "blue or green", "it is red", "green it is", "no"]
WORDS = sorted({word for text in TEXTS for word in text.split()})
NLI = ("contradiction", "Entailment", "neutral")


def save(folder: Path, labels: Sequence[str] = ("similarity",), architecture: str = "Bert") -> Path:
    """A random one with these labels, whose scores are far apart."""
    torch.manual_seed(0)
    folder.mkdir(parents=True, exist_ok=True)
    names = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", *WORDS]
    made = Tokenizer(models.WordLevel({name: i for i, name in enumerate(names)}, "[UNK]"))
    made.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    made.post_processor = processors.BertProcessing(("[SEP]", 3), ("[CLS]", 2))
    build: Any = PreTrainedTokenizerFast
    build(
        tokenizer_object=made, unk_token="[UNK]", pad_token="[PAD]", cls_token="[CLS]",
        sep_token="[SEP]", model_input_names=["input_ids", "token_type_ids", "attention_mask"],
    ).save_pretrained(folder)  # fmt: skip
    configured: Any = getattr(transformers, f"{architecture}Config")
    config = configured(
        vocab_size=len(names), hidden_size=16, intermediate_size=32, num_hidden_layers=2,
        num_attention_heads=2, max_position_embeddings=32, initializer_range=0.8, pad_token_id=0,
        type_vocab_size=2,
        id2label=dict(enumerate(labels)), label2id={one: i for i, one in enumerate(labels)},
    )  # fmt: skip
    classifier: Any = getattr(transformers, f"{architecture}ForSequenceClassification")
    classifier(config).save_pretrained(folder)
    return folder


@pytest.fixture(scope="module")
def one_label(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """As sentence-transformers trains them."""
    return save(tmp_path_factory.mktemp("one"))


@pytest.fixture(scope="module")
def inference(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Of natural language inference."""
    return save(tmp_path_factory.mktemp("nli"), NLI)


def find(source: object, threshold: float | None = None) -> Judge:
    """The judge of a model directory."""
    tools = Tools(lambda _: None, str, "cpu", Path(), dict)
    return registry.find(Alike(f"cross_encoder:{source}", threshold), tools)


def logits(folder: Path, one: str, other: str) -> Any:
    """As transformers itself gives them."""
    tokenizer, model = (kind.from_pretrained(folder) for kind in _KINDS)
    with torch.inference_mode():
        return model(**tokenizer(one, other, return_tensors="pt")).logits[0]


_KINDS: tuple[Any, Any] = (PreTrainedTokenizerFast, BertForSequenceClassification)
ITEMS = [("", one, other) for one in TEXTS for other in TEXTS if one != other]


def test_one_label_is_a_similarity(one_label: Path) -> None:
    """Its sigmoid; both segments are told apart, and padding is nothing to it."""
    expected = [float(torch.sigmoid(logits(one_label, *item[1:])[0])) for item in ITEMS]
    assert [*find(one_label).score(ITEMS)] == pytest.approx(expected, abs=1e-5)
    assert max(expected) - min(expected) > 0.02


def test_of_inference_it_is_entailment(inference: Path) -> None:
    """The probability of the label of that name, wherever it stands and however it is written."""
    expected = [float(logits(inference, *item[1:]).softmax(-1)[1]) for item in ITEMS]
    assert [*find(inference).score(ITEMS)] == pytest.approx(expected, abs=1e-5)


def classes(folder: Path, texts: Sequence[str], threshold: float) -> float | None:
    """How many there are."""
    way = {"judge": f"cross_encoder:{folder}", "threshold": threshold}
    domain = Domain("talk", equivalence=way)
    samples = {"?": list(texts)}
    given = {"valid": [True] * len(texts)}
    return measure(samples, "hill(q=0)", domain=domain, embed=_no_embedder, given=given).value


def _no_embedder(_: Sequence[str]) -> NDArray[np.float32]:
    raise AssertionError("nothing is embedded")


def test_both_ways_must_pass(one_label: Path) -> None:
    """A threshold between the two scores of a pair keeps it apart; one below both does not."""
    scores = dict(zip(ITEMS, find(one_label).score(ITEMS), strict=True))

    def gap(item: tuple[str, str, str]) -> float:
        return abs((scores[item] or 0) - (scores["", item[2], item[1]] or 0))

    _, one, other = max(ITEMS, key=gap)
    low, high = sorted((scores["", one, other] or 0, scores["", other, one] or 0))
    assert classes(one_label, [one, other], (low + high) / 2) == pytest.approx(2)
    assert classes(one_label, [other, one], (low + high) / 2) == pytest.approx(2)
    assert classes(one_label, [one, other], low - 1e-4) == pytest.approx(1)


def test_classes_do_not_depend_on_the_order(inference: Path) -> None:
    """Equal texts are one class, and are never asked about."""
    assert classes(inference, ["red"] * 3, 1.0) == pytest.approx(1)
    found = {classes(inference, order, 0.3) for order in (TEXTS, TEXTS[::-1], sorted(TEXTS))}
    assert len(found) == 1


@pytest.mark.parametrize("text", ["", "\ud800", "red " * 5000, "[SEP] [SEP] red", "\x00"])
def test_any_text_has_a_score(one_label: Path, text: str) -> None:
    """Hostile texts are nothing but texts; what is too long is cut."""
    way = Alike(f"cross_encoder:{one_label}")
    found = assess(find(one_label), [("", text, "red"), ("", "red " * 99, text)], way)
    assert None not in found.scores


def test_a_model_whose_positions_begin_behind_the_padding(tmp_path: Path) -> None:
    """RoBERTa's kind reads fewer tokens than it has positions."""
    folder = save(tmp_path / "roberta", NLI, "Roberta")
    assert None not in [*find(folder).score([("", "red " * 99, "no " * 99), ("", "red", "no")])]


def test_what_it_gave_is_remembered_wherever_the_texts_are(one_label: Path) -> None:
    """By name, weights and both texts in their order; another threshold asks nothing anew."""
    memory: dict[str, float] = {}
    way = Alike(f"cross_encoder:{one_label}", 0.4)
    before = assess(find(one_label), ITEMS, way, memory)
    assert len(memory) == len(ITEMS)
    other = Alike(way.judge, 0.6)
    again = assess(_deaf(find(one_label)), ITEMS, other, memory)
    assert again.scores == before.scores
    assert before.bar != again.bar


def _deaf(judge: Judge) -> Judge:
    def score(_: Sequence[Any]) -> list[float]:
        raise AssertionError("nothing is asked")

    return Judge(judge.name, judge.version, score, threshold=0.5)


def test_other_weights_are_another_judge(tmp_path: Path, one_label: Path) -> None:
    """Their digest is part of its version, and so of baselines."""
    other = save(tmp_path / "other", NLI)
    assert find(one_label).version != find(other).version


def test_what_cannot_compare_is_refused(tmp_path: Path) -> None:
    """Before anything is drawn: no head, no label of that name, nothing there."""
    folder = save(tmp_path / "headless")
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**config, "architectures": ["BertModel"]}))
    with pytest.raises(CheckpointError, match="has no head that scores: it is a BertModel"):
        find(folder)
    with pytest.raises(
        CheckpointError, match=r"has 2 labels \(not_entailment, other\), none of them entailment"
    ):
        find(save(tmp_path / "two", ("not_entailment", "other")))
    with pytest.raises(CheckpointError, match=r"has no config\.json"):
        find(tmp_path)
    with pytest.raises(DiversityError, match="nowhere"):
        find(tmp_path / "nowhere")


def test_pickled_weights_are_never_read(tmp_path: Path) -> None:
    """They could run anything."""
    folder = save(tmp_path / "pickled")
    (folder / "model.safetensors").rename(folder / "pytorch_model.bin")
    with pytest.raises(CheckpointError, match="no safetensors weights"):
        [*find(folder).score(ITEMS)]


def test_weights_that_give_no_numbers_make_no_class(tmp_path: Path) -> None:
    """NaN is no score: one sentence."""
    from safetensors.torch import load_file, save_file  # noqa: PLC0415 - this test's alone

    path = save(tmp_path / "broken") / "model.safetensors"
    weights = load_file(path)
    weights["classifier.bias"] = torch.full_like(weights["classifier.bias"], torch.nan)
    save_file(weights, path, metadata={"format": "pt"})
    with pytest.raises(JudgeError, match="gave nan as a score"):
        classes(path.parent, TEXTS, 0.5)


def test_a_threshold_out_of_range_is_refused(one_label: Path) -> None:
    """It is a probability."""
    with pytest.raises(ConfigError, match=r"threshold 1.5 is outside the range .*, 0 to 1"):
        classes(one_label, TEXTS, 1.5)


WRONG: Mapping[str, tuple[Any, float | None, str]] = {
    "a distance": ("cross_encoder:x", 0.2, "has no distance that same_meaning = 0.2"),
    "a rubric": ({"judge": "cross_encoder:x", "rubric": "r"}, None, "takes no rubric"),
    "a percentile": (
        {"judge": "cross_encoder:x", "threshold": "reference:p20"},
        None,
        "cannot be a percentile",
    ),
    "a threshold of a rule": ({"judge": "exact", "threshold": 0.5}, None, "takes nothing beside"),
    "an unknown key": (
        {"judge": "exact", "treshold": 0.5},
        None,
        "has the unknown key 'treshold'",
    ),
    "a list": (["exact"], None, "equivalence cannot be"),
    "no name": ({"threshold": 0.5}, None, "equivalence needs the name of a judge"),
    "a misspelling": ("cross_encodr:x", None, "did you mean 'cross_encoder'"),
}


@pytest.mark.parametrize("case", WRONG)
def test_what_is_no_equivalence(case: str) -> None:
    """One sentence, and nothing is loaded."""
    way, near, message = WRONG[case]
    domain = Domain("talk", equivalence=way, same_meaning=near)
    with pytest.raises(ConfigError, match=message):
        measure(TEXTS, "hill(q=0)", domain=domain, given={"valid": [True] * len(TEXTS)})


def test_it_is_no_judge_of_quality() -> None:
    """What tells two answers apart says nothing of one."""
    with pytest.raises(ConfigError, match="unknown judge 'cross_encoder:x'"):
        registry.find(Quality("cross_encoder:x"), Tools(lambda _: None, str, "cpu", Path(), dict))


def test_across_prompts(inference: Path) -> None:
    """Answers of several prompts are compared as those of one are."""
    domain = Domain("talk", equivalence={"judge": f"cross_encoder:{inference}", "threshold": 1.0})
    samples = {"Name a colour.": ["red", "no"], "And another.": ["red", "it is red"]}
    given = {"valid": {prompt: [True, True] for prompt in samples}}
    found = measure(samples, "hill(q=0)", domain=domain, across=True, given=given)
    assert found.value == pytest.approx(1.5)
