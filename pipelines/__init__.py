"""What is scheduled, each ``python -m pipelines.NAME --settings FILE``, and a job for Spark."""
