"""Estimates compared with budgets: the verdicts, and every sentence in them."""
