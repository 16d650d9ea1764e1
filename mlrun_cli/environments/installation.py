"""Installation of packages into an environment, with the requested versions or, if relaxed, available ones."""

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
from mlrun_cli.environments.failure_reason import reports_unreachable_index, reports_untrusted_certificate
from mlrun_cli.environments.folder import EnvironmentFolder
from mlrun_cli.environments.installer import Installer, print_line
from mlrun_cli.environments.pip_settings import build_uv_settings
from mlrun_cli.environments.requirements import get_package_name, pins_single_release, remove_version

_NO_DAY = "2999-01-01T00:00:00Z"
"""A cutoff date that lets uv choose any version of a package, which not every uv has an option for."""
_CONDA_NAME = re.compile(r"(?:\S*?::)?[A-Za-z0-9_.-]+")


class InstallResult(NamedTuple):
    """The installer's exit code, the requirements with versions left open, and the Python if not the first choice."""

    exit_code: int
    unpinned: tuple[str, ...] = ()
    other_python: str = ""


def install_with_uv_or_pip(
    folder: EnvironmentFolder, build: EnvironmentBuild, installer: Installer, environ: Mapping[str, str]
) -> InstallResult:
    """Create a virtual environment, install the requirements with uv or pip, and return the result.

    It is created from the first Python for which all pinned versions are available. If there is none, and versions may
    be left open, it is created from the Python for which most are available.
    """
    if build.builder is Builder.UV:
        _configure_uv(build, installer, environ)
    installation = _PipInstallation(folder, build, installer)
    result = installation.install_pinned()
    if result.exit_code and _can_use_pip(build) and reports_untrusted_certificate(installer.last_output):
        print_line("Building with pip, which may know whom uv does not.")
        build = build._replace(builder=Builder.PIP)
        installation = _PipInstallation(folder, build, installer)
        result = installation.install_pinned()
    has_choice = build.is_relaxed or len(build.pythons) > 1
    # An unreachable index is so for every Python, after minutes of retries; Pythons are downloaded from elsewhere.
    if (
        result.exit_code
        and has_choice
        and not (installation.has_venv and reports_unreachable_index(installer.last_output))
    ):
        print_line(f"Not to be had as pinned on Python {build.pythons[0]}.")
        result = installation.install_on_another_python() or (
            installation.install_relaxed() if build.is_relaxed else result
        )
    return result


def _configure_uv(build: EnvironmentBuild, installer: Installer, environ: Mapping[str, str]) -> None:
    """Pass pip's configuration on to uv, and print where the settings came from."""
    python = Path(build.pythons[0].python)
    base = python.parents[1] if python.is_absolute() else None
    has_index = any(option.startswith("--index-url") for option in build.options)
    settings = build_uv_settings(environ, base, has_index=has_index)
    installer.set_variables(settings.variables)
    if settings.file_settings:
        said = ", ".join(settings.file_settings)
        print_line(f"uv is told of pip's {said}, from {', '.join(map(str, settings.files))}.")


def _can_use_pip(build: EnvironmentBuild) -> bool:
    """Return whether pip can replace uv for a build, i.e. it needs neither a cutoff date nor a downloaded Python."""
    return build.builder is Builder.UV and not build.uploaded_before and not build.pythons[0].is_uv_managed


