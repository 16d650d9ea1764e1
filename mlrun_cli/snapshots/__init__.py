"""Snapshots: copies of source folders, in which each file content is stored only once."""
