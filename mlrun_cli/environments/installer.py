"""A runner of the programs that build environments, in a clean environment and without secrets in the log."""

from __future__ import annotations

import re
import subprocess
import sys
from collections import deque
from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path
from signal import Signals

from mlrun_cli.core.log_tail import remove_styles
from mlrun_cli.core.redaction import LEAST_LETTERS, REDACTED, Redactor, build_alternation
from mlrun_cli.environments.placeholders import SECRET_PREFIX

# They would make an installer read from or install into another location than the new environment.
_NOT_FOR_INSTALLERS = frozenset({
    "PYTHONPATH", "PYTHONHOME", "PYTHONUSERBASE", "VIRTUAL_ENV", "CONDA_PREFIX", "__PYVENV_LAUNCHER__",
    "PIP_TARGET", "PIP_PREFIX", "PIP_ROOT", "PIP_PYTHON", "PIP_REQUIREMENT", "PIP_EDITABLE", "PIP_DRY_RUN",
    "UV_SYSTEM_PYTHON", "UV_PYTHON", "UV_BREAK_SYSTEM_PACKAGES", "UV_WORKING_DIRECTORY",
    # Some programs that installers run prefer these to NO_COLOR; notebook kernels set them.
    "FORCE_COLOR", "CLICOLOR", "CLICOLOR_FORCE", "PY_COLORS", "PYCHARM_HOSTED", "CARGO_TERM_COLOR",
})  # fmt: skip
_FOR_INSTALLERS = {
    "PYTHONNOUSERSITE": "1",
    "PIP_USER": "0",
    "PIP_NO_INPUT": "1",
    "PIP_DISABLE_PIP_VERSION_CHECK": "1",
    "PIP_PROGRESS_BAR": "off",
    "UV_NO_PROGRESS": "1",
    "NO_COLOR": "1",
    "PYTHON_COLORS": "0",
    "TERM": "dumb",
    "GIT_TERMINAL_PROMPT": "0",
    "CONDA_ALWAYS_YES": "true",
    "MAMBA_ALWAYS_YES": "true",
}
# uv has its own list of trusted issuers unless one of these is set; the second is the name before 2026.
_TRUST_AS_SYSTEM = {"UV_SYSTEM_CERTS": "true", "UV_NATIVE_TLS": "true"}

_BEFORE_SECRET = rf"://|[?&]\w+=|{SECRET_PREFIX}\d+\W+"
"""The text that precedes a secret in a URL or in a list of variables."""
_LINES_KEPT = 200
_BETWEEN_WORDS = r"""[;&|()\[\]'"\\\n]+"""
"""Characters that a shell or a list may put around a secret, and that separate parts of it."""


