"""The list: which gates there are, which baselines nothing uses, and what a run would cost."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from copy import copy
from dataclasses import asdict, dataclass
from itertools import chain
from typing import Any

from pytest_diversity.baselines.stale import unused
from pytest_diversity.config.quality import Quality
from pytest_diversity.config.server import is_server
from pytest_diversity.config.values import Domain, baseline_name
from pytest_diversity.domains import kind_of
from pytest_diversity.domains.defaults import metric_of
from pytest_diversity.domains.meaning import asked
from pytest_diversity.features import Features, UndefinedFeatureError
from pytest_diversity.gate import words
from pytest_diversity.gate.bounds import Gate
from pytest_diversity.sampling.verbalized import calls
from pytest_diversity.session import Session
from pytest_diversity.studies.cases import GateName, write_json
from pytest_diversity.text import columns, plural

__all__ = ["Cost", "listing"]


@dataclass(frozen=True, slots=True)
class Cost:
    """What one checkpoint costs in one domain, beside what the store has; at most, but for samples.

    Attributes:
        samples: To be drawn.
        tokens: New ones of these.
        requests: To a server, judges among them.
        programs: To be executed.
        judged: Questions to judges.
    """

    samples: int = 0
    tokens: int = 0
    requests: int = 0
    programs: int = 0
    judged: int = 0

    def __add__(self, other: Cost) -> Cost:
        """Both."""
        pairs = zip(asdict(self).values(), asdict(other).values(), strict=True)
        return Cost(*(one + two for one, two in pairs))


_COSTS = ("samples", "tokens", "requests", "programs", "judge calls")


def listing(session: Session, path: str = "-") -> Sequence[str]:
    """Gates, baselines and costs as tables; the gates with their costs as JSON in `path`.

    Nothing is drawn, and no model is loaded.
    """
    gates = _selected(session)
    pairs = dict.fromkeys((name, gate.domain) for gate in gates for name in gate.sampled)
    known = {
        pair: _cost(session, *pair, [gate for gate in gates if gate.domain == pair[1]])
        for pair in pairs
        if pair[0] in session.config.checkpoints
    }
    return [
        *_gates(session, gates),
        *_tests(session),
        *_baselines(session),
        "",
        *_costs(known),
        *write_json(path, [_row(session, gate, known) for gate in gates]),
    ]


def _selected(session: Session) -> list[Gate]:
    selected = session.judge.multiplicity.selected
    every = session.judge.multiplicity.every()
    return [gate for gate in every if selected is None or gate.key in selected]


def _name(session: Session, gate: Gate) -> GateName:
    domain = session.workspace.domain(gate.domain)
    metric = metric_of(domain, gate.family, gate.budget.metric)
    return GateName(gate.checkpoint, gate.domain, gate.family, str(metric))


def _budget(gate: Gate) -> str:
    return words.budget_of(gate) or "-"


def _gates(session: Session, gates: Sequence[Gate]) -> Iterator[str]:
    if not gates:
        yield "no budget of a checkpoint under test is among the tests that were chosen"
        return
    rows = [("checkpoint", "domain", "family", "metric", "budget")]
    for gate in gates:
        name, level = _name(session, gate), gate.budget.level
        budget = _budget(gate) + ("" if level == "error" else f" ({level})")
        rows.append((name.checkpoint, name.domain, name.family, name.metric, budget))
    yield from columns(rows)


def _tests(session: Session) -> Iterator[str]:
    """Those in Python, of which only running them says what they ask for."""
    if session.tests:
        yield ""
        yield f"{plural(len(session.tests), 'test')} in Python, which may draw more:"
        yield from (f"  {test}" for test in session.tests)


def _baselines(session: Session) -> Iterator[str]:
    used: dict[str, dict[str, set[str]]] = {}
    every = map(session.judge.multiplicity.gates, session.config.checkpoints)  # tested now or not
    for gate in chain.from_iterable(every):
        whose = baseline_name(gate.budget.reference, gate.checkpoint)
        if whose and gate.applicable.compares:
            metrics = used.setdefault(gate.domain, {}).setdefault(whose, set())
            metrics.add(_name(session, gate).metric)
    baselines = session.judge.baselines
    found = [
        f"  {baselines.shown(domain)}: {metric} of {name}"
        for domain in baselines.domains()
        for name, metric in unused(baselines, domain, used.get(domain, {}))
    ]
    if found:
        but = "; a test in Python may" if session.tests else ""
        yield ""
        yield f"baselines that no budget uses{but}:"
        yield from found


def _costs(known: Mapping[tuple[str, str], Cost]) -> list[str]:
    costly = {pair: cost for pair, cost in known.items() if cost != Cost()}
    if not costly:
        return ["a run would draw nothing: all of its samples are there"]
    total = sum(costly.values(), Cost())
    rows: list[Sequence[str]] = [("to draw, at most", "", *_COSTS)]
    for (checkpoint, domain), cost in [*costly.items(), (("all", ""), total)]:
        rows.append((checkpoint, domain, *(f"{one or '-'}" for one in asdict(cost).values())))
    return columns(rows)


def _row(session: Session, gate: Gate, known: Mapping[tuple[str, str], Cost]) -> Mapping[str, Any]:
    cost = known.get((gate.checkpoint, gate.domain), Cost())
    return {
        "gate": asdict(_name(session, gate)),
        "budget": _budget(gate),
        "level": gate.budget.level,
        "cost": asdict(cost),
    }


def _cost(session: Session, name: str, domain: str, gates: Sequence[Gate]) -> Cost:
    workspace, checkpoint = session.workspace, session.config.checkpoints[name]
    chosen = workspace.domain(domain)
    prompts, source = workspace.prompts(chosen), workspace.resources.source(checkpoint)
    lacking = source.lacking(checkpoint, chosen, prompts)
    asks = calls(lacking)
    requests = sum(len(call.numbers) for call in asks)
    reads = _reads(chosen, gates)
    # What is not drawn yet may all be new; of what is there, the store knows.
    features = None
    if not lacking:
        samples = source.draw(checkpoint, chosen, prompts).samples
        features = workspace.features_of(samples, chosen, prompts)
    each = [chosen.samples_per_prompt] * len(prompts)
    programs = 0
    if workspace.resources.executes(chosen) and reads & kind_of(chosen).executed:
        programs = sum(each) if features is None else _unexecuted(session, features)
    judged, served = _judged(session, chosen, reads, each, features)
    return Cost(
        samples=sum(len(request.numbers) for request in lacking),
        tokens=sum(len(call.numbers) * call.generation.max_tokens for call in asks),
        requests=served + (requests if is_server(checkpoint.source) else 0),
        programs=programs,
        judged=judged,
    )


def _reads(domain: Domain, gates: Sequence[Gate]) -> set[str]:
    """The features that the metrics of gates read."""
    found: set[str] = set()
    for gate in gates:
        metric = metric_of(domain, gate.family, gate.budget.metric)
        found |= {*metric.definition.reads}
    return found


class _CountedError(Exception):
    """How many there are; raised in place of doing them."""

    def __init__(self, count: int) -> None:
        self.count = count


def _unexecuted(session: Session, features: Features) -> int:
    """The programs of samples at hand of which it is not known what they do."""

    def count(programs: Sequence[Any]) -> Any:
        raise _CountedError(session.workspace.resources.unexecuted(features.domain, programs))

    counting = copy(features)
    counting.execute = count
    return _count(lambda: counting["executions"])


def _judged(
    session: Session,
    domain: Domain,
    reads: set[str],
    each: Sequence[int],
    features: Features | None,
) -> tuple[int, int]:
    """Questions to the judges that a domain names, and how many of them are requests."""
    judged, served = 0, 0
    alike = asked(domain)
    ways = [
        (domain.quality, reads & kind_of(domain).judged, sum(each), "scores"),
        (alike, reads & {"labels", "distances"}, sum(n * (n - 1) for n in each), "labels"),
    ]
    for way, wanted, most, feature in ways:
        if way is None or not wanted:
            continue
        count = most if features is None else _unasked(session, features, feature)
        judged += count
        judge = session.config.checkpoints.get(way.judge.partition(":")[2])
        served += count if judge and is_server(judge.source) else 0
    return judged, served


def _unasked(session: Session, features: Features, feature: str) -> int:
    """The questions on samples at hand that a judge was not asked before."""

    def count(quality: Quality, pairs: Sequence[Any]) -> Any:
        raise _CountedError(session.workspace.unasked(features.domain, quality, pairs))

    counting = copy(features)
    counting.assess = count
    return _count(lambda: counting[feature])


def _count(look: Callable[[], object]) -> int:
    try:
        look()
    except _CountedError as found:
        return found.count
    except UndefinedFeatureError:  # and so nothing is asked
        pass
    return 0
