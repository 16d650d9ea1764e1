"""Location of the installed `mlrun`, for scripts and services that start it later."""

from __future__ import annotations

import os
import sys
import sysconfig
from pathlib import Path

from mlrun_cli.errors import ProgramNotFound

_PROGRAMS = ("mlrun", "mlrun-cli")


def find_own_program() -> Path:
    """Return the path of the running `mlrun`, or else of the one installed with this package."""
    scripts = Path(sysconfig.get_path("scripts"))
    for path in (Path(sys.argv[0]).absolute(), *(scripts / name for name in _PROGRAMS)):
        if path.name in _PROGRAMS and os.access(path, os.X_OK) and path.is_file():
            return path
    raise ProgramNotFound(
        f"The program 'mlrun' is not in {scripts}, where it was installed.",
        hint="Install mlrun-cli again.",
        target="mlrun",
    )
