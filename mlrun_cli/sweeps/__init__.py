"""Sweeps: their definition, what they draw, and which of their runs end early; no store, no workspace."""
