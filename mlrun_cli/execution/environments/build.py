"""Builds a planned environment, once, however many runs ask for it at the same time."""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from mlrun_cli.domain.environment import Builder, EnvironmentBuild
from mlrun_cli.execution.environments.folder import EnvironmentFolder
from mlrun_cli.execution.environments.requirements import SECRET_PREFIX

# They would make an installer read or fill another place than the new environment.
_NOT_FOR_INSTALLERS = frozenset({
    "PYTHONPATH", "PYTHONHOME", "PYTHONUSERBASE", "VIRTUAL_ENV", "CONDA_PREFIX", "__PYVENV_LAUNCHER__",
    "PIP_TARGET", "PIP_PREFIX", "PIP_ROOT", "PIP_PYTHON", "PIP_REQUIREMENT", "PIP_EDITABLE", "PIP_DRY_RUN",
    "UV_SYSTEM_PYTHON", "UV_PYTHON", "UV_BREAK_SYSTEM_PACKAGES", "UV_WORKING_DIRECTORY",
})  # fmt: skip
_FOR_INSTALLERS = {
    "PYTHONNOUSERSITE": "1",
    "PIP_USER": "0",
    "PIP_NO_INPUT": "1",
    "PIP_DISABLE_PIP_VERSION_CHECK": "1",
    "PIP_PROGRESS_BAR": "off",
    "UV_NO_PROGRESS": "1",
    "NO_COLOR": "1",
    "GIT_TERMINAL_PROMPT": "0",
}
# What pip is told by variables holds for uv too, unless its own variable says otherwise.
_PIP_TO_UV = {
    "PIP_INDEX_URL": "UV_DEFAULT_INDEX",
    "PIP_EXTRA_INDEX_URL": "UV_INDEX",
    "PIP_FIND_LINKS": "UV_FIND_LINKS",
    "PIP_NO_INDEX": "UV_NO_INDEX",
    "PIP_CONSTRAINT": "UV_CONSTRAINT",
    "PIP_CERT": "SSL_CERT_FILE",
    "PIP_TRUSTED_HOST": "UV_INSECURE_HOST",
}


def build_environment(build: EnvironmentBuild, environ: Mapping[str, str]) -> int:
    """Build the environment unless it stands; returns 0, or what the failed installer returned.

    What the installer prints goes to stdout, without secrets. Killed at any point, it leaves a folder
    that is not complete, which the next one clears away.

    Raises:
        OSError: the folder cannot be written, or is on a file system without locks.
    """
    folder = EnvironmentFolder(Path(build.folder))
    folder.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with _held(folder.lock) as lock:
        if folder.is_complete():
            _say(f"Environment {build.key} is ready.")
            return 0
        installer = _Installer(environ, folder, lock)
        try:
            code = _fill(folder, build, installer)
        except OSError:
            shutil.rmtree(folder.path, ignore_errors=True)
            raise
        if code:
            # Frees the disk, and leaves the installer's words the last ones.
            shutil.rmtree(folder.path, ignore_errors=True)
            return code
        folder.record_complete(build.to_json())
        _say(f"Environment {build.key} is ready.")
        return 0


def _fill(folder: EnvironmentFolder, build: EnvironmentBuild, installer: _Installer) -> int:
    """Make the virtual environment and install into it; what is in it is listed in `installed.txt`."""
    if folder.path.exists():
        shutil.rmtree(folder.path)
    folder.path.mkdir(mode=0o700)
    lines = [*build.options, *build.requirements]
    folder.requirements.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    _say(f"Building environment {build.key} with {build.builder.value} for Python {build.python}")
    for line in lines:
        _say(f"  {line}")
    make, install, freeze = _commands(folder, build)
    for command in (make, install) if build.requirements else (make,):
        code = installer.run(command)
        if code:
            return code
    installed = installer.output(freeze)
    folder.installed.write_text(installed, encoding="utf-8")
    return 0


