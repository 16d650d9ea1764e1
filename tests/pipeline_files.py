"""The beginning of pipeline files with a parameter that is a secret."""

from __future__ import annotations

SECRET = "hunter2-hunter2"
"""A value of the parameter `password`."""

PARAMETERS = """
pipeline:
  name: cars
  parameters:
    rows: {type: int, default: 3}
    password: {type: string, default: none}
"""
"""A pipeline's name and parameters; its steps follow."""