class _PipInstallation:
    """The installation of a build into a virtual environment, which tries several Pythons and can unpin versions."""

    def __init__(self, folder: EnvironmentFolder, build: EnvironmentBuild, installer: Installer) -> None:
        self._folder = folder
        self._build = build
        self._installer = installer
        self._is_uv = build.builder is Builder.UV
        self._pinned = [line for line in build.requirements if remove_version(line) != line]
        self._python = build.pythons[0]
        self._venv_python: BasePython | None = None
        self._existing: dict[BasePython, list[str]] = {}

    @property
    def has_venv(self) -> bool:
        """True if the virtual environment exists."""
        return self._venv_python is not None

    def install_pinned(self) -> InstallResult:
        """Install all requirements with their pinned versions on the first Python, and return the result."""
        return self._install_partly_pinned(()) if self._ensure_venv(self._python, is_verbose=True) else InstallResult(1)

    def install_on_another_python(self) -> InstallResult | None:
        """Install on another Python for which all pinned versions are available; return None if this fails for all."""
        first, *others = self._build.pythons
        if self._venv_python == first and self._build.is_relaxed:
            self._existing[first] = [line for line in self._pinned if self._is_pin_available(line)]
        for python in others:
            print_line(f"Looking whether it can be had on Python {python}.")
            if not self._ensure_venv(python) or not self._are_pins_available(python):
                continue
            if self._can_resolve_with_pins(self._pinned):
                result = self._install_partly_pinned(())
                if not result.exit_code:
                    return result
        return None

    def install_relaxed(self) -> InstallResult:
        """Install on the Python with the most available pinned versions, and leave the other versions open.

        If these versions conflict, keep each that is compatible with those kept before; as a last resort, keep none.
        """
        # On a tie, `max` returns the first.
        python = max(self._existing, key=lambda one: len(self._existing[one]), default=None)
        if python is None or not self._ensure_venv(python, is_verbose=True):
            return InstallResult(1)
        existing = self._existing[python]
        result = self._install_partly_pinned(set(self._pinned).difference(existing))
        if result.exit_code and existing:
            kept: list[str] = []
            for line in existing:
                if self._can_resolve_with_pins({*kept, line}):
                    kept.append(line)
            result = self._install_partly_pinned(set(self._pinned).difference(kept))
        if result.exit_code and len(result.unpinned) < len(self._pinned):
            result = self._install_partly_pinned(self._pinned)
        return result

    def _are_pins_available(self, python: BasePython) -> bool:
        """Return whether all pinned versions are available for a Python; for a relaxed build, record those that are."""
        if not self._build.is_relaxed:
            return True
        first = self._existing.get(self._build.pythons[0], [])
        # Another Python is useful only if it has versions that the first does not have.
        found = {line for line in self._pinned if line not in first and self._is_pin_available(line)}
        if found or not first:
            found.update(line for line in first if self._is_pin_available(line))
        elif len(first) == len(self._pinned):
            return True
        self._existing[python] = [line for line in self._pinned if line in found]
        return len(found) == len(self._pinned)

    def _ensure_venv(self, python: BasePython, *, is_verbose: bool = False) -> bool:
        """Ensure that the virtual environment is one of this Python, replacing any other; return False on failure."""
        self._python = python
        if self._venv_python == python:
            return True
        self._venv_python = None
        shutil.rmtree(self._folder.venv, ignore_errors=True)
        command = self._build_venv_command(python)
        if self._run(command) if is_verbose else not self._installer.run_silently(command):
            return False
        self._venv_python = python
        return True

    def _build_venv_command(self, python: BasePython) -> list[str]:
        """Return the command that creates the empty virtual environment."""
        if not self._is_uv:
            return [python.python, "-m", "venv", str(self._folder.venv)]
        # A version, not a path: only uv's own Pythons, since those on PATH were considered when the run was planned.
        whose = ["--python-preference", "only-managed"] if python.is_uv_managed else []
        return [self._build.installer, "venv", *whose, "--python", python.python, str(self._folder.venv)]

    def _install_partly_pinned(self, unpinned: Collection[str]) -> InstallResult:
        """Install all requirements with pip, leaving open the versions of those in `unpinned`."""
        if unpinned:
            _print_unpinned(line for line in self._pinned if line in unpinned)
        lines = [remove_version(line) if line in unpinned else line for line in self._build.requirements]
        kept = [line for line in self._pinned if line not in unpinned]
        code = self._run(self._prepare_pip_command(lines, *self._build_only_binary_options(kept))) if lines else 0
        other = "" if self._python == self._build.pythons[0] else str(self._python)
        return InstallResult(code, tuple(line for line in self._pinned if line in unpinned), other)

    def _run(self, command: Sequence[str]) -> int:
        """Run a command and return its exit code; if uv rejects a certificate, retry with the system's certificates."""
        code = self._installer.run(command)
        if (
            code
            and self._is_uv
            and reports_untrusted_certificate(self._installer.last_output)
            and self._installer.trust_system_certificates()
        ):
            print_line("uv does not know who has signed the certificate; it is told to trust whom the system trusts.")
            code = self._installer.run(command)
        return code

    def _is_pin_available(self, line: str) -> bool:
        """Return whether a pinned version can be installed on the current Python, from a wheel or built from source.

        The installer caches it.
        """
        beside = str(self._folder.path / "tried")
        options = ["--no-deps", *self._build_only_binary_options([line])]
        if self._is_uv:
            # With `--no-deps`, uv does not check that the package supports this Python.
            resolves = self._installer.run_silently(
                self._prepare_pip_command([line], *self._build_only_binary_options([line]), "--dry-run")
            )
            return resolves and self._installer.run_silently(
                self._prepare_pip_command([line], *options, "--target", beside)
            )
        return self._installer.run_silently(self._prepare_pip_command([line], *options, "-w", beside, verb="wheel"))

    def _build_only_binary_options(self, lines: Iterable[str]) -> list[str]:
        """Return the options that forbid building packages from source on a Python that was not requested.

        A source distribution for another Python may build but then fail to run.
        """
        return [f"--only-binary={get_package_name(line)}" for line in lines if self._python.only_wheels]

    def _can_resolve_with_pins(self, kept_pins: Collection[str]) -> bool:
        """Return whether all requirements can be installed together, with only some of the pins kept."""
        lines = [
            line if line in kept_pins or line not in self._pinned else remove_version(line)
            for line in self._build.requirements
        ]
        wheels = self._build_only_binary_options(kept_pins)
        if self._is_uv:
            return self._installer.run_silently(self._prepare_pip_command(lines, *wheels, "--dry-run"))
        # pip before 2022 has no dry run.
        return self._installer.run_silently(
            self._prepare_pip_command(lines, *wheels, "-d", str(self._folder.path / "tried"), verb="download")
        )

    def _prepare_pip_command(self, lines: Sequence[str], *options: str, verb: str = "install") -> list[str]:
        """Write a requirements file with these lines; return the pip or uv command that reads it."""
        shutil.rmtree(self._folder.path / "tried", ignore_errors=True)
        text = "".join(f"{line}\n" for line in (*self._build.options, *lines))
        self._folder.requirements.write_text(text, encoding="utf-8")
        python = str(self._folder.interpreter)
        pip = [self._build.installer, "pip"] if self._is_uv else [python, "-m", "pip"]
        whose = ["--python", python] if self._is_uv else []
        # uv reuses its cached build of a folder, even if files have changed, unless the command line names the folder.
        folders = [one for one in self._build.local if not one.is_editable and os.path.isdir(one.path)]
        sources = [one.line for one in folders if one.line in lines]
        return [
            *(*pip, verb, *whose, *options, *self._build_cutoff_options()),
            *(sources if self._is_uv else ()),
            *("-r", str(self._folder.requirements)),
        ]

    def _build_cutoff_options(self) -> list[str]:
        """Return uv's options that exclude versions uploaded after the cutoff, with exemptions for pinned packages."""
        if not self._build.uploaded_before:
            return []
        exemptions = self._exemption_options if self._can_exempt_packages else []
        return ["--exclude-newer", self._build.uploaded_before, *exemptions]

    @cached_property
    def _exemption_options(self) -> list[str]:
        """The options that exempt each pinned package from the cutoff."""
        names = dict.fromkeys(get_package_name(line) for line in self._pinned if pins_single_release(line))
        return [f"--exclude-newer-package={name}={_NO_DAY}" for name in names]

    @cached_property
    def _can_exempt_packages(self) -> bool:
        """True if the installed uv supports exemptions from the cutoff (versions since late 2025)."""
        return "--exclude-newer-package" in self._installer.capture_output(
            [self._build.installer, "pip", "install", "--help"]
        )


