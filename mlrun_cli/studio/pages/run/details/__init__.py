"""A run's Details tab."""
