"""Compute targets, and other information about the machines of runs."""
