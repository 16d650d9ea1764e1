"""The graph of a pipeline's run, and what its steps have read, written and reused."""
