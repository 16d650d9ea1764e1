"""Pipelines: graphs of steps, how they are described in files, and when an earlier result may stand for a step."""