class Installer:
    """A runner of installers (uv, pip, conda, a container engine) with a fixed folder and environment variables."""

    def __init__(self, environ: Mapping[str, str], folder: Path, *locks: int) -> None:
        self._environment = build_installer_variables(environ, folder)
        self._secrets = {name: value for name, value in environ.items() if name.startswith(SECRET_PREFIX)}
        self._secret = _compile_secret_pattern(self._secrets.values())
        self._redactor = Redactor.from_environment(environ)
        self._folder = folder
        # A child process that inherits a lock holds it, so that no other build starts while the installer still runs.
        self._locks = locks
        self._last_lines: deque[str] = deque(maxlen=_LINES_KEPT)

    @property
    def last_output(self) -> str:
        """The last lines that the last command printed."""
        return "".join(self._last_lines)

    def run(self, command: Sequence[str], *, redacts_names: bool = False) -> int:
        """Run a command, print its output without secrets, and return its exit code, or 128 + the signal number.

        `redacts_names` also hides values that follow the name of a secret, for commands that print a Dockerfile.
        """
        hidden = self._redactor.redact_value if redacts_names else self._redactor.redact_text
        is_silent = True
        self._last_lines.clear()
        with self._start(command, subprocess.STDOUT) as process:
            for line in process.stdout or ():
                is_silent = is_silent and not line.strip()
                shown = hidden(self._redact_secrets(remove_styles(line)))
                self._last_lines.append(shown)
                sys.stdout.write(shown)
                sys.stdout.flush()
        name, code = Path(command[0]).name, process.returncode
        if code > 0 and is_silent:
            print_line(f"Error: {name} ended with exit code {code} and printed nothing.")
        if code >= 0:
            return code
        print_line(f"Error: {name} was ended by {Signals(-code).name}.")
        return 128 - code

    def set_variables(self, variables: Mapping[str, str]) -> None:
        """Set environment variables for all later commands."""
        self._environment |= variables

    def trust_system_certificates(self) -> bool:
        """Make uv trust the system's certificates from now on; return False if the variables already configure this."""
        if not self._environment.keys().isdisjoint(_TRUST_AS_SYSTEM):
            return False
        self.set_variables(_TRUST_AS_SYSTEM)
        return True

    def capture_output(self, command: Sequence[str]) -> str:
        """Run a command and return its stdout, with secrets redacted; stderr is discarded."""
        with self._start(command, subprocess.DEVNULL) as process:
            return self._redactor.redact_text(self._redact_secrets(process.stdout.read() if process.stdout else ""))

    def run_silently(self, command: Sequence[str]) -> bool:
        """Run a command, discard its output, and return whether it exited with code 0."""
        with self._start(command, subprocess.DEVNULL) as process:
            if process.stdout is not None:
                process.stdout.read()
        return process.returncode == 0

    def expand_secrets(self, text: str, *, escape: Callable[[str], str] = str) -> str:
        """Return text with placeholders replaced with the secrets, each escaped by the function `escape`."""
        for name, secret in self._secrets.items():
            text = text.replace(f"${{{name}}}", escape(secret))
        return text

    def _start(self, command: Sequence[str], stderr: int) -> subprocess.Popen[str]:
        """Start a command in the folder of the environment, with its stdout in a pipe."""
        return subprocess.Popen(
            command,
            cwd=self._folder,
            env=self._environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=stderr,
            encoding="utf-8",
            errors="replace",
            pass_fds=self._locks,
        )

    def _redact_secrets(self, text: str) -> str:
        return self._secret.sub(lambda found: f"{found['before'] or ''}{REDACTED}", text)


def _compile_secret_pattern(secrets: Collection[str]) -> re.Pattern[str]:
    """Return a pattern that matches secrets and their parts; short ones only match where secrets are expected."""
    whole = {part for secret in secrets for part in (secret, secret.partition(":")[2])}
    parts = {part.strip() for secret in secrets for part in re.split(_BETWEEN_WORDS, secret)}
    telling = {part for part in whole if ":" in part} | {part for part in whole | parts if len(part) >= LEAST_LETTERS}
    return re.compile(f"(?P<before>{_BEFORE_SECRET})(?:{build_alternation(secrets)})|{build_alternation(telling)}")


def build_installer_variables(environ: Mapping[str, str], folder: Path) -> dict[str, str]:
    """Return an installer's environment variables: the user's, except interfering ones, and additional settings."""
    inherited = {name: value for name, value in environ.items() if name not in _NOT_FOR_INSTALLERS}
    # All indexes are equal, as in pip: requirements written for pip may have the same package on several indexes.
    for_uv = {"UV_INDEX_STRATEGY": inherited.get("UV_INDEX_STRATEGY", "unsafe-best-match")}
    if _get_device(_get_uv_cache_folder(inherited)) != _get_device(folder):
        for_uv["UV_LINK_MODE"] = inherited.get("UV_LINK_MODE", "copy")
    return inherited | for_uv | _FOR_INSTALLERS


def _get_uv_cache_folder(environ: Mapping[str, str]) -> Path:
    if environ.get("UV_CACHE_DIR"):
        return Path(environ["UV_CACHE_DIR"])
    return Path(environ.get("XDG_CACHE_HOME") or Path(environ.get("HOME", "/"), ".cache"), "uv")


def _get_device(path: Path) -> int:
    """Return the device number of a path or, if it does not exist yet, of its nearest existing ancestor."""
    return next(place.stat().st_dev for place in (path, *path.absolute().parents) if place.exists())


def print_line(line: str) -> None:
    """Print a line to the build's log, escaping bytes of paths that are not UTF-8."""
    sys.stdout.write(f"{line}\n".encode("utf-8", "backslashreplace").decode("utf-8"))
    sys.stdout.flush()


def print_files_changed_error(path: str) -> None:
    """Print an error that the files at a path have changed since the build was planned."""
    print_line(f"Error: {path} has changed since the run was submitted; submit it again.")
