"""The list of a workspace's experiments."""
