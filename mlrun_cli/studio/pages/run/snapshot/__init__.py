"""A run's Snapshot tab."""
