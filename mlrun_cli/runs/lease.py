"""The lease by which a run counts as alive where its lock cannot be asked."""

from __future__ import annotations

from mlrun_cli.core.time import MICROSECONDS, now

LEASE_SECONDS = 60


def compute_lease_end() -> int:
    """Return until when a supervisor that renews its lease at this moment counts as alive elsewhere."""
    return now() + LEASE_SECONDS * MICROSECONDS
