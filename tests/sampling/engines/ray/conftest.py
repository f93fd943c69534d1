"""Clusters of several nodes on this machine."""

from tests.cluster.conftest import cluster

__all__ = ["cluster"]
