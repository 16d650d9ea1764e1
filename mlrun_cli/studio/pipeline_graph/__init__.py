"""The drawing of a pipeline's graph, with its steps, their inputs and their outputs."""
