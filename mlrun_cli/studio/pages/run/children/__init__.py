"""A run's Child runs tab."""
