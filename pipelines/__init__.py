"""What is scheduled: ``nightly``, ``backfill``, ``forget`` and ``drift``, each ``python -m pipelines.NAME --settings FILE``."""
