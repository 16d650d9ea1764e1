"""Snapshots: copies of source folders that store each file content only once."""
