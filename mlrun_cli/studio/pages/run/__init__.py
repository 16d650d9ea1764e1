"""A run's page: a folder for each tab."""
