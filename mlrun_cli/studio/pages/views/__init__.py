"""The saved views."""
