"""The embedded engine: weights on this machine, run by transformers."""
