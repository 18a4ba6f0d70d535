"""Held-out sessions -> scores and savings."""
