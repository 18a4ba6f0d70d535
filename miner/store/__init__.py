"""The DuckDB file: schema, incremental loading, problems kept with file and line."""
