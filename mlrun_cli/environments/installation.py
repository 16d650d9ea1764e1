"""Installs into an environment what was asked for or, where that may be relaxed, the nearest that can be had."""

from __future__ import annotations

import json
import os
import re
import shutil
from collections.abc import Collection, Iterable, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

from mlrun_cli.environments.environment import BasePython, Builder, EnvironmentBuild
from mlrun_cli.environments.failure_reason import is_unreachable, is_untrusted
from mlrun_cli.environments.folder import EnvironmentFolder
from mlrun_cli.environments.installer import Installer, say
from mlrun_cli.environments.pip_settings import pip_settings_for_uv
from mlrun_cli.environments.requirements import names_one_version, package_name, without_version

_NO_DAY = "2999-01-01T00:00:00Z"
"""Lets uv take any version of a package, as no option of all its versions does."""
_CONDA_NAME = re.compile(r"(?:\S*?::)?[A-Za-z0-9_.-]+")


class Filled(NamedTuple):
    """The installer's exit code, the lines whose versions had to be left open, and the Python, if not the first."""

    exit_code: int
    loosened: tuple[str, ...] = ()
    other_python: str = ""


def fill_with_pip(
    folder: EnvironmentFolder, build: EnvironmentBuild, installer: Installer, environ: Mapping[str, str]
) -> Filled:
    """Make a virtual environment and install the requirements by uv or pip.

    It is of the first Python on which all that is pinned can be had. Where there is none, and versions may be left
    open, it is of that on which the most can be had.
    """
    if build.builder is Builder.UV:
        _tell_uv(build, installer, environ)
    filling = _PipFilling(folder, build, installer)
    filled = filling.as_pinned()
    if filled.exit_code and _may_use_pip(build) and is_untrusted(installer.last_output):
        say("Building with pip, which may know whom uv does not.")
        build = build._replace(builder=Builder.PIP)
        filling = _PipFilling(folder, build, installer)
        filled = filling.as_pinned()
    has_choice = build.is_relaxed or len(build.pythons) > 1
    # What is not reached by one is not by the others, each after minutes of tries; a Python is fetched from elsewhere.
    if filled.exit_code and has_choice and not (filling.is_made and is_unreachable(installer.last_output)):
        say(f"Not to be had as pinned on Python {build.pythons[0]}.")
        filled = filling.on_another_python() or (filling.relaxed() if build.is_relaxed else filled)
    return filled


def _tell_uv(build: EnvironmentBuild, installer: Installer, environ: Mapping[str, str]) -> None:
    """Tell uv of what pip is configured with, and the log what that is."""
    python = Path(build.pythons[0].python)
    base = python.parents[1] if python.is_absolute() else None
    has_index = any(option.startswith("--index-url") for option in build.options)
    settings = pip_settings_for_uv(environ, base, has_index=has_index)
    installer.tell(settings.variables)
    if settings.told:
        said = ", ".join(settings.told)
        say(f"uv is told of pip's {said}, from {', '.join(map(str, settings.files))}.")


def _may_use_pip(build: EnvironmentBuild) -> bool:
    """Whether pip could build what uv does not reach: it knows of no days, and fetches no Python."""
    return build.builder is Builder.UV and not build.uploaded_before and not build.pythons[0].is_fetched


