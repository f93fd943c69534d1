"""What the project measures of itself; each module prints its figures."""
