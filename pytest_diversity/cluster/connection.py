"""The connection to a Ray cluster, of which a process has one."""

from __future__ import annotations

import logging
import os
import socket
import warnings
from typing import Any

from pytest_diversity.errors import ClusterError, MissingExtraError, first_line, reason_of

__all__ = ["connect"]

_ANSWER = 10.0  # seconds


def connect(address: str | None) -> tuple[Any, bool]:
    """Ray, and whether this began the cluster or the connection.

    Raises:
        MissingExtraError: Ray is not installed.
        ClusterError: The cluster cannot be reached.
    """
    try:
        import ray  # noqa: PLC0415 - optional
    except ImportError:
        raise MissingExtraError("a Ray cluster", package="ray", extra="ray") from None
    if ray.is_initialized():
        return ray, False
    _check_port(address)
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # a cluster begun here tells nobody
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
        raise ClusterError(
            f"the Ray cluster {where} cannot be reached: {reason}",
            fix="start it, or check --diversity-ray-address",
        ) from error
    return ray, True


def _check_port(address: str | None) -> None:
    """See whether anything listens at `host:port`: Ray itself tries for minutes.

    Raises:
        ClusterError: Nothing does.
    """
    host, _, port = (address or "").removeprefix("ray://").rpartition(":")
    if not host or not port.isdecimal():
        return
    try:
        socket.create_connection((host, int(port)), timeout=_ANSWER).close()
    except OSError as error:
        raise ClusterError(
            f"the Ray cluster {address} cannot be reached: {reason_of(error)}",
            fix="start it, or check --diversity-ray-address",
        ) from None
