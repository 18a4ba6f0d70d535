"""The lightweight runtime: standard library only, imports nothing outside this folder."""
