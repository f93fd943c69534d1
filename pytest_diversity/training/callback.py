"""A callback for transformers' and trl's trainers: the gates of a configuration, every N steps."""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from transformers import (
    Trainer,
    TrainerCallback,
    TrainerControl,
    TrainerState,
    TrainingArguments,
)

from pytest_diversity.config.file import load_config
from pytest_diversity.config.options import resolve
from pytest_diversity.config.values import Checkpoint, Config
from pytest_diversity.errors import ConfigError, DiversityError
from pytest_diversity.report.progress import Console
from pytest_diversity.session import Session
from pytest_diversity.training.live import digest, lent, plain_model
from pytest_diversity.training.looks import Look, Looks
from pytest_diversity.training.pace import Pace
from pytest_diversity.training.reports import Reports
from pytest_diversity.verdict import Verdict
from pytest_diversity.workspace import Workspace

__all__ = ["DiversityCallback"]

_log = logging.getLogger(__name__)
_BESIDE_VLLM = (
    "trl generates through vLLM here; looks draw from the model in training by our own engine: the "
    "same weights, at its speed"
)


class DiversityCallback(TrainerCallback):
    """Samples the model in training, logs how varied it is, and can stop a run that broke a budget.

    Every look leaves the training as it was: on a CPU, with and without it the weights are equal
    bit for bit. What is logged goes through `Trainer.log`, so that every tracker gets it, as
    `diversity/DOMAIN/FAMILY` and, of effective diversity, its loss by quality and by narrowing
    since the reference; `diversity/DOMAIN/token_entropy` is the mean surprise of a sampled token
    in nats, which is the entropy of the model's distribution at temperature 1.

    A run is looked at many times. So that one whose diversity does not change is stopped with a
    probability of 5 % at most, over all looks and all bounds, each bound has its share of that.

    Attributes:
        verdicts: All that were given, in the order of the steps, each with its `run` and `step`.
    """

    def __init__(
        self,
        config: str | Path | Config,
        *,
        domains: Sequence[str] | None = None,
        every: int = 100,
        stop: bool = False,
        share: float = 0.1,
        run: str | None = None,
        report: Sequence[str] = (),
    ) -> None:
        """Read the configuration; sample nothing yet.

        Args:
            config: A `diversity.toml`, or what was made of one.
            domains: Which of its domains are looked at; those with budgets if None.
            every: Steps between two looks; the last step is looked at, too.
            stop: Whether the training stops at the first budget of level `error` that is broken.
            share: Of the time between two looks: a look that takes more of it than this is warned
                of once, with the `every` that would keep to it.
            run: What the training is called in verdicts; its `run_name` if None, else the name of
                the folder that it writes to.
            report: Reports to write after each look, as `--diversity-report` says them: `json`,
                `html:curves.html`; relative to the working directory.

        Raises:
            DiversityError: The configuration cannot be used, or has no such domain; a report
                cannot be written.
        """
        if every < 1:
            raise ConfigError(f"every = {every} is no number of steps", fix="use 1 or more")
        if not 0 < share < 1:
            raise ConfigError(f"share = {share:g} is no share of time", fix="use 0.1")
        found = config if isinstance(config, Config) else load_config(Path(config))
        chosen = _domains(found, domains)
        workspace = _checked(found)
        self._looks = Looks(workspace, chosen)
        self._reports = Reports(workspace, report)
        self._pace = Pace(share)
        self._every = every
        self._stop = stop
        self._run = run
        self._last: int | None = None
        self._frozen = ""
        self.verdicts: list[Verdict] = []

    @property
    def seconds(self) -> float:
        """What the looks have taken."""
        return self._pace.looking

    def on_train_begin(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,  # noqa: ARG002 - transformers passes it
        **rest: Any,
    ) -> None:
        """Refuse what cannot be sampled here, and count the looks to come.

        Raises:
            ConfigError: The model is spread over processes, or only its wrapper can run it.
        """
        if args.world_size > 1:
            raise ConfigError(
                f"a model that {args.world_size} processes train cannot be sampled by one of them",
                fix="save checkpoints, and gate these with pytest",
            )
        if getattr(args, "use_vllm", False):
            _log.warning(_BESIDE_VLLM)
        _tokenizer(rest["processing_class"])
        self._frozen = digest(_weights(plain_model(rest["model"]), trained=False))
        self._looks.count = -(-state.max_steps // self._every)
        self._run = self._run or args.run_name or Path(args.output_dir or "training").resolve().name
        self._last = state.global_step
        self._pace.begin(state.global_step)

    def on_step_end(
        self,
        args: TrainingArguments,  # noqa: ARG002 - as above
        state: TrainerState,
        control: TrainerControl,
        **rest: Any,
    ) -> None:
        """Look at the model every so many steps."""
        if state.global_step % self._every == 0:
            self._look(state, control, **rest)

    def on_train_end(
        self,
        args: TrainingArguments,  # noqa: ARG002 - as above
        state: TrainerState,
        control: TrainerControl,
        **rest: Any,
    ) -> None:
        """Look at what was trained, if the last look was before that."""
        if self._last != state.global_step:
            self._look(state, control, **rest)

    def _look(
        self,
        state: TrainerState,
        control: TrainerControl,
        *,
        model: Any,
        processing_class: Any,
        **_: Any,
    ) -> None:
        self._last = state.global_step
        try:
            with self._pace.look(state.global_step):
                look = self._looked_at(model, _tokenizer(processing_class), state.global_step)
                self.verdicts += look.verdicts
                self._report()
        except DiversityError as error:  # hours of training are worth more than a look
            _log.error("step %d could not be looked at: %s", state.global_step, error)
            return
        _log_values(control, {**look.values, "diversity/share_of_time": self._pace.share})
        for verdict in look.verdicts:
            if verdict.status != "pass":
                _log.warning("step %d: %s: %s", state.global_step, verdict.status, verdict.message)
        if self._stop and any(one.status == "fail" and not one.warned for one in look.verdicts):
            control.should_training_stop = True

    def _report(self) -> None:
        try:
            self._reports.write(self.verdicts)
        except DiversityError as error:
            _log.error("no report was written: %s", error)

    def _looked_at(self, model: Any, tokenizer: Any, step: int) -> Look:
        plain = plain_model(model)
        name = digest(_weights(plain, trained=True), before=self._frozen)
        with lent(plain, tokenizer, name) as source:
            return self._looks.at(
                Checkpoint(f"step-{step}", source, run=self._run or "", step=step)
            )


def _domains(config: Config, domains: Sequence[str] | None) -> Sequence[str]:
    """The names of the domains that are looked at: those with budgets, if none are named."""
    budgeted = [name for name, one in config.domains.items() if one.budgets]
    chosen = budgeted if domains is None else [config.domain(name).name for name in domains]
    if not chosen:
        raise ConfigError("no domain has a budget to look at", fix="name some: domains=[...]")
    return chosen


def _checked(config: Config) -> Workspace:
    """What a configuration is measured with, once nothing is found wrong with it."""
    root = config.path.parent if config.path else Path.cwd()
    session = Session(config, resolve({}, config, root), root, lambda: Console(quiet=True))
    session.check()
    session.workspace.check_sandbox()
    return session.workspace


def _weights(model: Any, *, trained: bool) -> dict[str, torch.Tensor]:
    """The parameters that are trained, with the buffers, which may change too; or the others."""
    parameters = model.named_parameters()
    found = {name: one for name, one in parameters if one.requires_grad == trained}
    return found | dict(model.named_buffers()) if trained else found


def _tokenizer(processing_class: Any) -> Any:
    """The tokenizer of a trainer, which may have it within a processor of images or sounds.

    Raises:
        ConfigError: The trainer was given none.
    """
    tokenizer = getattr(processing_class, "tokenizer", processing_class)
    if tokenizer is None:
        raise ConfigError("the trainer has no tokenizer", fix="pass processing_class=tokenizer")
    return tokenizer


def _log_values(control: TrainerControl, values: Mapping[str, float]) -> None:
    """Log beside what the trainer logs by itself.

    By transformers' own method: trl's also empty the averages of the trainer, which would then be
    over fewer steps. It ends what the control asks for, which the trainer has yet to do.
    """
    wanted = control.should_log
    Trainer.log(_trainer_of(control), dict(values))
    control.should_log = wanted


def _trainer_of(control: TrainerControl) -> Trainer:
    """The trainer that is calling: transformers tells its callbacks everything but that.

    Raises:
        RuntimeError: None is.
    """
    for local in _callers():
        if isinstance(local, Trainer) and local.control is control:
            return local
    raise RuntimeError("a DiversityCallback is called by a trainer of transformers")


def _callers() -> Iterator[Any]:
    frame = sys._getframe(1)  # noqa: SLF001 - `inspect.stack` reads the source of every frame
    while frame is not None:
        yield frame.f_locals.get("self")
        frame = frame.f_back  # type: ignore[assignment]
