"""The driver's side: tasks over actors, and what becomes of them when actors die."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from pytest_diversity.cluster.connection import connect
from pytest_diversity.errors import DiversityError, SamplingError, first_line
from pytest_diversity.samples import Sample
from pytest_diversity.sampling.engines.ray.actor import Actor, Placed
from pytest_diversity.sampling.engines.ray.nodes import gpus_each
from pytest_diversity.sampling.protocol import Model, Progress, Request
from pytest_diversity.text import plural

__all__ = ["RayEngine", "split"]

_TASK = 64  # samples of a task at most: a batch of the embedded engine, and what a death costs
_DEATHS = 3  # actors that may die of one task before it is the task's fault
_PATIENCE = 600.0  # seconds to wait for a first actor: a large model takes minutes to load


def split(requests: Sequence[Request], size: int) -> list[tuple[Request, ...]]:
    """Tasks of at most `size` samples each; a prompt's samples stay together as far as they can."""
    tasks: list[tuple[Request, ...]] = []
    open_task: list[Request] = []
    room = size
    for request in requests:
        numbers = request.numbers
        while numbers:
            open_task.append(replace(request, numbers=numbers[:room]))
            numbers, room = numbers[room:], room - len(numbers[:room])
            if not room:
                tasks.append(tuple(open_task))
                open_task, room = [], size
    return [*tasks, tuple(open_task)] if open_task else tasks


@dataclass(slots=True)
class _Task:
    """Requests in the hands of an actor.

    Attributes:
        requests: What is wanted.
        done: (prompt, number) of what has arrived.
        deaths: How many actors died over it.
    """

    requests: tuple[Request, ...]
    done: set[tuple[str, int]] = field(default_factory=set)
    deaths: int = 0

    def rest(self) -> _Task:
        """What has not arrived, after another death."""
        left = [
            replace(r, numbers=tuple(n for n in r.numbers if (r.prompt, n) not in self.done))
            for r in self.requests
        ]
        return _Task(tuple(r for r in left if r.numbers), deaths=self.deaths + 1)


