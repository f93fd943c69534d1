"""Drawing from real, small models: what is drawn is kept, and nothing is drawn twice."""

from __future__ import annotations

import weakref
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from peft import LoraConfig, get_peft_model
from transformers import AutoModelForCausalLM, AutoTokenizer

from pytest_diversity.config.options import Options
from pytest_diversity.config.values import Checkpoint, Config, Domain, Generation
from pytest_diversity.errors import CheckpointError, ConfigError, SamplingError
from pytest_diversity.events import Drawn
from pytest_diversity.report.progress import Console, DrawingProgress, showing
from pytest_diversity.sampling.engines.transformers import engine as transformers
from pytest_diversity.sampling.engines.transformers.drawer import Drawer
from pytest_diversity.sampling.engines.transformers.loading import load
from pytest_diversity.workspace import Workspace
from tests.workspaces import workspace_of

PROMPTS = ("the cat", "a dog ran in the park", "hello", "what is it?")


@pytest.fixture
def session(tmp_path: Path, tiny: Path) -> Iterator[Callable[..., Workspace]]:
    """A function that opens a session on a folder with prompts, on the CPU in float32."""
    lines = "\n".join(f'{{"id": "p{i}", "prompt": "{text}"}}' for i, text in enumerate(PROMPTS))
    (tmp_path / "prompts.jsonl").write_text(lines)
    opened: list[Workspace] = []

    def open_session(count: int = 4, source: Path = tiny, **settings: Any) -> Workspace:
        checkpoint = {
            key: settings.pop(key) for key in ("adapter", "generation") if key in settings
        }
        generation = Generation(**{"max_tokens": 6, **settings})
        domain = Domain(
            "d",
            prompts="prompts.jsonl",
            samples_per_prompt=count,
            generation=generation,
            root=tmp_path,
        )
        config = Config(
            checkpoints={"m": Checkpoint("m", str(source), **checkpoint)},
            domains={"d": domain},
            selected=("m",),
        )
        options = Options(device="cpu", dtype="float32", store=tmp_path / "store.sqlite")
        opened.append(workspace_of(config, options, tmp_path))
        return opened[-1]

    yield open_session
    for one in opened:
        one.close()


def _texts(session: Workspace) -> dict[str, list[str]]:
    return {p: [s.text for s in group] for p, group in session.samples("m", "d").items()}


def _drawn(session: Workspace) -> tuple[int, int]:
    event = next(event for event in session.events if isinstance(event, Drawn))
    return event.drawn, event.stored


def test_every_prompt_gets_its_samples(session: Callable[..., Workspace]) -> None:
    """K samples a prompt, numbered from 0, each with its length and why it ended."""
    samples = session(count=3).samples("m", "d")
    assert {p: [s.index for s in group] for p, group in samples.items()} == {
        f"p{i}": [0, 1, 2] for i in range(len(PROMPTS))
    }
    for sample in samples.samples:
        assert sample.tokens is not None
        assert sample.tokens <= 6
        assert sample.finish_reason == ("length" if sample.tokens == 6 else "stop")


def test_samples_differ_at_temperature_one(session: Callable[..., Workspace]) -> None:
    """Sampling samples: a random model hardly ever says the same twice."""
    assert all(len(set(texts)) == 4 for texts in _texts(session()).values())


def test_a_second_session_draws_nothing(session: Callable[..., Workspace]) -> None:
    """What was drawn is read back, text for text."""
    first = _texts(session())
    second = session()
    assert _texts(second) == first
    assert _drawn(second) == (0, 16)


def test_more_samples_draw_only_the_missing_ones(session: Callable[..., Workspace]) -> None:
    """Topping up from 2 to 5 keeps the first two and draws three."""
    first = _texts(session(count=2))
    more = session(count=5)
    texts = _texts(more)
    assert {p: group[:2] for p, group in texts.items()} == first
    assert _drawn(more) == (12, 8)


