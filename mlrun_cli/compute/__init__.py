"""Compute targets, and other information about the machines on which runs are executed."""
