"""The drawing of a pipeline's graph, with its steps and what they read and write."""
