"""`diversity.toml` and the options of a run, as frozen values; standard library alone."""
