"""The dashboard: every page over sound and broken runs, its queries, and a real browser."""
