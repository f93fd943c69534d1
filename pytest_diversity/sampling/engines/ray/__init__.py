"""Checkpoints on a Ray cluster: prompts as tasks over actors that hold a model each.

The samples are those of the embedded engine, and share its keys: every actor makes sure that its
weights, libraries, device and number format are those that the key says. What is finished streams
to this process; what an actor or a node takes with it is drawn again by the others.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from pytest_diversity.checkpoints.sources import Location
from pytest_diversity.config.values import Checkpoint
from pytest_diversity.sampling.device import workers
from pytest_diversity.sampling.engines.ray.actor import Placed
from pytest_diversity.sampling.engines.ray.engine import RayEngine
from pytest_diversity.sampling.engines.ray.nodes import nodes_environment
from pytest_diversity.sampling.engines.transformers.weights import LocalWeights, check
from pytest_diversity.sampling.protocol import Chat, Engine, Identity, Progress, Request, Setup

__all__ = ["RayModel", "check", "find"]


@dataclass(frozen=True, slots=True)
class RayModel:
    """A checkpoint on a cluster.

    Attributes:
        placed: The checkpoint.
        found: Its files on this machine.
    """

    placed: Placed
    found: LocalWeights

    @property
    def identity(self) -> Identity:
        """That of the embedded engine on a node."""
        return self.placed.identity

    @property
    def digest(self) -> str:
        """Of the files."""
        return self.identity.of_files

    @property
    def templates(self) -> tuple[Location, ...]:
        """Where a chat template may be."""
        return self.found.templates

    def check(self, requests: Sequence[Request]) -> None:
        """As the embedded engine does, on this machine.

        Raises:
            DiversityError: The checkpoint or a prompt cannot be read.
        """
        self.found.check(requests)

    def ready(self, chat: Chat) -> str:
        """As the embedded engine does, on this machine.

        Raises:
            DiversityError: The checkpoint cannot be read, or a library is not installed.
        """
        return self.found.ready(chat)

    @property
    def place(self) -> str:
        """The cluster, on which one process of this machine at a time draws."""
        return "ray"

    @property
    def shared(self) -> bool:
        """Whether other workers wait for the actors' places."""
        return workers() > 1

    def load(self, progress: Progress) -> Engine:
        """Connect to the cluster, or start one of this machine alone; actors start with the work.

        Raises:
            MissingExtraError: Ray is not installed.
            ClusterError: The cluster cannot be reached.
        """
        return RayEngine(self.placed, progress)


def find(checkpoint: Checkpoint, setup: Setup) -> RayModel:
    """Find a checkpoint, as on this machine, and what the nodes would run it on.

    Args:
        checkpoint: Its sources: a path that all nodes share, a hub id or a package.
        setup: The cluster's address, device and number format; a folder that nodes may have; and
            what is remembered of the nodes.

    Raises:
        DiversityError: The checkpoint or the cluster is not there.
    """
    where = nodes_environment(setup.options, setup.facts)
    found = LocalWeights.find(checkpoint, setup, where=where)
    placed = Placed(checkpoint, setup.options, setup.root, setup.folder, found.identity)
    return RayModel(placed, found)
