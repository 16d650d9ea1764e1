"""Cancellation of a run: SIGTERM for all processes of its script, then SIGKILL after a grace period."""

GRACE_SECONDS = 10.0
"""The default time between SIGTERM and SIGKILL."""
