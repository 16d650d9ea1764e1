"""The search for conda and uv, which install packages."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Mapping
from pathlib import Path

_CONDAS = ("conda", "micromamba", "mamba")


def find_conda(environ: Mapping[str, str]) -> str | None:
    """Return the absolute path of conda, micromamba or mamba, the first found on PATH; None if none is."""
    found = (shutil.which(name, path=environ.get("PATH", "")) for name in _CONDAS)
    return next((str(Path(path).absolute()) for path in found if path), None)


def find_uv(environ: Mapping[str, str]) -> str | None:
    """Return the path of uv, found on PATH or else next to the running Python; None if it is in neither place."""
    on_path = shutil.which("uv", path=environ.get("PATH", ""))
    if on_path:
        return str(Path(on_path).absolute())
    beside = Path(sys.executable).with_name("uv")
    return str(beside) if os.access(beside, os.X_OK) else None
