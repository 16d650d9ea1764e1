"""The interpreters on which the program runs."""

from __future__ import annotations

import os
import sys
from pathlib import Path


def list_interpreters() -> list[str]:
    """Return this one, and one for each minor version of CPython that mlrun-cli runs on and pyenv has."""
    kept = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")) / "versions"
    found = [sorted(kept.glob(f"3.{minor}.*/bin/python3.{minor}"))[-1:] for minor in range(10, 15)]
    return [sys.executable, *(str(each) for one in found for each in one)]
