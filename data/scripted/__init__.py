"""Scripted agents that really run tools, and the logs that their sessions leave."""
