"""Sweeps: their definition, what they sample, and which of their runs end early; no store, no workspace."""
