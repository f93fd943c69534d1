"""Diversity regression testing for language models."""
