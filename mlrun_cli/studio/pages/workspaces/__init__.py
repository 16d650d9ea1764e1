"""The list of all workspaces on this machine."""
