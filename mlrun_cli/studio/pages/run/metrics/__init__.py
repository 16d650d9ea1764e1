"""A run's Metrics tab."""