def test_fewer_samples_are_a_part_of_the_stored_ones(session: Callable[..., Workspace]) -> None:
    """Asking for fewer reads the first of them."""
    texts = _texts(session(count=4))
    assert _texts(session(count=2)) == {p: group[:2] for p, group in texts.items()}


@pytest.mark.parametrize(
    "change",
    [
        {"temperature": 0.5},
        {"max_tokens": 5},
        {"seed": 1},
        {"system": "be brief"},
        {"top_k": 5},
        {"stop": ("a",)},
    ],
    ids=["temperature", "length", "seed", "system message", "top_k", "stop strings"],
)
def test_other_settings_are_other_samples(
    session: Callable[..., Workspace], change: dict[str, Any]
) -> None:
    """Samples are keyed by every setting that they depend on."""
    session().samples("m", "d")
    other = session(**change)
    other.samples("m", "d")
    assert _drawn(other) == (16, 0)


def test_other_weights_are_other_samples(
    session: Callable[..., Workspace], tmp_path: Path, make_model: Callable[..., Path]
) -> None:
    """Samples are keyed by the weights' content, not by their path."""
    folder = make_model(tmp_path / "model", seed=1)
    session(source=folder).samples("m", "d")
    make_model(folder, seed=2)
    changed = session(source=folder)
    changed.samples("m", "d")
    assert _drawn(changed) == (16, 0)


def test_a_checkpoints_own_settings_override_the_domains(session: Callable[..., Workspace]) -> None:
    """`{ model = ..., temperature = 0 }` is greedy, whatever the domain says."""
    texts = _texts(session(generation={"temperature": 0.0}))
    assert all(len(set(group)) == 1 for group in texts.values())


def test_greedy_text_is_that_of_generate(session: Callable[..., Workspace], tiny: Path) -> None:
    """In a batch over prompts of different lengths, temperature 0 is the model's greedy text."""
    tokenizer = AutoTokenizer.from_pretrained(tiny)
    model: Any = AutoModelForCausalLM.from_pretrained(tiny, dtype=torch.float32)
    expected = {}
    for number, prompt in enumerate(PROMPTS):
        text = f"<|user|>{prompt}<|end|><|assistant|>"
        inputs = tokenizer(text, add_special_tokens=False, return_tensors="pt").input_ids
        output = model.generate(inputs, do_sample=False, max_new_tokens=6)
        new = output[0, inputs.shape[1] :]
        expected[f"p{number}"] = tokenizer.decode(new, skip_special_tokens=True)
    texts = _texts(session(count=1, temperature=0.0))
    assert {p: group[0] for p, group in texts.items()} == expected


@pytest.mark.parametrize(
    "change",
    [
        lambda patch: patch.setattr(
            "pytest_diversity.sampling.engines.transformers.batch_size._MOST_ON_CPU", 3
        ),
        lambda patch: patch.setattr(Drawer, "_halve", None),
    ],
    ids=["another batch size", "nothing changed"],
)
def test_sample_i_is_sample_i(
    session: Callable[..., Workspace],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    change: Callable[[pytest.MonkeyPatch], None],
) -> None:
    """In float32 a text depends on the model, the prompt, the settings and its number alone."""
    first = _texts(session(count=6, max_tokens=12))
    (tmp_path / "store.sqlite").unlink()
    change(monkeypatch)
    again = _texts(session(count=2, max_tokens=12)), _texts(session(count=6, max_tokens=12))
    assert again[0] == {p: group[:2] for p, group in first.items()}
    assert again[1] == first


