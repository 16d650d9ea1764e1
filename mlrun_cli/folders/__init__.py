"""Attached folders: their configuration and the files that they start with."""
