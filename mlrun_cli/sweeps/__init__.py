"""Sweeps: their definition, their sampling, and the early termination of their runs; without store or workspace."""
