"""Recorded profiles: the file, and what a run does with it."""