def install_with_conda(folder: EnvironmentFolder, build: EnvironmentBuild, installer: Installer) -> InstallResult:
    """Create the environment, install all packages with conda, micromamba or mamba, and return the result.

    If relaxed and not successful, leave open the versions of conda packages, then of Python, then of pip packages.
    """
    pythons = [spec for spec in build.packages if _get_conda_name(spec) == "python"]
    others = [spec for spec in build.packages if spec not in pythons]
    steps = [others, pythons, build.requirements] if build.is_relaxed else []
    code = _create_with_conda(folder, build, installer, set())
    unpinned: set[str] = set()
    for step in steps:
        opened = {line for line in step if _unpin_line(line, build) != line}
        if code == 0 or not opened:
            continue
        unpinned |= opened
        _print_unpinned(line for line in (*build.packages, *build.requirements) if line in unpinned)
        code = _create_with_conda(folder, build, installer, unpinned)
    return InstallResult(code, tuple(line for line in (*build.packages, *build.requirements) if line in unpinned))


def _create_with_conda(
    folder: EnvironmentFolder, build: EnvironmentBuild, installer: Installer, unpinned: Collection[str]
) -> int:
    """Create the environment with conda, leaving the versions of `unpinned` open; return conda's exit code."""
    shutil.rmtree(folder.venv, ignore_errors=True)
    lines = {
        line: _unpin_line(line, build) if line in unpinned else line for line in build.packages + build.requirements
    }
    pip = [*build.options, *(lines[line] for line in build.requirements)]
    document = {
        "channels": list(build.channels),
        "dependencies": [*(lines[spec] for spec in build.packages), *([{"pip": pip}] if pip else [])],
    }
    # JSON is YAML. conda does not expand variables, so the file contains the secrets.
    text = installer.expand_secrets(json.dumps(document, indent=2), escape=lambda secret: json.dumps(secret)[1:-1])
    with folder.write_temporary_secret(folder.conda_file, text):
        return installer.run(_build_conda_command(folder, build))


def _build_conda_command(folder: EnvironmentFolder, build: EnvironmentBuild) -> list[str]:
    """Return the command that creates the environment from its conda file."""
    where = ["-p", str(folder.venv), "-f", str(folder.conda_file)]
    if Path(build.installer).name == "micromamba":
        return [build.installer, "create", *where, "-y"]
    # `conda create` accepts no such file. Not every version of `env create` has -y, so a variable replaces it.
    return [build.installer, "env", "create", *where]


def _unpin_line(line: str, build: EnvironmentBuild) -> str:
    """Return a line of the build's requirements or packages without its version."""
    if line not in build.packages:
        return remove_version(line)
    name = _CONDA_NAME.match(line)
    return line if name is None else name[0]


def _get_conda_name(spec: str) -> str:
    name = _CONDA_NAME.match(spec)
    return "" if name is None else name[0].rpartition(":")[2].lower()


def _print_unpinned(lines: Iterable[str]) -> None:
    """Print that the versions of these requirements are left open."""
    print_line(f"Relaxed: the version is left open of {', '.join(lines)}.")
