"""`diversity.toml` collected as a test file: every domain x family x checkpoint is an item."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from pytest_diversity.config.budget import Budget
from pytest_diversity.errors import DiversityError
from pytest_diversity.gate.bounds import Gate
from pytest_diversity.plugin.runs import enforce, refuse, selected, session_of

__all__ = ["DiversityFile", "DiversityItem"]


class DiversityFile(pytest.File):
    """A `diversity.toml`."""

    def collect(self) -> Iterator[DomainNode]:
        """A node per checkpoint and domain: one checkpoint after the other, for each loads a model.

        The nodes of one domain share its name, so that `diversity.toml::code` selects them all.
        """
        try:
            session = session_of(self.config, self.path)
            names = selected(session)
        except DiversityError as error:
            refuse(self.config, error)
            return
        for name in names:
            for domain in session.config.domains.values():
                if domain.budgets:
                    yield DomainNode.from_parent(
                        self, name=domain.name, budgets=domain.budgets, checkpoint=name
                    )


class DomainNode(pytest.Collector):
    """The budgets of a domain for one checkpoint."""

    def __init__(self, *, budgets: Mapping[str, Budget], checkpoint: str, **rest: Any) -> None:
        """Hold the budgets by family."""
        super().__init__(**rest)
        self.budgets = budgets
        self.checkpoint = checkpoint

    def collect(self) -> Iterator[DiversityItem]:
        """An item per family."""
        for family, budget in self.budgets.items():
            name = f"{family}[{self.checkpoint}]"
            yield DiversityItem.from_parent(
                self,
                name=name,
                nodeid=f"{self.nodeid}::{name}",  # whole, for --lf to see the brackets as it will
                gate=Gate(self.checkpoint, self.name, family, budget),
            )

    def teardown(self) -> None:
        """Pytest goes on to another checkpoint or domain: nothing here is judged any more."""
        session_of(self.config, self.path).workspace.release()


class DiversityItem(pytest.Item):
    """One budget of one checkpoint."""

    def __init__(self, *, gate: Gate, **rest: Any) -> None:
        """Hold the gate."""
        super().__init__(**rest)
        self.gate = gate
        self.add_marker("diversity")

    def runtest(self) -> None:
        """Judge the budget; a missed one fails the test."""
        self._tell_allure()
        session = session_of(self.config, self.path)
        enforce(session.judge.judge(self.gate), strict=session.options.strict)

    def _tell_allure(self) -> None:
        """To Allure, tests of one name are retries of one, unless they differ in a parameter."""
        if self.config.pluginmanager.has_plugin("allure_pytest"):
            import allure  # noqa: PLC0415 - where it is installed

            allure.dynamic.parameter("checkpoint", self.gate.checkpoint)

    def reportinfo(self) -> tuple[Path, int | None, str]:
        """Where the item is from."""
        return self.path, None, f"{self.gate.domain}::{self.name}"
