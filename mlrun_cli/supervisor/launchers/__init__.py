"""Launchers of a script's processes."""
