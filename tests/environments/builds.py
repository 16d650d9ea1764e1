"""Builds of environments, begun by the tests, and a package whose build they hold."""

from __future__ import annotations

import io
import json
import os
import signal
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from mlrun_cli.environments.build_plan import plan_conda_environment
from mlrun_cli.environments.conda_file import read_conda_dependencies
from mlrun_cli.environments.environment import Builder, EnvironmentPlan
from mlrun_cli.environments.folder import EnvironmentFolder
from mlrun_cli.environments.mode import EnvironmentChoice, EnvironmentMode
from mlrun_cli.environments.planned_environment import PlannedEnvironment

# Builds its wheel without any other package; says so in LOG and, while GATE exists, waits until it is let go.
BACKEND = """
import os, zipfile
def build_wheel(folder, config_settings=None, metadata_directory=None):
    with open(LOG, "a") as log:
        log.write("built\\n")
    if os.path.exists(GATE):
        open(GATE).read()
    with zipfile.ZipFile(os.path.join(folder, "slow-1.0-py3-none-any.whl"), "w") as wheel:
        wheel.write("slow.py")
        wheel.writestr("slow-1.0.dist-info/METADATA", "Metadata-Version: 2.1\\nName: slow\\nVersion: 1.0\\n")
        wheel.writestr("slow-1.0.dist-info/WHEEL", "Wheel-Version: 1.0\\nTag: py3-none-any\\n")
        wheel.writestr("slow-1.0.dist-info/RECORD", "")
    return "slow-1.0-py3-none-any.whl"
def build_sdist(folder, config_settings=None):
    raise NotImplementedError
"""
PYPROJECT = '[build-system]\nrequires = []\nbuild-backend = "backend"\nbackend-path = ["."]\n'


class SlowPackage:
    """A source package whose build the test holds at a gate, and counts."""

    def __init__(self, folder: Path) -> None:
        self.log = folder / "builds.log"
        self.gate = folder / "gate"
        os.mkfifo(self.gate)
        source = f"LOG = {str(self.log)!r}\nGATE = {str(self.gate)!r}\n{BACKEND}"
        files = {
            "backend.py": source,
            "pyproject.toml": PYPROJECT,
            "PKG-INFO": "Metadata-Version: 2.1\nName: slow\nVersion: 1.0\n",
            "slow.py": "",
        }
        wheels = folder / "wheels"
        wheels.mkdir(exist_ok=True)
        with tarfile.open(wheels / "slow-1.0.tar.gz", "w:gz") as archive:
            for name, text in files.items():
                member = tarfile.TarInfo(f"slow-1.0/{name}")
                member.size = len(text.encode())
                archive.addfile(member, io.BytesIO(text.encode()))

    @contextmanager
    def held(self) -> Iterator[None]:
        """Wait until its build is at the gate; let it go at the end."""
        with self.gate.open("w"):
            yield
            self.gate.unlink()

    @property
    def builds(self) -> int:
        return len(self.log.read_text(encoding="utf-8").splitlines())


def plan(
    tmp_path: Path,
    builder: Builder,
    environ: dict[str, str],
    *pip: str,
    mode: EnvironmentMode = EnvironmentMode.PINNED,
    version: str = ".".join(map(str, sys.version_info[:3])),
) -> PlannedEnvironment:
    """A plan for this Python, if not told otherwise that of the tests; an option of pip's own makes pip the builder."""
    options = ["--prefer-binary"] if builder is Builder.PIP else []
    content = {"dependencies": [f"python={version}" if version else "python", {"pip": [*options, *pip]}]}
    path = tmp_path / "conda.yml"
    path.write_text(json.dumps(content), encoding="utf-8")
    planned = plan_conda_environment(
        read_conda_dependencies(path),
        home=tmp_path / "a 'home'",
        environ=environ,
        environment_choice=EnvironmentChoice(mode),
    )
    assert planned.plan.build is not None
    assert planned.plan.build.builder is builder
    return planned


def folder_of(planned: PlannedEnvironment) -> EnvironmentFolder:
    assert planned.plan.build is not None
    return EnvironmentFolder(Path(planned.plan.build.folder))


def begin_build(tmp_path: Path, planned: PlannedEnvironment, environ: dict[str, str]) -> subprocess.Popen[str]:
    # One each: that of a process which is still to read it must not be written anew.
    plan_file = Path(tempfile.mkdtemp(dir=tmp_path), "plan.json")
    plan_file.write_text(json.dumps(planned.plan.to_json()), encoding="utf-8")
    return subprocess.Popen(
        [sys.executable, "-m", "mlrun_cli.environments", plan_file],
        env=environ | dict(planned.secrets),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )


Start = Callable[[PlannedEnvironment], subprocess.Popen[str]]


def end(process: subprocess.Popen[str]) -> None:
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGKILL)


def read_line(process: subprocess.Popen[str]) -> str:
    """Return the next line that a build has printed."""
    assert process.stdout is not None
    return process.stdout.readline()


def build(tmp_path: Path, planned: PlannedEnvironment, environ: dict[str, str]) -> tuple[int, str]:
    with begin_build(tmp_path, planned, environ) as process:
        log = process.stdout.read() if process.stdout else ""
    return process.returncode, log


def version_inside(plan: EnvironmentPlan, module: str) -> str:
    code = f"import {module}; print({module}.version)"
    return subprocess.check_output([plan.interpreter, "-I", "-c", code], text=True).strip()
