"""A run's Outputs + logs tab."""
