"""The lease that shows that a run is alive if its lock cannot be tested."""

from __future__ import annotations

from mlrun_cli.core.time import MICROSECONDS, now

LEASE_SECONDS = 60


def compute_lease_end() -> int:
    """Return the end of a lease that is renewed now, in microseconds."""
    return now() + LEASE_SECONDS * MICROSECONDS
