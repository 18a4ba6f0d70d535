"""miner: learn from agent logs which tool call comes next, and ship it to a runtime.

The journey, and the folder of each stage::

    log file -> readers -> events -> store (DuckDB) -> mining -> predictors, evaluation -> export -> runtime

This package imports nothing: ``miner.runtime`` must load in a bare interpreter.
"""
