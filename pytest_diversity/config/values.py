"""`diversity.toml` and the options around it, as frozen values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

from pytest_diversity.config.budget import Budget
from pytest_diversity.config.checks import check_passed, shown
from pytest_diversity.config.quality import Alike, Quality
from pytest_diversity.config.recorded import Recorded
from pytest_diversity.config.server import Endpoint
from pytest_diversity.errors import ConfigError, did_you_mean

__all__ = [
    "BUILTIN_DOMAINS",
    "Checkpoint",
    "Config",
    "Domain",
    "Generation",
    "baseline_name",
]

BASELINE = "baseline"
# What a chat template is told by the run.
_RENDERED = {
    *("conversation", "messages", "chat_template", "add_generation_prompt", "tokenize"),
    *("continue_final_message", "strftime_now", "padding", "truncation", "max_length"),
    *("return_tensors", "return_dict", "return_assistant_tokens_mask", "tokenizer_kwargs"),
}


@dataclass(frozen=True, slots=True)
class Generation:
    """How a text is drawn; all of it is part of a sample's key.

    Attributes:
        temperature: 0 is greedy, 1 the model's own distribution.
        top_p: Nucleus: the smallest set of tokens with this probability; 1 keeps all.
        top_k: The k likeliest tokens; 0 keeps all.
        min_p: Tokens with at least this share of the likeliest one's probability; 0 keeps all.
        repetition_penalty: Above 1, tokens that were there before are less likely.
        max_tokens: The most new tokens.
        seed: Where the random numbers start.
        system: A system message before the prompt, for models with a chat template.
        mode: `direct`, or `verbalized` to ask for several answers at once, with probabilities.
        answers_per_call: How many answers a verbalized call asks for.
        stop: Strings before which a text ends.
    """

    temperature: float = 1.0
    top_p: float = 1.0
    top_k: int = 0
    min_p: float = 0.0
    repetition_penalty: float = 1.0
    max_tokens: int = 256
    seed: int = 0
    system: str | None = None
    mode: str = "direct"
    answers_per_call: int = 5
    stop: tuple[str, ...] = ()

    def settings(self) -> dict[str, Any]:
        """All of it as JSON; `stop` only where it is set, so that older samples keep their key."""
        values = asdict(self)
        stop = values.pop("stop")
        return {**values, "stop": list(stop)} if stop else values


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A model under test.

    Attributes:
        name: Short and unique: the id of its tests.
        source: Hub id, directory, `package:NAME/path`, GGUF file, `replay:PATH` of recorded
            samples, or `http://host:port/v1#model`.
        adapter: Source of a LoRA adapter on top, if any.
        generation: Settings of its own, which override the domain's.
        server: How its server is spoken to, if it is on one.
        quantization: `8bit` or `4bit` weights, made while loading; None keeps them as they are.
        vllm: Arguments of vLLM's engine, beside those of the whole run.
        template: A file with its chat template, or the template itself; `none` for models that
            have none; the model's own if None.
        chat_template_kwargs: What the template is told.
        today: The date that the template reads, in ISO form; the clock's if None.
        thinking: Whether its thoughts are told from its answers; as the domain says if None.
        run: The training run that it is of: the name of the pattern that matches it, with that of
            its folder where there are several; empty where it stands alone.
        step: Which step; None where its name has no number at the end, too.
        replay: How its recorded samples are read, where their file does not say it.
    """

    name: str
    source: str
    adapter: str | None = None
    generation: Mapping[str, Any] = field(default_factory=dict)
    server: Endpoint = field(default_factory=Endpoint)
    quantization: str | None = None
    vllm: Mapping[str, Any] = field(default_factory=dict)
    template: str | None = None
    chat_template_kwargs: Mapping[str, Any] = field(default_factory=dict)
    today: str | None = None
    thinking: str | None = None
    run: str = ""
    step: int | None = None
    replay: Recorded | None = None

    def __post_init__(self) -> None:
        """Refuse what no chat template can be told."""
        check_passed(
            "chat_template_kwargs", self.chat_template_kwargs, _RENDERED, "docs/prompts.md"
        )
        if self.today is not None and not _is_date(self.today):
            raise ConfigError(f"today is no date: {shown(self.today)}", fix="write 2026-01-31")


