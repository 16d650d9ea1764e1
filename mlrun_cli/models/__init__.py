"""Registered models and their folders."""
