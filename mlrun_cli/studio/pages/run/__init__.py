"""A run's page, with a folder for each tab."""