@dataclass(frozen=True, slots=True)
class Domain:
    """A kind of task with prompts, settings and budgets of its own.

    Attributes:
        name: Its name in budgets and reports.
        kind: `answer`, `code` or `prose`: how its answers are read.
        language: Of its programs, for the kind `code`.
        style: Whether an `answer` holds its program, or is a `continuation` of the prompt's code.
        extract: What finds the final answer, for the kind `answer`: `auto`, `regex:PATTERN` or
            `callable:MODULE:FUNCTION`.
        prompts: `builtin:NAME` or a JSONL file; None for texts at hand.
        max_prompts: Use only this many, spread over the groups; None for all.
        samples_per_prompt: K.
        partial: Whether a recording that lacks some of them is judged by those it has.
        generation: How its answers are drawn.
        embedder: Source of the sentence embedder.
        execution: Whether generated programs are run: `off`, or in a `sandbox`.
        thinking: `strip` tells a model's thoughts from its answers, `keep` measures both.
        quality: Which judge says what an answer is; the kind's own check if None.
        equivalence: What tells whether two answers in prose mean the same; None for the default.
        same_meaning: They do below this distance, as the equivalence measures it; None for its own.
        surprise: Source of the base model that tells how surprising answers are; none if None.
        length_control: `windows` judges changes of words and structure against a checkpoint at
            equal token counts, and so does `rarefy`; `off` as they are written.
        adaptive: Whether samples are drawn in steps, until the verdict is clear.
        budgets: By family.
        root: What relative paths are relative to.
        chosen: Names of the settings that somebody chose; the others are defaults.
    """

    name: str
    kind: str = "prose"
    language: str = "python"
    style: str = "answer"
    extract: str = "auto"
    prompts: str | None = None
    max_prompts: int | None = None
    samples_per_prompt: int = 16
    partial: bool = False
    generation: Generation = Generation()
    embedder: str | None = None
    execution: str = "off"
    thinking: str = "strip"
    quality: Quality | None = None
    equivalence: Alike | str | Mapping[str, Any] | None = None
    same_meaning: float | None = None
    surprise: str | None = None
    length_control: str = "windows"
    adaptive: bool = False
    budgets: Mapping[str, Budget] = field(default_factory=dict)
    root: Path = Path()
    chosen: frozenset[str] = frozenset()


BUILTIN_DOMAINS: Mapping[str, Domain] = {
    "code": Domain("code", kind="code", prompts="builtin:code-python"),
    "creative_writing": Domain("creative_writing", prompts="builtin:creative-writing"),
    "prose": Domain("prose"),
}


@dataclass(frozen=True, slots=True)
class Config:
    """A whole configuration.

    Attributes:
        path: The file it is from, None if there is none.
        checkpoints: Those under test and those they refer to, by name.
        domains: By name, the built-in ones included.
        selected: Names of the checkpoints under test.
        earlier: Names of those that are not, since they are steps before the first that was asked
            for.
        reference: What changes are measured against unless a budget says otherwise.
        settings: Options of the run that the file's defaults say.
        vllm: Arguments of vLLM's engine for every checkpoint.
        written: Names of the domains that the file itself speaks of.
    """

    path: Path | None = None
    checkpoints: Mapping[str, Checkpoint] = field(default_factory=dict)
    domains: Mapping[str, Domain] = field(default_factory=lambda: BUILTIN_DOMAINS)
    selected: tuple[str, ...] = ()
    earlier: tuple[str, ...] = ()
    reference: str | None = None
    settings: Mapping[str, Any] = field(default_factory=dict)
    vllm: Mapping[str, Any] = field(default_factory=dict)
    written: tuple[str, ...] = ()

    def domain(self, name: str) -> Domain:
        """The domain of that name.

        Raises:
            ConfigError: There is none.
        """
        if name not in self.domains:
            raise ConfigError(f"unknown domain {name!r}", fix=did_you_mean(name, self.domains))
        return self.domains[name]

    def checkpoint(self, name: str) -> Checkpoint:
        """The checkpoint of that name.

        Raises:
            ConfigError: There is none.
        """
        if name not in self.checkpoints:
            raise ConfigError(
                f"unknown checkpoint {name!r}", fix=did_you_mean(name, self.checkpoints)
            )
        return self.checkpoints[name]


def baseline_name(reference: str | None, checkpoint: str) -> str | None:
    """The checkpoint of whose baseline `reference` speaks: `baseline` or `baseline:NAME`.

    Args:
        reference: What a budget is measured against.
        checkpoint: The checkpoint under test, which `baseline` alone stands for.
    """
    head, _, name = (reference or "").partition(":")
    return (name or checkpoint) if head == BASELINE else None


def _is_date(text: str) -> bool:
    try:
        date.fromisoformat(text)
    except ValueError:
        return False
    return True
