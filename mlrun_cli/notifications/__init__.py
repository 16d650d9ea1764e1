"""Notifications of the ends of runs: the addresses that get them, and when."""
