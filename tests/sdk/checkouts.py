"""Checkouts of public repositories, of which tests use files that this repository does not have.

`MLRUN_TEST_NOTEBOOKS` names a folder with checkouts, each in `OWNER/REPOSITORY`, or `OWNER/REPOSITORY@VERSION`.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

CHECKOUTS = "MLRUN_TEST_NOTEBOOKS"


def find_in_checkout(repository: str, path: str, commit: str) -> Path:
    """Return a file or folder of a repository's checkout; skip the test if it is not there."""
    checkouts = os.environ.get(CHECKOUTS)
    if not checkouts:
        pytest.skip(f"{CHECKOUTS} names no folder of checkouts")
    found = Path(checkouts) / repository / path
    if not found.exists():
        pytest.skip(f"{found} is not there; it is in {repository} at {commit}")
    return found
