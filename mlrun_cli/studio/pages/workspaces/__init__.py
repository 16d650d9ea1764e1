"""The list of all workspaces of this machine."""
