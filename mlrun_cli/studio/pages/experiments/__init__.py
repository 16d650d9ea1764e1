"""The list of the experiments of a workspace."""
