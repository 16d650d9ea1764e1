"""Installation into an environment: all that is asked for or, relaxed, the nearest versions that can be had."""

from __future__ import annotations

import json
import os
import re
import shutil
from collections.abc import Collection, Iterable, Mapping, Sequence
from functools import cached_property
from pathlib import Path

from mlrun_cli.core.named_tuple import NamedTuple
from mlrun_cli.environments.environment import BasePython, Builder, EnvironmentBuild
from mlrun_cli.environments.failure_reason import is_unreachable, is_untrusted
from mlrun_cli.environments.folder import EnvironmentFolder
from mlrun_cli.environments.installer import Installer, print_line
from mlrun_cli.environments.pip_settings import build_uv_settings
from mlrun_cli.environments.requirements import get_package_name, names_single_release, remove_version

_NO_DAY = "2999-01-01T00:00:00Z"
"""Lets uv take any version of a package, as no option of all its versions does."""
_CONDA_NAME = re.compile(r"(?:\S*?::)?[A-Za-z0-9_.-]+")


class InstallResult(NamedTuple):
    """The installer's exit code, the lines whose versions had to be left open, and the Python, if not the first."""

    exit_code: int
    unpinned: tuple[str, ...] = ()
    other_python: str = ""


def install_with_pip(
    folder: EnvironmentFolder, build: EnvironmentBuild, installer: Installer, environ: Mapping[str, str]
) -> InstallResult:
    """Make a virtual environment and install the requirements by uv or pip.

    It is of the first Python on which all that is pinned can be had. Where there is none, and versions may be left
    open, it is of that on which the most can be had.
    """
    if build.builder is Builder.UV:
        _configure_uv(build, installer, environ)
    installation = _PipInstallation(folder, build, installer)
    result = installation.install_pinned()
    if result.exit_code and _may_use_pip(build) and is_untrusted(installer.last_output):
        print_line("Building with pip, which may know whom uv does not.")
        build = build._replace(builder=Builder.PIP)
        installation = _PipInstallation(folder, build, installer)
        result = installation.install_pinned()
    has_choice = build.is_relaxed or len(build.pythons) > 1
    # What is not reached by one is not by the others, each after minutes of tries; a Python is fetched from elsewhere.
    if result.exit_code and has_choice and not (installation.is_made and is_unreachable(installer.last_output)):
        print_line(f"Not to be had as pinned on Python {build.pythons[0]}.")
        result = installation.install_on_another_python() or (
            installation.install_relaxed() if build.is_relaxed else result
        )
    return result


def _configure_uv(build: EnvironmentBuild, installer: Installer, environ: Mapping[str, str]) -> None:
    """Apply pip's configuration to uv, and log it."""
    python = Path(build.pythons[0].python)
    base = python.parents[1] if python.is_absolute() else None
    has_index = any(option.startswith("--index-url") for option in build.options)
    settings = build_uv_settings(environ, base, has_index=has_index)
    installer.set_variables(settings.variables)
    if settings.told:
        said = ", ".join(settings.told)
        print_line(f"uv is told of pip's {said}, from {', '.join(map(str, settings.files))}.")


def _may_use_pip(build: EnvironmentBuild) -> bool:
    """Return whether pip can replace uv for a build: pip supports no cutoff day, and fetches no Python."""
    return build.builder is Builder.UV and not build.uploaded_before and not build.pythons[0].is_fetched


