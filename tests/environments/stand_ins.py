"""Programs that stand in for interpreters."""

from __future__ import annotations

import json
import os
from pathlib import Path


def put_python_on_path(environ: dict[str, str], *versions: tuple[int, int, int]) -> None:
    """Stand-ins that answer what they are, before all others on PATH."""
    folder = Path(environ["HOME"], "pythons")
    folder.mkdir(exist_ok=True)
    for version in versions:
        program = folder / "python{}.{}".format(*version)
        program.write_text(f"#!/bin/sh\necho '{json.dumps([str(program), version])}'\n", encoding="utf-8")
        program.chmod(0o755)
    environ["PATH"] = f"{folder}{os.pathsep}{environ['PATH']}"
