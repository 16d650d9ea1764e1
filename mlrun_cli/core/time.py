"""Points in time as whole microseconds since the epoch in UTC, and in ISO 8601 format.

Plain integers sort, compare and store alike everywhere, and cost no import of `datetime`.
"""

from __future__ import annotations

import time

MICROSECONDS = 1_000_000


def now() -> int:
    """Return the current time in microseconds since the epoch in UTC."""
    return time.time_ns() // 1000


def format_iso(timestamp: int) -> str:
    """Format a time as in Azure's records: `2026-01-31T09:05:00.000123Z`."""
    seconds, fraction = divmod(timestamp, MICROSECONDS)
    return f"{time.strftime('%Y-%m-%dT%H:%M:%S', time.gmtime(seconds))}.{fraction:06d}Z"
