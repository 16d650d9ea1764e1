"""Attached folders: their configuration and their initial files."""