class _PipInstallation:
    """Installation into one virtual environment, on one Python after the other; versions may be left open."""

    def __init__(self, folder: EnvironmentFolder, build: EnvironmentBuild, installer: Installer) -> None:
        self._folder = folder
        self._build = build
        self._installer = installer
        self._is_uv = build.builder is Builder.UV
        self._pinned = [line for line in build.requirements if remove_version(line) != line]
        self._python = build.pythons[0]
        self._made_of: BasePython | None = None
        self._existing: dict[BasePython, list[str]] = {}

    @property
    def is_made(self) -> bool:
        """Whether there is a virtual environment to install into."""
        return self._made_of is not None

    def install_pinned(self) -> InstallResult:
        """Install all requirements as they are, on the first Python."""
        return self._install_unpinned(()) if self._ensure_venv(self._python, is_loud=True) else InstallResult(1)

    def install_on_another_python(self) -> InstallResult | None:
        """Install all requirements as they are, on the closest other Python with all versions, or return None."""
        first, *others = self._build.pythons
        if self._made_of == first and self._build.is_relaxed:
            self._existing[first] = [line for line in self._pinned if self._is_available(line)]
        for python in others:
            print_line(f"Looking whether it can be had on Python {python}.")
            if not self._ensure_venv(python) or not self._may_have_all(python):
                continue
            if self._resolve_together(self._pinned):
                result = self._install_unpinned(())
                if not result.exit_code:
                    return result
        return None

    def install_relaxed(self) -> InstallResult:
        """Install on the Python that has the most of the pinned versions; the others are left open.

        If these do not go together, with each that goes with those before. As a last resort, none is kept.
        """
        # Of two with as many, the first.
        python = max(self._existing, key=lambda one: len(self._existing[one]), default=None)
        if python is None or not self._ensure_venv(python, is_loud=True):
            return InstallResult(1)
        existing = self._existing[python]
        result = self._install_unpinned(set(self._pinned).difference(existing))
        if result.exit_code and existing:
            kept: list[str] = []
            for line in existing:
                if self._resolve_together({*kept, line}):
                    kept.append(line)
            result = self._install_unpinned(set(self._pinned).difference(kept))
        if result.exit_code and len(result.unpinned) < len(self._pinned):
            result = self._install_unpinned(self._pinned)
        return result

    def _may_have_all(self, python: BasePython) -> bool:
        """Return whether each pinned version exists for this Python; those that do are remembered."""
        if not self._build.is_relaxed:
            return True
        first = self._existing.get(self._build.pythons[0], [])
        # Those that the first has not are what another is looked at for.
        found = {line for line in self._pinned if line not in first and self._is_available(line)}
        if found or not first:
            found.update(line for line in first if self._is_available(line))
        elif len(first) == len(self._pinned):
            return True
        self._existing[python] = [line for line in self._pinned if line in found]
        return len(found) == len(self._pinned)

    def _ensure_venv(self, python: BasePython, *, is_loud: bool = False) -> bool:
        """Create the virtual environment of a Python, unless it exists; return False if that fails."""
        self._python = python
        if self._made_of == python:
            return True
        self._made_of = None
        shutil.rmtree(self._folder.venv, ignore_errors=True)
        command = self._build_venv_command(python)
        if self._run(command) if is_loud else not self._installer.succeeds(command):
            return False
        self._made_of = python
        return True

    def _build_venv_command(self, python: BasePython) -> list[str]:
        """Return the command that makes the empty virtual environment."""
        if not self._is_uv:
            return [python.python, "-m", "venv", str(self._folder.venv)]
        # A version, not a path: only uv's own, since others on PATH were looked at when the run was planned.
        whose = ["--python-preference", "only-managed"] if python.is_fetched else []
        return [self._build.installer, "venv", *whose, "--python", python.python, str(self._folder.venv)]

    def _install_unpinned(self, unpinned: Collection[str]) -> InstallResult:
        """Install the requirements without pinning these versions."""
        if unpinned:
            _log_unpinned(line for line in self._pinned if line in unpinned)
        lines = [remove_version(line) if line in unpinned else line for line in self._build.requirements]
        kept = [line for line in self._pinned if line not in unpinned]
        code = self._run(self._build_install_command(lines, *self._build_only_binary_options(kept))) if lines else 0
        other = "" if self._python == self._build.pythons[0] else str(self._python)
        return InstallResult(code, tuple(line for line in self._pinned if line in unpinned), other)

    def _run(self, command: Sequence[str]) -> int:
        """Run a command; retry where uv does not trust a certificate that the system may trust."""
        code = self._installer.run(command)
        if code and self._is_uv and is_untrusted(self._installer.last_output) and self._installer.trust_as_system():
            print_line("uv does not know who has signed the certificate; it is told to trust whom the system trusts.")
            code = self._installer.run(command)
        return code

    def _is_available(self, line: str) -> bool:
        """Return whether a version is available for this Python, from a wheel or built.

        The installer keeps it for later.
        """
        beside = str(self._folder.path / "tried")
        options = ["--no-deps", *self._build_only_binary_options([line])]
        if self._is_uv:
            # Without what it depends on, uv does not ask whether it is for this Python.
            resolves = self._installer.succeeds(
                self._build_install_command([line], *self._build_only_binary_options([line]), "--dry-run")
            )
            return resolves and self._installer.succeeds(
                self._build_install_command([line], *options, "--target", beside)
            )
        return self._installer.succeeds(self._build_install_command([line], *options, "-w", beside, verb="wheel"))

    def _build_only_binary_options(self, lines: Iterable[str]) -> list[str]:
        """Return the options that keep these packages from being built.

        A source made for another Python may well build, and then not run.
        """
        return [f"--only-binary={get_package_name(line)}" for line in lines if self._python.only_wheels]

    def _resolve_together(self, kept: Collection[str]) -> bool:
        lines = [
            line if line in kept or line not in self._pinned else remove_version(line)
            for line in self._build.requirements
        ]
        wheels = self._build_only_binary_options(kept)
        if self._is_uv:
            return self._installer.succeeds(self._build_install_command(lines, *wheels, "--dry-run"))
        # A pip of before 2022 has no dry run.
        return self._installer.succeeds(
            self._build_install_command(lines, *wheels, "-d", str(self._folder.path / "tried"), verb="download")
        )

    def _build_install_command(self, lines: Sequence[str], *options: str, verb: str = "install") -> list[str]:
        """Return the command that installs these lines."""
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
            *(*pip, verb, *whose, *options, *self._build_cutoff_options()),
            *(sources if self._is_uv else ()),
            *("-r", str(self._folder.requirements)),
        ]

    def _build_cutoff_options(self) -> list[str]:
        """Return the options that exclude versions uploaded after the day, pinned ones excepted."""
        if not self._build.uploaded_before:
            return []
        exempt = self._exempt_packages if self._knows_exemptions else []
        return ["--exclude-newer", self._build.uploaded_before, *exempt]

    @cached_property
    def _exempt_packages(self) -> list[str]:
        names = dict.fromkeys(get_package_name(line) for line in self._pinned if names_single_release(line))
        return [f"--exclude-newer-package={name}={_NO_DAY}" for name in names]

    @cached_property
    def _knows_exemptions(self) -> bool:
        """Whether this uv supports exemptions from the day, as versions since late 2025 do."""
        return "--exclude-newer-package" in self._installer.read_output(
            [self._build.installer, "pip", "install", "--help"]
        )


