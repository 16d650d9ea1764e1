"""Datasets, datastores, and the data sections of run configurations."""
