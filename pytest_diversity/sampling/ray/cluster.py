"""The connection to a Ray cluster, and what its nodes are."""

from __future__ import annotations

import logging
import socket
import warnings
from collections.abc import MutableMapping
from typing import Any

from pytest_diversity.errors import ConfigError, MissingExtraError, SamplingError, first_line
from pytest_diversity.options import Options
from pytest_diversity.sampling.device import Environment, versions
from pytest_diversity.sampling.ray.actor import Failure, look

__all__ = ["connect", "gpus_each", "nodes_environment"]

_ANSWER = 10.0  # seconds


def connect(address: str | None) -> tuple[Any, bool]:
    """Ray, and whether this began the cluster or the connection.

    Raises:
        MissingExtraError: Ray is not installed.
        SamplingError: The cluster cannot be reached.
    """
    try:
        import ray  # noqa: PLC0415 - optional
    except ImportError:
        raise MissingExtraError("a Ray cluster", package="ray", extra="ray") from None
    if ray.is_initialized():
        return ray, False
    _knock(address)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            ray.init(
                address=address,
                log_to_driver=False,
                logging_level=logging.ERROR,
                configure_logging=False,
            )
    except Exception as error:
        where, reason = address or "of this machine", first_line(error)
        raise SamplingError(
            f"the Ray cluster {where} cannot be reached: {reason}",
            fix="start it, or check --diversity-ray-address",
        ) from error
    return ray, True


def _knock(address: str | None) -> None:
    """See whether anything listens at `host:port`: Ray itself tries for minutes.

    Raises:
        SamplingError: Nothing does.
    """
    host, _, port = (address or "").removeprefix("ray://").rpartition(":")
    if not host or not port.isdecimal():
        return
    try:
        socket.create_connection((host, int(port)), timeout=_ANSWER).close()
    except OSError as error:
        raise SamplingError(
            f"the Ray cluster {address} cannot be reached: {error.strerror or error}",
            fix="start it, or check --diversity-ray-address",
        ) from None


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
            task = ray.remote(look).options(num_cpus=1, num_gpus=gpus_each(ray))
            found = ray.get(task.remote(options.device, options.dtype))
        finally:
            if began:
                ray.shutdown()
        if isinstance(found, Failure):
            raise ConfigError(found.message, fix=found.fix)
        facts[name] = found
    device, dtype = facts[name].split()
    return Environment(device, dtype, known)
