"""Snapshots: copies of source folders, each content stored once."""
