"""Databases: their interface, and a folder for each dialect."""