class _PipFilling:
    """One virtual environment being filled, of one Python after the other; a version that is not kept is left open."""

    def __init__(self, folder: EnvironmentFolder, build: EnvironmentBuild, installer: Installer) -> None:
        self._folder = folder
        self._build = build
        self._installer = installer
        self._is_uv = build.builder is Builder.UV
        self._pinned = [line for line in build.requirements if without_version(line) != line]
        self._python = build.pythons[0]
        self._made_of: BasePython | None = None
        self._existing: dict[BasePython, list[str]] = {}

    @property
    def is_made(self) -> bool:
        """Whether there is a virtual environment to install into."""
        return self._made_of is not None

    def as_pinned(self) -> Filled:
        """Install all as it is asked for, on the first Python."""
        return self._loosely(()) if self._use(self._python, is_loud=True) else Filled(1)

    def on_another_python(self) -> Filled | None:
        """Install all as it is asked for, on the nearest other Python that has it; None where there is none."""
        first, *others = self._build.pythons
        if self._made_of == first and self._build.is_relaxed:
            self._existing[first] = [line for line in self._pinned if self._exists(line)]
        for python in others:
            say(f"Looking whether it can be had on Python {python}.")
            if not self._use(python) or not self._may_have_all(python):
                continue
            if self._go_together(self._pinned):
                filled = self._loosely(())
                if not filled.exit_code:
                    return filled
        return None

    def relaxed(self) -> Filled:
        """Install with every version that exists on the Python with the most of them.

        If these do not go together, with each that goes with those before. As a last resort, none is kept.
        """
        # Of two with as many, the first.
        python = max(self._existing, key=lambda one: len(self._existing[one]), default=None)
        if python is None or not self._use(python, is_loud=True):
            return Filled(1)
        existing = self._existing[python]
        filled = self._loosely(set(self._pinned).difference(existing))
        if filled.exit_code and existing:
            kept: list[str] = []
            for line in existing:
                if self._go_together({*kept, line}):
                    kept.append(line)
            filled = self._loosely(set(self._pinned).difference(kept))
        if filled.exit_code and len(filled.loosened) < len(self._pinned):
            filled = self._loosely(self._pinned)
        return filled

    def _may_have_all(self, python: BasePython) -> bool:
        """Whether each version exists on this Python, where that matters; those that do are kept in mind."""
        if not self._build.is_relaxed:
            return True
        first = self._existing.get(self._build.pythons[0], [])
        # Those that the first has not are what another is looked at for.
        found = {line for line in self._pinned if line not in first and self._exists(line)}
        if found or not first:
            found.update(line for line in first if self._exists(line))
        elif len(first) == len(self._pinned):
            return True
        self._existing[python] = [line for line in self._pinned if line in found]
        return len(found) == len(self._pinned)

    def _use(self, python: BasePython, *, is_loud: bool = False) -> bool:
        """Make the virtual environment of this Python, if it is not; False where that cannot be."""
        self._python = python
        if self._made_of == python:
            return True
        self._made_of = None
        shutil.rmtree(self._folder.venv, ignore_errors=True)
        command = self._making(python)
        if self._run(command) if is_loud else not self._installer.succeeds(command):
            return False
        self._made_of = python
        return True

    def _making(self, python: BasePython) -> list[str]:
        """What makes the empty virtual environment."""
        if not self._is_uv:
            return [python.python, "-m", "venv", str(self._folder.venv)]
        # A version, not a path: only uv's own, since others on PATH were looked at when the run was planned.
        whose = ["--python-preference", "only-managed"] if python.is_fetched else []
        return [self._build.installer, "venv", *whose, "--python", python.python, str(self._folder.venv)]

    def _loosely(self, loosened: Collection[str]) -> Filled:
        """Install with these versions left open."""
        if loosened:
            _say_loosened(line for line in self._pinned if line in loosened)
        lines = [without_version(line) if line in loosened else line for line in self._build.requirements]
        kept = [line for line in self._pinned if line not in loosened]
        code = self._run(self._install(lines, *self._wheels_for(kept))) if lines else 0
        other = "" if self._python == self._build.pythons[0] else str(self._python)
        return Filled(code, tuple(line for line in self._pinned if line in loosened), other)

    def _run(self, command: Sequence[str]) -> int:
        """Run it, once more where uv does not know the signer of a certificate that the system may know."""
        code = self._installer.run(command)
        if code and self._is_uv and is_untrusted(self._installer.last_output) and self._installer.trust_as_system():
            say("uv does not know who has signed the certificate; it is told to trust whom the system trusts.")
            code = self._installer.run(command)
        return code

    def _exists(self, line: str) -> bool:
        """Whether there is such a version for this Python, built if it has to be; the installer keeps it for later."""
        beside = str(self._folder.path / "tried")
        options = ["--no-deps", *self._wheels_for([line])]
        if self._is_uv:
            # Without what it depends on, uv does not ask whether it is for this Python.
            resolves = self._installer.succeeds(self._install([line], *self._wheels_for([line]), "--dry-run"))
            return resolves and self._installer.succeeds(self._install([line], *options, "--target", beside))
        return self._installer.succeeds(self._install([line], *options, "-w", beside, verb="wheel"))

    def _wheels_for(self, lines: Iterable[str]) -> list[str]:
        """What keeps these from being built: a source made for another Python may well build, and then not run."""
        return [f"--only-binary={package_name(line)}" for line in lines if self._python.only_wheels]

    def _go_together(self, kept: Collection[str]) -> bool:
        lines = [
            line if line in kept or line not in self._pinned else without_version(line)
            for line in self._build.requirements
        ]
        wheels = self._wheels_for(kept)
        if self._is_uv:
            return self._installer.succeeds(self._install(lines, *wheels, "--dry-run"))
        # A pip of before 2022 has no dry run.
        return self._installer.succeeds(
            self._install(lines, *wheels, "-d", str(self._folder.path / "tried"), verb="download")
        )

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
        return [
            *(*pip, verb, *whose, *options, *self._of_the_day()),
            *(sources if self._is_uv else ()),
            *("-r", str(self._folder.requirements)),
        ]

    def _of_the_day(self) -> list[str]:
        """What keeps out versions of after the day; what is pinned is of whatever day it is."""
        if not self._build.uploaded_before:
            return []
        exempt = self._exempt if self._knows_exemptions else []
        return ["--exclude-newer", self._build.uploaded_before, *exempt]

    @cached_property
    def _exempt(self) -> list[str]:
        names = dict.fromkeys(package_name(line) for line in self._pinned if names_one_version(line))
        return [f"--exclude-newer-package={name}={_NO_DAY}" for name in names]

    @cached_property
    def _knows_exemptions(self) -> bool:
        """Whether this uv does; those of before late 2025 do not."""
        return "--exclude-newer-package" in self._installer.output([self._build.installer, "pip", "install", "--help"])


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