def install_with_conda(folder: EnvironmentFolder, build: EnvironmentBuild, installer: Installer) -> InstallResult:
    """Make the whole environment by conda, micromamba or mamba.

    Relaxed, first the versions of its own packages are left open, then that of Python, then those of pip's.
    """
    pythons = [spec for spec in build.packages if _get_conda_name(spec) == "python"]
    others = [spec for spec in build.packages if spec not in pythons]
    steps = [others, pythons, build.requirements] if build.is_relaxed else []
    code = _make_with_conda(folder, build, installer, set())
    unpinned: set[str] = set()
    for step in steps:
        opened = {line for line in step if _unpin(line, build) != line}
        if code == 0 or not opened:
            continue
        unpinned |= opened
        _log_unpinned(line for line in (*build.packages, *build.requirements) if line in unpinned)
        code = _make_with_conda(folder, build, installer, unpinned)
    return InstallResult(code, tuple(line for line in (*build.packages, *build.requirements) if line in unpinned))


def _make_with_conda(
    folder: EnvironmentFolder, build: EnvironmentBuild, installer: Installer, unpinned: Collection[str]
) -> int:
    shutil.rmtree(folder.venv, ignore_errors=True)
    lines = {line: _unpin(line, build) if line in unpinned else line for line in build.packages + build.requirements}
    pip = [*build.options, *(lines[line] for line in build.requirements)]
    document = {
        "channels": list(build.channels),
        "dependencies": [*(lines[spec] for spec in build.packages), *([{"pip": pip}] if pip else [])],
    }
    # JSON is YAML. conda puts no variables in: the file has the secrets.
    text = installer.expand_secrets(json.dumps(document, indent=2), written=lambda secret: json.dumps(secret)[1:-1])
    with folder.write_secret_file(folder.conda_file, text):
        return installer.run(_build_conda_command(folder, build))


def _build_conda_command(folder: EnvironmentFolder, build: EnvironmentBuild) -> list[str]:
    where = ["-p", str(folder.venv), "-f", str(folder.conda_file)]
    if Path(build.installer).name == "micromamba":
        return [build.installer, "create", *where, "-y"]
    # `conda create` takes no such file; whether `env create` takes -y depends on its age, so a variable says it.
    return [build.installer, "env", "create", *where]


def _unpin(line: str, build: EnvironmentBuild) -> str:
    if line not in build.packages:
        return remove_version(line)
    name = _CONDA_NAME.match(line)
    return line if name is None else name[0]


def _get_conda_name(spec: str) -> str:
    name = _CONDA_NAME.match(spec)
    return "" if name is None else name[0].rpartition(":")[2].lower()


def _log_unpinned(lines: Iterable[str]) -> None:
    print_line(f"Relaxed: the version is left open of {', '.join(lines)}.")
