"""Logs drawn from fitted numbers: statistics of real sessions go in, sessions of invented words come out."""