def test_what_cannot_share_its_cache_is_served_by_generate(
    session: Callable[..., Workspace],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """The fallback draws as many samples as were asked for, and the run says so."""
    monkeypatch.setattr(
        "pytest_diversity.sampling.engines.transformers.internals.is_supported", lambda _: False
    )
    one = session()
    one.resources._show = showing(Console)
    assert all(len(set(texts)) == 4 for texts in _texts(one).values())
    assert "its cache cannot be shared, so generate draws" in capsys.readouterr().err


def test_an_interrupt_keeps_what_was_finished(
    session: Callable[..., Workspace],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Ctrl-C in the third batch keeps the first two, says so, and the next run continues."""
    monkeypatch.setattr("pytest_diversity.sampling.engines.transformers.batch_size._MOST_ON_CPU", 4)
    steps = 0
    advance = DrawingProgress.advance

    def interrupt(self: DrawingProgress, samples: float, tokens: int) -> None:
        nonlocal steps
        steps += bool(tokens)
        if steps > 14:
            raise KeyboardInterrupt
        advance(self, samples, tokens)

    with monkeypatch.context() as patch:
        patch.setattr(DrawingProgress, "advance", interrupt)
        one = session()
        one.resources._show = showing(Console)
        with pytest.raises(KeyboardInterrupt):
            one.samples("m", "d")
    assert "the same command goes on from it" in capsys.readouterr().err
    after = session()
    after.samples("m", "d")
    drawn, stored = _drawn(after)
    assert stored in {8, 12}
    assert drawn == 16 - stored


def test_a_full_disk_keeps_what_was_finished(
    session: Callable[..., Workspace], monkeypatch: pytest.MonkeyPatch
) -> None:
    """SQLite's own "disk is full" becomes one sentence, and what was written before is there."""
    monkeypatch.setattr("pytest_diversity.sampling.engines.transformers.batch_size._MOST_ON_CPU", 4)
    one = session()
    pages = one.resources.store.rows("PRAGMA page_count")[0][0]
    one.resources.store.rows(f"PRAGMA max_page_count = {pages + 1}")
    with pytest.raises(Exception, match="full; free some space and run again"):
        session_fills_up(one)
    again = session()
    again.samples("m", "d")
    drawn, stored = _drawn(again)
    assert drawn + stored == 16


def session_fills_up(session: Workspace) -> None:
    """Draw until the store's last page is full."""
    for seed in range(20):
        domain = session.config.domains["d"]
        object.__setattr__(domain, "generation", Generation(max_tokens=6, seed=seed))
        session._features.clear()
        session.samples("m", "d")


def test_the_batch_halves_when_memory_runs_out(
    session: Callable[..., Workspace], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Out of memory above 3 rows: the batch shrinks until it fits, and every sample arrives."""
    sizes = []
    decode = Drawer._decode

    def limited(self: Drawer, batch: Any, *rest: Any) -> Any:
        sizes.append(len(batch))
        if len(batch) > 3:
            raise torch.OutOfMemoryError
        return decode(self, batch, *rest)

    monkeypatch.setattr(Drawer, "_decode", limited)
    assert all(len(group) == 4 for group in _texts(session()).values())
    assert sizes[:4] == [16, 8, 4, 2]
    sizes.clear()
    assert all(len(group) == 6 for group in _texts(session(count=6)).values())
    assert max(sizes) <= 3  # remembered by the next run


def test_one_sample_that_does_not_fit_is_said(
    session: Callable[..., Workspace], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Halving ends at one sample, with a sentence."""

    def never(*_: Any) -> Any:
        raise torch.OutOfMemoryError

    monkeypatch.setattr(Drawer, "_decode", never)
    with pytest.raises(SamplingError, match="one sample does not fit"):
        session().samples("m", "d")


def test_a_tokenizer_without_chat_template_gets_plain_prompts(
    session: Callable[..., Workspace],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    make_model: Callable[..., Path],
) -> None:
    """The prompt is given as it is, and the run says so."""
    one = session(source=make_model(tmp_path / "plain", template=False))
    one.resources._show = showing(Console)
    assert all(len(group) == 4 for group in _texts(one).values())
    assert "has no chat template: prompts are given as they are" in capsys.readouterr().err


def _adapter(base: Path, folder: Path) -> Path:
    model = get_peft_model(
        AutoModelForCausalLM.from_pretrained(base),
        LoraConfig(
            r=4, target_modules=["q_proj", "v_proj"], init_lora_weights=False, task_type="CAUSAL_LM"
        ),
    )
    model.save_pretrained(str(folder))
    return folder


def test_an_adapter_changes_what_is_said(
    session: Callable[..., Workspace], tiny: Path, tmp_path: Path
) -> None:
    """Base + LoRA is a checkpoint of its own."""
    adapter = _adapter(tiny, tmp_path / "adapter")
    greedy = {"count": 1, "temperature": 0.0}
    assert _texts(session(**greedy)) != _texts(session(**greedy, adapter=str(adapter)))


def test_adapters_of_one_base_are_exchanged(
    session: Callable[..., Workspace], tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The base is loaded once, and each checkpoint says what it says when it is loaded alone."""
    adapters = [str(_adapter(tiny, tmp_path / f"adapter{i}")) for i in range(2)]
    sources = {"a": adapters[0], "none": None, "b": adapters[1]}
    alone = {}
    for name, adapter in sources.items():
        alone[name] = _texts(session(**({"adapter": adapter} if adapter else {})))
        (tmp_path / "store.sqlite").unlink()
    assert alone["a"] != alone["b"] != alone["none"] != alone["a"]
    loads = []

    def counted(*arguments: Any) -> Any:
        loads.append(arguments)
        return load(*arguments)

    monkeypatch.setattr(transformers, "load", counted)
    one = session()
    domain, prompts = one.domain("d"), one.prompts(one.domain("d"))
    for name, adapter in sources.items():
        drawing = one.resources.sampler.draw(Checkpoint(name, str(tiny), adapter), domain, prompts)
        found = {p: [s.text for s in group] for p, group in drawing.samples.items()}
        assert found == alone[name]
    assert len(loads) == 1


def test_the_model_before_is_released(
    session: Callable[..., Workspace], tmp_path: Path, make_model: Callable[..., Path]
) -> None:
    """One base at a time is in memory."""
    one = session()
    domain, prompts = one.domain("d"), one.prompts(one.domain("d"))
    one.samples("m", "d")
    assert one.resources.sampler._loaded is not None
    engine: Any = one.resources.sampler._loaded[1]
    model = weakref.ref(engine._drawer.model)
    del engine
    other = make_model(tmp_path / "other", seed=1)
    one.resources.sampler.draw(Checkpoint("other", str(other)), domain, prompts)
    assert model() is None


def test_an_adapter_that_does_not_fit_is_refused(
    session: Callable[..., Workspace], tmp_path: Path, make_model: Callable[..., Path]
) -> None:
    """An adapter trained on another base is one sentence, not a tensor's shape."""
    adapter = _adapter(make_model(tmp_path / "wide", hidden=64), tmp_path / "adapter")
    with pytest.raises(CheckpointError, match="does not fit its base"):
        session(adapter=str(adapter)).samples("m", "d")


def test_pickled_weights_are_never_loaded(
    session: Callable[..., Workspace], tmp_path: Path, make_model: Callable[..., Path]
) -> None:
    """A directory with pickled weights alone is refused before anything is read from it."""
    folder = make_model(tmp_path / "pickled")
    (folder / "model.safetensors").rename(folder / "pytorch_model.bin")
    with pytest.raises(CheckpointError, match="no safetensors weights"):
        session(source=folder).samples("m", "d")


def test_a_broken_model_directory_is_one_sentence(
    session: Callable[..., Workspace], tmp_path: Path, make_model: Callable[..., Path]
) -> None:
    """Truncated weights name the checkpoint and what to do."""
    folder = make_model(tmp_path / "broken")
    weights = folder / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:100])
    with pytest.raises(CheckpointError, match="cannot be loaded"):
        session(source=folder).samples("m", "d")


def test_an_absent_device_is_refused(session: Callable[..., Workspace]) -> None:
    """The error names the devices that are there."""
    if torch.cuda.is_available():
        pytest.skip("there is a GPU here")
    one = session()
    object.__setattr__(one.options, "device", "cuda")
    with pytest.raises(ConfigError, match="'cuda' is not available here; use cpu"):
        one.samples("m", "d")
