"""Means, intervals, tests and power; pure."""
