"""A deterministic simulation of agents, tools and time, to test the speculator against its invariants."""
