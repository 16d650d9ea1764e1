"""Cancellation of a run: SIGTERM to all that its script has started, a grace, then SIGKILL."""

GRACE_SECONDS = 10.0
"""Between SIGTERM and SIGKILL, unless whoever cancels says otherwise."""
