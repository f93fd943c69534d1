"""One scenario at one random moment: a run under a fault, then one without, and what was promised.

Nothing is lost that was stored, nothing is drawn twice, no value is another than in an undisturbed
run, and what goes wrong is said in a sentence.
"""

from __future__ import annotations

import re
import shutil
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from filecmp import cmp
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import Any, TypeAlias

from tests.faults import projects
from tests.faults.runs import Inside, Running, fork
from tests.sampling.engines.openai.scripted import Scripted

__all__ = ["Fault", "Place", "Scenario", "Tried", "Usual", "Workshop"]


@dataclass(frozen=True, slots=True)
class Usual:
    """What an undisturbed run does.

    Attributes:
        template: The project before it.
        seconds: How long it takes.
        operations: How many operations on files it does.
        samples: What is in the store then.
        drawn: What it has drawn.
        judged: Its verdicts.
        files: Every file of the project then.
        growth: How many bytes it writes, about.
    """

    template: Path
    seconds: float
    operations: int
    samples: dict[projects.Key, str]
    drawn: list[str]
    judged: list[Any] | None
    files: dict[str, bytes]
    growth: int


@dataclass(frozen=True, slots=True)
class Place:
    """Where a moment happens.

    Attributes:
        folder: The project.
        random: What is chosen, is chosen by it.
        usual: The same without a fault.
        server: Which the project may sample.
    """

    folder: Path
    random: Random
    usual: Usual
    server: Scripted


def _nothing(_: Place) -> None:
    """There is none."""


@dataclass(frozen=True, slots=True)
class Fault:
    """What is done to a run.

    Attributes:
        before: To its files or its server.
        inside: To its process, before pytest begins.
        during: While it runs; without it, it ends by itself.
        after: What a person would do then, so that it can go on.
        harmless: Whether the run must not notice.
        unlike: Whether what it does meanwhile is another thing: a damaged model is another model.
        crashes: Whether Python, pytest or a library may die of it, with nobody left to say why.
        loses: Whether it destroys what was stored, so that it must be drawn again.
    """

    before: Callable[[Place], None] = _nothing
    inside: Callable[[Place], Inside] = lambda _: nullcontext
    during: Callable[[Place, Running], None] | None = None
    after: Callable[[Place], None] = _nothing
    harmless: bool = False
    unlike: bool = False
    loses: bool = False
    crashes: bool = False


@dataclass(frozen=True, slots=True)
class Scenario:
    """A row of the table.

    Attributes:
        project: Its name in `PROJECTS`.
        fault: What is done to its run.
        arguments: Of the run.
        start: Starts it, where it is not forked.
        lacks: Why it cannot be tried here.
    """

    project: str
    fault: Fault
    arguments: Sequence[str] = ()
    start: Callable[[Place, Sequence[str]], Running] | None = None
    lacks: str = ""


@dataclass(slots=True)
class Tried:
    """What came of a scenario.

    Attributes:
        broken: Which promise was broken, by the number of the moment.
        sentences: What the runs said.
        unsaid: How many runs ended badly without a sentence, which only a crash may.
    """

    broken: dict[int, str] = field(default_factory=dict)
    sentences: set[str] = field(default_factory=set)
    unsaid: int = 0


@dataclass(frozen=True, slots=True)
class Workshop:
    """Where scenarios are tried.

    Attributes:
        folder: For all that they need; others may enter it.
        server: Which they sample.
        shared: What their projects are made of.
    """

    folder: Path
    server: Scripted
    shared: projects.Shared

    @classmethod
    @contextmanager
    def opened(cls) -> Iterator[Workshop]:
        """It is gone at the end."""
        server = Scripted()
        try:
            with TemporaryDirectory(prefix="faults") as name:
                folder = Path(name)
                folder.chmod(0o755)
                yield cls(folder, server, projects.Shared.made(folder, server.url))
        finally:
            server.stop()

    def try_all(self, name: str, scenario: Scenario, moments: int, seed: int) -> Tried:
        """A scenario at so many moments; the folders of those that broke stay."""
        home, tried = self.folder / re.sub(r"\W+", "-", name), Tried()
        home.mkdir()
        self.server.behave = projects.speak
        usual = self._usual(scenario, home)
        for number in range(moments):
            random = Random(f"{seed} {name} {number}")  # noqa: S311 - no secret
            place = Place(home / f"{number}", random, usual, self.server)
            try:
                said = try_at(scenario, place)
                tried.sentences.update(said or ())
                tried.unsaid += said is None
                shutil.rmtree(place.folder)
            except AssertionError as error:
                tried.broken[number] = "\n".join(str(error).splitlines()[-12:])
        return tried

    def _usual(self, scenario: Scenario, home: Path) -> Usual:
        """The project of a scenario, and what a run in it does that nobody disturbs."""
        template, folder = home / "template", home / "usual"
        template.mkdir()
        projects.PROJECTS[scenario.project].make(template, self.shared)
        shutil.copytree(template, folder)
        running = fork(folder, (*scenario.arguments, projects.telling(folder)))
        code = running.wait()
        assert code in projects.ENDS_WELL, running.text()
        return Usual(
            template=template,
            seconds=time.monotonic() - running.began,
            operations=running.operations(),
            samples=projects.kept(folder) or {},
            drawn=projects.drawn(folder),
            judged=projects.judged(folder),
            files=projects.files(folder),
            growth=_growth(template, folder),
        )


