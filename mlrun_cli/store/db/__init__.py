"""Databases: the contract, and a folder for each dialect."""
