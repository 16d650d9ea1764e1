"""Compute targets and what else is known of the machines of runs."""
