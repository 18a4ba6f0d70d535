"""Where mining runs: one file an engine, the same rows from each."""