class RayEngine:
    """A checkpoint on actors of a cluster; what fails on one of them goes to another.

    Attributes:
        said: What actors told while they loaded, each line once.
    """

    def __init__(self, placed: Placed, progress: Progress) -> None:
        """Connect; start no actor yet.

        Raises:
            MissingExtraError: Ray is not installed.
            ClusterError: The cluster cannot be reached.
        """
        self._ray, self._began = connect(placed.options.ray_address)
        self._placed = placed
        self._actors: list[Any] = []
        self.said: set[str] = set()
        nodes = sum(1 for node in self._ray.nodes() if node["Alive"])
        progress.say(f"on a Ray cluster of {plural(nodes, 'node')}")

    def sample(self, requests: Sequence[Request], progress: Progress) -> Iterator[Sample]:
        """The requested samples, in any order, each as soon as an actor has it.

        Raises:
            SamplingError: No actor stays alive, or a task killed several.
            DiversityError: What the embedded engine raises.
        """
        total = sum(len(request.numbers) for request in requests)
        most = self._most()
        tasks = deque(map(_Task, split(requests, min(_TASK, -(-total // most)))))
        self._start(min(most, len(tasks)) - len(self._actors))
        yield from _Drawing(self._ray, self, tasks, progress).run()

    def swap(self, model: Model) -> bool:  # noqa: ARG002 - other actors may stand elsewhere
        """Never."""
        return False

    def close(self) -> None:
        """Give the actors' places back; end the cluster if it was started for this."""
        for actor in self._actors:
            self._ray.kill(actor)
        self._actors = []
        if self._began:
            self._ray.shutdown()

    @property
    def actors(self) -> Sequence[Any]:
        """Those that have not been seen dead."""
        return self._actors

    def replace(self, actor: Any) -> Any:
        """A new actor for one that died."""
        self._actors.remove(actor)
        self._start(1)
        return self._actors[-1]

    def _start(self, count: int) -> None:
        remote = self._ray.remote(Actor).options(
            num_cpus=1, num_gpus=gpus_each(self._ray), scheduling_strategy="SPREAD"
        )
        self._actors += [remote.remote(self._placed) for _ in range(count)]

    def _most(self) -> int:
        resources = self._ray.cluster_resources()
        there = int(resources.get("GPU") or resources.get("CPU") or 1)
        return max(1, min(there, self._placed.options.actors or there))


class _Drawing:
    """One round of tasks over the actors of an engine."""

    def __init__(
        self, ray: Any, engine: RayEngine, tasks: deque[_Task], progress: Progress
    ) -> None:
        self._ray = ray
        self._engine = engine
        self._tasks = tasks
        self._progress = progress
        self._coming = {actor.ready.remote(): actor for actor in engine.actors}
        self._busy: dict[Any, tuple[Any, _Task]] = {}  # a stream of samples -> who draws what
        self._idle: list[Any] = []
        self._deaths = 0  # since the last sample

    def run(self) -> Iterator[Sample]:
        """Until every task is done."""
        while self._tasks or self._busy:
            waiting = [*self._busy, *self._coming]
            ready, _ = self._ray.wait(waiting, num_returns=1, timeout=_PATIENCE)
            if not ready:
                raise SamplingError(
                    f"no actor of the Ray cluster answered for {_PATIENCE:.0f} seconds",
                    fix="look at its free CPUs and GPUs: ray status",
                )
            if ready[0] in self._coming:
                self._on_ready(ready[0])
            else:
                yield from self._receive(ready[0])

    def _on_ready(self, ref: Any) -> None:
        """An actor has loaded its model, or died over it."""
        actor = self._coming.pop(ref)
        try:
            lines = self._value(ref)
        except self._ray.exceptions.RayError as error:
            self._replace_dead(actor, _Task(()), error)
            return
        for line in lines:
            if line not in self._engine.said:
                self._engine.said.add(line)
                self._progress.say(line)
        self._idle.append(actor)
        self._assign()

    def _assign(self) -> None:
        while self._tasks and self._idle:
            actor, task = self._idle.pop(), self._tasks.popleft()
            stream = actor.sample.options(num_returns="streaming").remote(task.requests)
            self._busy[stream] = (actor, task)

    def _receive(self, stream: Any) -> Iterator[Sample]:
        """The next sample of an actor, or its end."""
        actor, task = self._busy[stream]
        try:
            sample = self._value(next(stream))
        except StopIteration:
            del self._busy[stream]
            self._idle.append(actor)
            self._assign()
        except self._ray.exceptions.RayError as error:
            del self._busy[stream]
            self._replace_dead(actor, task, error)
        else:
            self._deaths = 0
            task.done.add((sample.prompt, sample.index))
            self._progress.advance(1, sample.tokens or 0)
            yield sample

    def _value(self, ref: Any) -> Any:
        """What an actor sent.

        Raises:
            DiversityError: It is an error that the actor met.
        """
        value = self._ray.get(ref)
        if isinstance(value, DiversityError):
            raise value
        return value

    def _replace_dead(self, actor: Any, task: _Task, error: Exception) -> None:
        """Another actor for a dead one; what it had in hand goes back on the pile."""
        rest = task.rest()
        self._deaths += 1
        if rest.deaths >= _DEATHS or self._deaths >= _DEATHS * len(self._engine.actors):
            raise SamplingError(
                f"actors of the Ray cluster died again and again: {first_line(error)}",
                fix="look at the nodes' memory and logs: ray status, ray logs",
            ) from error
        if rest.requests:
            self._tasks.append(rest)
        self._progress.say("an actor of the Ray cluster died: its samples go to another")
        successor = self._engine.replace(actor)
        self._coming[successor.ready.remote()] = successor
        self._assign()