def _commands(folder: EnvironmentFolder, build: EnvironmentBuild) -> tuple[list[str], list[str], list[str]]:
    """What makes the virtual environment, installs into it and lists what is there."""
    venv, python, requirements = str(folder.venv), str(folder.interpreter), str(folder.requirements)
    if build.builder is Builder.PIP:
        pip = [python, "-m", "pip"]
        return [build.python, "-m", "venv", venv], [*pip, "install", "-r", requirements], [*pip, "freeze"]
    uv = build.installer
    # A version, not a path: only uv's own, since others on PATH were looked at when the run was planned.
    whose = [] if Path(build.python).is_absolute() else ["--python-preference", "only-managed"]
    return (
        [uv, "venv", *whose, "--python", build.python, venv],
        [uv, "pip", "install", "--python", python, "-r", requirements],
        [uv, "pip", "freeze", "--python", python],
    )


class _Installer:
    """Runs one command of uv or pip after the other, in the same surroundings."""

    def __init__(self, environ: Mapping[str, str], folder: EnvironmentFolder, lock: int) -> None:
        self._environment = installer_environment(environ, folder.path.parent)
        self._secrets = [value for name, value in environ.items() if name.startswith(SECRET_PREFIX)]
        self._folder = folder.path
        # Who inherits the lock holds it: if this process alone is killed, none builds beside its installer.
        self._lock = lock

    def run(self, command: Sequence[str]) -> int:
        """Pass on what it prints, line by line; returns its exit code, or 128 + the signal that ended it."""
        with self._started(command, subprocess.STDOUT) as process:
            for line in process.stdout or ():
                sys.stdout.write(self._without_secrets(line))
                sys.stdout.flush()
        return process.returncode if process.returncode >= 0 else 128 - process.returncode

    def output(self, command: Sequence[str]) -> str:
        """What it prints on stdout; its stderr is dropped."""
        with self._started(command, subprocess.DEVNULL) as process:
            return self._without_secrets(process.stdout.read() if process.stdout else "")

    def _started(self, command: Sequence[str], stderr: int) -> subprocess.Popen[str]:
        return subprocess.Popen(
            command,
            cwd=self._folder,
            env=self._environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=stderr,
            encoding="utf-8",
            errors="replace",
            pass_fds=[self._lock],
        )

    def _without_secrets(self, text: str) -> str:
        for secret in self._secrets:
            text = text.replace(secret, "***")
        return text


def installer_environment(environ: Mapping[str, str], folder: Path) -> dict[str, str]:
    """The user's variables, as far as they may reach an installer that fills a place under `folder`."""
    inherited = {name: value for name, value in environ.items() if name not in _NOT_FOR_INSTALLERS}
    for_uv = {
        ours: inherited[pips].replace(" ", ",") if ours == "UV_FIND_LINKS" else inherited[pips]
        for pips, ours in _PIP_TO_UV.items()
        if inherited.get(pips) and ours not in inherited
    }
    # All indexes are equal, as for pip: files written for it name the same package on several.
    for_uv["UV_INDEX_STRATEGY"] = inherited.get("UV_INDEX_STRATEGY", "unsafe-best-match")
    if _device(_uv_cache(inherited)) != _device(folder):
        for_uv["UV_LINK_MODE"] = inherited.get("UV_LINK_MODE", "copy")
    return inherited | for_uv | _FOR_INSTALLERS


def _uv_cache(environ: Mapping[str, str]) -> Path:
    if environ.get("UV_CACHE_DIR"):
        return Path(environ["UV_CACHE_DIR"])
    return Path(environ.get("XDG_CACHE_HOME") or Path(environ.get("HOME", "/"), ".cache"), "uv")


def _device(path: Path) -> int:
    """The file system that a path is on, or will be on once it is made."""
    return next(place.stat().st_dev for place in (path, *path.absolute().parents) if place.exists())


@contextmanager
def _held(path: Path) -> Iterator[int]:
    lock = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            _say("Another run is building this environment; waiting for it.")
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield lock
    finally:
        os.close(lock)


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()
