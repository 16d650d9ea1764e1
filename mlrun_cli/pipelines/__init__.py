"""Pipelines: graphs of steps, the files that describe them, and the reuse of earlier results."""
