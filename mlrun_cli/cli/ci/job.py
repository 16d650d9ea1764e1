"""Detection of CI jobs, in which nobody can answer a prompt, even if there is a terminal."""

from __future__ import annotations

import os

_VARIABLES = ("CI", "TF_BUILD")
"""Variables of all known CI systems: Azure Pipelines sets only the second."""
_OFF = frozenset({"", "0", "false"})


def is_ci_job() -> bool:
    """Return whether this process runs in a CI job, according to its environment variables."""
    return any(os.environ.get(name, "").lower() not in _OFF for name in _VARIABLES)
