"""A run's Raw JSON tab."""
