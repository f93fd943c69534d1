"""What draws, one room an engine."""
