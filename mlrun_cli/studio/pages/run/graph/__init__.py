"""The graph of a pipeline run, and what its steps have read, written and reused."""
