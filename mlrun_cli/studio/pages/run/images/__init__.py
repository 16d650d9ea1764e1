"""A run's Images tab."""
