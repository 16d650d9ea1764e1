"""Runs: their values, statuses, filters and folders."""
