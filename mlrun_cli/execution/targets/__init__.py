"""Compute targets: where a supervisor starts. One file per kind."""
