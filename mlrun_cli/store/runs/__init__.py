"""Runs in the database: every SQL statement about runs is in this folder."""
