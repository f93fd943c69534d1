"""Ray clusters on this machine."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest


@pytest.fixture
def cluster(request: pytest.FixtureRequest) -> Iterator[Any]:
    """A cluster of so many nodes with one CPU each, on this machine."""
    ray = pytest.importorskip("ray")
    cluster_utils = pytest.importorskip("ray.cluster_utils")
    made = cluster_utils.Cluster(initialize_head=True, head_node_args={"num_cpus": 1})
    made.others = [made.add_node(num_cpus=1) for _ in range(request.param - 1)]
    made.wait_for_nodes()
    yield made
    ray.shutdown()
    made.shutdown()


def remove_a_node(cluster: Any) -> None:
    """A node goes, with everything on it."""
    cluster.remove_node(cluster.others[-1])
