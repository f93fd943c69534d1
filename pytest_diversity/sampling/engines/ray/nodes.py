"""What the nodes of a Ray cluster would run a model on."""

from __future__ import annotations

from collections.abc import MutableMapping
from typing import Any

from pytest_diversity.cluster.connection import connect
from pytest_diversity.config.options import Options
from pytest_diversity.errors import DiversityError
from pytest_diversity.sampling.device import Environment, versions
from pytest_diversity.sampling.engines.ray.actor import probe_node

__all__ = ["gpus_each", "nodes_environment"]


def gpus_each(ray: Any) -> int:
    """GPUs that a model gets: one where the cluster has any."""
    return 1 if ray.cluster_resources().get("GPU") else 0


def nodes_environment(options: Options, facts: MutableMapping[str, str]) -> Environment:
    """What the nodes would run a model on; asked of one of them, and remembered."""
    known = versions()
    name = f"ray|{options.ray_address}|{known}|{options.device}|{options.dtype}"
    if name not in facts:
        ray, began = connect(options.ray_address)
        try:
            task = ray.remote(probe_node).options(num_cpus=1, num_gpus=gpus_each(ray))
            found = ray.get(task.remote(options.device, options.dtype))
        finally:
            if began:
                ray.shutdown()
        if isinstance(found, DiversityError):
            raise found
        facts[name] = found
    device, dtype = facts[name].split()
    return Environment(device, dtype, known)
