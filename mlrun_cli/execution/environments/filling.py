"""Installs into an environment what was asked for or, where that may be relaxed, the nearest that can be had."""

from __future__ import annotations

import json
import os
import re
import shutil
from collections.abc import Collection, Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

from mlrun_cli.domain.environment import Builder, EnvironmentBuild
from mlrun_cli.execution.environments.folder import EnvironmentFolder
from mlrun_cli.execution.environments.installer import Installer, say
from mlrun_cli.execution.environments.requirements import package_name, without_version

_CONDA_NAME = re.compile(r"(?:\S*?::)?[A-Za-z0-9_.-]+")


class Filled(NamedTuple):
    """The installer's exit code, and the lines whose versions had to be left open."""

    exit_code: int
    loosened: tuple[str, ...] = ()


def fill_with_pip(folder: EnvironmentFolder, build: EnvironmentBuild, installer: Installer) -> Filled:
    """Install the requirements by uv or pip into the virtual environment that is there."""
    filling = _PipFilling(folder, build, installer)
    filled = filling.loosely(())
    return filling.relaxed() if filled.exit_code and build.is_relaxed else filled


class _PipFilling:
    """One virtual environment being filled; a version that is not kept is left open."""

    def __init__(self, folder: EnvironmentFolder, build: EnvironmentBuild, installer: Installer) -> None:
        self._folder = folder
        self._build = build
        self._installer = installer
        self._is_uv = build.builder is Builder.UV
        self._pinned = [line for line in build.requirements if without_version(line) != line]

    def relaxed(self) -> Filled:
        """Install with every version that exists; if these do not go together, with each that goes with those before.

        As a last resort, none is kept.
        """
        say("Not to be had as pinned; looking for the versions that are.")
        existing = [line for line in self._pinned if self._exists(line)]
        filled = self.loosely(set(self._pinned).difference(existing))
        if filled.exit_code and existing:
            kept: list[str] = []
            for line in existing:
                if self._go_together({*kept, line}):
                    kept.append(line)
            filled = self.loosely(set(self._pinned).difference(kept))
        if filled.exit_code and len(filled.loosened) < len(self._pinned):
            filled = self.loosely(self._pinned)
        return filled

    def loosely(self, loosened: Collection[str]) -> Filled:
        """Install with these versions left open."""
        if loosened:
            _say_loosened(line for line in self._pinned if line in loosened)
        lines = [without_version(line) if line in loosened else line for line in self._build.requirements]
        kept = [line for line in self._pinned if line not in loosened]
        code = self._installer.run(self._install(lines, *self._wheels_for(kept)))
        return Filled(code, tuple(line for line in self._pinned if line in loosened))

    def _exists(self, line: str) -> bool:
        """Whether there is such a version for this Python, built if it has to be; the installer keeps it for later."""
        beside = str(self._folder.path / "tried")
        options = ["--no-deps", *self._wheels_for([line])]
        if self._is_uv:
            return self._installer.succeeds(self._install([line], *options, "--target", beside))
        return self._installer.succeeds(self._install([line], *options, "-w", beside, verb="wheel"))

    def _wheels_for(self, lines: Iterable[str]) -> list[str]:
        """What keeps these from being built: a source made for another Python may well build, and then not run."""
        return [f"--only-binary={package_name(line)}" for line in lines if self._build.only_wheels]

    def _go_together(self, kept: Collection[str]) -> bool:
        lines = [
            line if line in kept or line not in self._pinned else without_version(line)
            for line in self._build.requirements
        ]
        return self._installer.succeeds(self._install(lines, "--dry-run"))

    def _install(self, lines: Sequence[str], *options: str, verb: str = "install") -> list[str]:
        """The command that installs these lines."""
        shutil.rmtree(self._folder.path / "tried", ignore_errors=True)
        text = "".join(f"{line}\n" for line in (*self._build.options, *lines))
        self._folder.requirements.write_text(text, encoding="utf-8")
        python = str(self._folder.interpreter)
        pip = [self._build.installer, "pip"] if self._is_uv else [python, "-m", "pip"]
        whose = ["--python", python] if self._is_uv else []
        # uv installs what it has once built of a folder, however that has changed, unless it is named in the command.
        folders = [one for one in self._build.local if not one.is_editable and os.path.isdir(one.path)]
        sources = [one.line for one in folders if one.line in lines]
        return [*pip, verb, *whose, *options, *(sources if self._is_uv else ()), "-r", str(self._folder.requirements)]


def fill_with_conda(folder: EnvironmentFolder, build: EnvironmentBuild, installer: Installer) -> Filled:
    """Make the whole environment by conda, micromamba or mamba.

    Relaxed, first the versions of its own packages are left open, then that of Python, then those of pip's.
    """
    pythons = [spec for spec in build.packages if _conda_name(spec) == "python"]
    others = [spec for spec in build.packages if spec not in pythons]
    steps = [others, pythons, build.requirements] if build.is_relaxed else []
    code = _make_with_conda(folder, build, installer, set())
    loosened: set[str] = set()
    for step in steps:
        opened = {line for line in step if _opened(line, build) != line}
        if code == 0 or not opened:
            continue
        loosened |= opened
        _say_loosened(line for line in (*build.packages, *build.requirements) if line in loosened)
        code = _make_with_conda(folder, build, installer, loosened)
    return Filled(code, tuple(line for line in (*build.packages, *build.requirements) if line in loosened))


def _make_with_conda(
    folder: EnvironmentFolder, build: EnvironmentBuild, installer: Installer, loosened: Collection[str]
) -> int:
    shutil.rmtree(folder.venv, ignore_errors=True)
    lines = {line: _opened(line, build) if line in loosened else line for line in build.packages + build.requirements}
    pip = [*build.options, *(lines[line] for line in build.requirements)]
    document = {
        "channels": list(build.channels),
        "dependencies": [*(lines[spec] for spec in build.packages), *([{"pip": pip}] if pip else [])],
    }
    # JSON is YAML. conda puts no variables in: the file has the secrets.
    text = installer.filled_in(json.dumps(document, indent=2), written=lambda secret: json.dumps(secret)[1:-1])
    with folder.with_secrets(folder.conda_file, text):
        return installer.run(_conda_command(folder, build))


def _conda_command(folder: EnvironmentFolder, build: EnvironmentBuild) -> list[str]:
    where = ["-p", str(folder.venv), "-f", str(folder.conda_file)]
    if Path(build.installer).name == "micromamba":
        return [build.installer, "create", *where, "-y"]
    # `conda create` takes no such file; whether `env create` takes -y depends on its age, so a variable says it.
    return [build.installer, "env", "create", *where]


def _opened(line: str, build: EnvironmentBuild) -> str:
    if line not in build.packages:
        return without_version(line)
    name = _CONDA_NAME.match(line)
    return line if name is None else name[0]


def _conda_name(spec: str) -> str:
    name = _CONDA_NAME.match(spec)
    return "" if name is None else name[0].rpartition(":")[2].lower()


def _say_loosened(lines: Iterable[str]) -> None:
    say(f"Relaxed: the version is left open of {', '.join(lines)}.")
