"""Replay: what speculation would have hidden, and wasted, in recorded sessions with their recorded times."""
