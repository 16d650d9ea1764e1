"""The installed command as users have it: first on PATH, in a shell, and under the name `az`."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.running import Mlrun

AZ = 'az() { mlrun "$@"; }\n'
"""What users of Azure's command line put in front of their scripts."""


@contextmanager
def installed(root: Path, *, attach: bool = True) -> Iterator[Mlrun]:
    """Return the command with a home under `root`, on PATH as in an activated virtual environment."""
    mlrun = Mlrun(root, attach=attach)
    mlrun.environment["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    # Packages come from the index once, not once per test.
    mlrun.environment.setdefault("UV_CACHE_DIR", str(Path("~/.cache/uv").expanduser()))
    mlrun.environment.setdefault("PIP_CACHE_DIR", str(Path("~/.cache/pip").expanduser()))
    try:
        yield mlrun
    finally:
        mlrun.close()


def bash(mlrun: Mlrun, text: str, *, folder: Path | None = None) -> subprocess.CompletedProcess[str]:
    """Run shell lines in the attached folder, with `az` as the installed command."""
    return mlrun.run("bash", "-c", AZ + text, folder=folder)


def local_package(folder: Path, name: str, *, when_built: str = "") -> str:
    """Write the source of an empty package without dependencies, and return its requirement.

    Args:
        folder: where its own folder is made.
        name: of the distribution and of its module.
        when_built: Python that its building runs first.
    """
    source = folder / f"{name}-1.0"
    source.mkdir()
    (source / "pyproject.toml").write_text(
        '[build-system]\nrequires = []\nbuild-backend = "backend"\nbackend-path = ["."]\n'
        f'[project]\nname = "{name}"\nversion = "1.0"\n',
        encoding="utf-8",
    )
    (source / "backend.py").write_text(
        _BACKEND.replace("NAME", name).replace("WHEN_BUILT", when_built or "pass"), encoding="utf-8"
    )
    return f"{name} @ {source.as_uri()}"


_BACKEND = """
import os, zipfile

def build_wheel(folder, config_settings=None, metadata_directory=None):
    WHEN_BUILT
    about = "NAME-1.0.dist-info"
    with zipfile.ZipFile(os.path.join(folder, "NAME-1.0-py3-none-any.whl"), "w") as wheel:
        wheel.writestr("NAME.py", "")
        wheel.writestr(f"{about}/METADATA", "Metadata-Version: 2.1\\nName: NAME\\nVersion: 1.0\\n")
        wheel.writestr(f"{about}/WHEEL", "Wheel-Version: 1.0\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n")
        wheel.writestr(f"{about}/RECORD", "")
    return "NAME-1.0-py3-none-any.whl"
"""


def said(done: subprocess.CompletedProcess[str]) -> list[str]:
    """Return the lines that a command printed to stderr."""
    return done.stderr.splitlines()


def refused(done: subprocess.CompletedProcess[str], exit_code: int) -> str:
    """Return the error text of a refused command, after checking it: one to three lines, and no traceback."""
    assert done.returncode == exit_code, done.stderr
    assert done.stdout == ""
    assert "Traceback" not in done.stderr
    assert "bug in mlrun-cli" not in done.stderr
    lines = [line for line in said(done) if not line.startswith("WARNING: ")]
    assert 1 <= len(lines) <= 3, done.stderr
    assert lines[0].startswith("ERROR: "), done.stderr
    return "\n".join(lines)


def run_count(mlrun: Mlrun) -> int:
    """Return the number of runs, after checking that rows and folders agree."""
    rows = len(mlrun.stored("SELECT 1 FROM runs"))
    assert rows == len(list((mlrun.database.parent / "runs").iterdir()))
    return rows
