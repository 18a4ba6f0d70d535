"""Tests of evaluation and replay."""
