"""What is scheduled: ``nightly``, ``backfill`` and ``drift``, each ``python -m pipelines.NAME --settings FILE``."""
