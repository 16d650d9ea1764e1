"""Datasets, datastores, and what a run configuration says of a run's data."""
