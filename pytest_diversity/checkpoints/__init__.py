"""Where weights are; no torch."""