def _growth(before: Path, after: Path) -> int:
    """The size of every file that is new or another, and of a log as long as it."""
    files = [path for path in after.rglob("*") if path.is_file()]
    old = {path: before / path.relative_to(after) for path in files}
    new = [
        path for path in files if not old[path].exists() or not cmp(path, old[path], shallow=False)
    ]
    return 2 * sum(path.stat().st_size for path in new) + 8192


def try_at(scenario: Scenario, place: Place) -> list[str] | None:
    """Disturb a run, and go on; what it said, None where it could not.

    Raises:
        AssertionError: A promise was broken.
    """
    shutil.copytree(place.usual.template, place.folder)
    fault, before = scenario.fault, projects.files(place.folder)
    fault.before(place)
    start = scenario.start or (lambda at, given: fork(at.folder, given, fault.inside(at)))
    running = _disturbed(scenario, place, start)
    sentences = _said(scenario.fault, running, running.wait())
    fault.after(place)
    kept = projects.kept(place.folder)
    if not fault.unlike:
        _check_whole(place, kept, before, sentences or ())
    _go_on(scenario, place, kept)
    return sentences


def _disturbed(scenario: Scenario, place: Place, start: Callable[..., Running]) -> Running:
    during = scenario.fault.during
    running = start(place, (*scenario.arguments, projects.telling(place.folder)))
    if during is not None:
        during(place, running)
    return running


_Kept: TypeAlias = dict[projects.Key, str] | None
_IN_FLIGHT = 1  # what was drawn and not yet stored when the run was killed
_SENTENCE = re.compile(
    r"^(?:ERROR: diversity: |error: |(?:FAILED|ERROR) \S+ - )(.+)$", re.MULTILINE
)
_ENDS = projects.ENDS_WELL | {1, 4}


def _said(fault: Fault, running: Running, code: int) -> list[str] | None:
    """What went wrong, as sentences; None where it could not be said."""
    text = running.text()
    found = _SENTENCE.findall(text)
    try:
        assert "Traceback (most recent" not in text, text
        assert "INTERNALERROR" not in text, text
        if fault.during is None or code >= 0:
            assert code in _ENDS, f"exit code {code}: {text}"
            assert found or code in projects.ENDS_WELL, text
            assert code == 0 or not fault.harmless, text
    except AssertionError:
        if fault.crashes:
            return None
        raise
    return found


def _check_whole(place: Place, kept: _Kept, before: dict[str, bytes], said: Sequence[str]) -> None:
    """What is there is what was there before, or what an undisturbed run leaves; nothing else."""
    usual = place.usual
    assert (kept or {}).items() <= usual.samples.items(), "a sample is not what was drawn"
    for name, content in projects.files(place.folder).items():
        tells = said and name.startswith(projects.REPORT)  # a report of what went wrong is whole
        whole = content in {before.get(name), usual.files.get(name)}
        assert whole or tells, f"{name} is broken"
    for verdict in projects.judged(place.folder) or ():
        assert verdict in (usual.judged or ()), f"other values: {verdict}"


def _go_on(scenario: Scenario, place: Place, kept: _Kept) -> None:
    """The next run does the rest, and leaves what an undisturbed one leaves."""
    fault, usual, folder = scenario.fault, place.usual, place.folder
    running = fork(folder, (*scenario.arguments, projects.telling(folder)))
    code = running.wait()
    assert code in projects.ENDS_WELL, running.text()
    said = projects.said_drawn(folder)
    if kept is not None and said is not None:
        missing = len(usual.samples.keys() - kept.keys())
        assert said == missing, f"{said} drawn, {missing} missing"
    twice = Counter(projects.drawn(folder)) - Counter(usual.drawn)
    assert fault.loses or twice.total() <= _IN_FLIGHT, f"drawn twice: {twice}"
    samples = projects.kept(folder) or {}
    assert usual.samples.items() <= samples.items(), "other samples than undisturbed"
    assert fault.unlike or len(samples) == len(usual.samples), "more samples than undisturbed"
    assert projects.judged(folder) == usual.judged, "other values than undisturbed"
    files = projects.files(folder)
    wrong = sorted(name for name in files | usual.files if files.get(name) != usual.files.get(name))
    assert not wrong, f"other files than undisturbed: {wrong}"
