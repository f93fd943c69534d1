"""Requests become samples: a checkpoint is found and loaded, its engine draws."""
