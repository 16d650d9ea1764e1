"""The runs of an experiment, or of the whole workspace."""
