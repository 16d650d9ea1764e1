"""Compute targets: where a supervisor starts. One module per kind."""
