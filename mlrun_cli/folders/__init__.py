"""Attached folders: their configuration and sample files."""
