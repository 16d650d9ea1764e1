"""The transient errors of Ray's Jobs API; others are refusals, which are final."""

from __future__ import annotations

_RAY_REFUSED = 400
"""The only status of HTTP by which Ray refuses a job: those of servers and proxies, such as 429 and 503, may pass."""


def is_transient_ray_error(status: int, text: str) -> bool:
    """Return whether an error response of Ray's Jobs API may be transient.

    The head passes a request on to its agent, and reports that one's refusal as an error of its own.
    """
    return status != _RAY_REFUSED and f"status code {_RAY_REFUSED}" not in text
