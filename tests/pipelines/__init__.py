"""Tests of what is scheduled."""
