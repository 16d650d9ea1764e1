"""Services that run a command when this machine boots: a systemd user unit or a line of the crontab."""

from __future__ import annotations

import hashlib
import os
import shlex
import subprocess
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Protocol

from mlrun_cli.errors import FileNotWritable, MlrunError, ProgramNotFound

_TIMEOUT_SECONDS = 20.0
_UNIT = """\
# Written by 'mlrun service install', removed by 'mlrun service remove'.
[Unit]
Description=Queues of mlrun in {home}

[Service]
Type=oneshot
RemainAfterExit=yes
# What it starts lives on.
KillMode=process
{environment}
ExecStart={command}

[Install]
WantedBy=default.target
"""


class BootService(Protocol):
    """A service that runs a command at boot; each kind has at most one command per home."""

    kind: str
    where: str

    def render(self) -> str:
        """Return the text of the unit file or the crontab line."""

    def is_installed(self) -> bool:
        """Return whether the service is installed for this home."""

    def install(self) -> tuple[str, ...]:
        """Install the service, replacing any other; return instructions for the user's remaining steps.

        Raises:
            MlrunError: that fails.
        """

    def remove(self) -> bool:
        """Remove the service; return whether it existed.

        Raises:
            MlrunError: that fails.
        """


class SystemdUnit:
    """A unit of the user's systemd instance."""

    kind = "systemd"

    def __init__(self, home: Path, command: Sequence[str], variables: Mapping[str, str]) -> None:
        self._home = home
        self._command = command
        self._variables = variables
        self._name = f"mlrun-{_compute_home_key(home)}.service"
        folder = Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config")
        self._path = folder / "systemd" / "user" / self._name
        self.where = str(self._path)

    @staticmethod
    def is_usable() -> bool:
        """Return whether the user has a running systemd instance."""
        return _capture_output("systemctl", "--user", "show-environment") is not None

    def render(self) -> str:
        """Return the content of the unit file."""
        variables = "\n".join(
            f"Environment={_quote_word(f'{name}={value}')}" for name, value in self._variables.items()
        )
        command = " ".join(map(_quote_word, self._command)).replace("$", "$$")
        return _UNIT.format(home=_escape_specifiers(str(self._home)), environment=variables, command=command)

    def is_installed(self) -> bool:
        """Return whether the unit file exists."""
        return self._path.exists()

    def install(self) -> tuple[str, ...]:
        """Write and enable the unit; return a note if it starts only when the user first logs in."""
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            self._path.write_text(self.render(), encoding="utf-8")
        except OSError as error:
            raise _build_write_error(self._path, error) from error
        _run_or_raise("systemctl", "--user", "daemon-reload")
        _run_or_raise("systemctl", "--user", "enable", self._name)
        if _capture_output("loginctl", "enable-linger") is not None:
            return ()
        return ("It starts at your first login after a reboot; for the boot itself: sudo loginctl enable-linger $USER",)

    def remove(self) -> bool:
        """Disable the unit and remove its file; return whether it existed."""
        if not self.is_installed():
            return False
        _capture_output("systemctl", "--user", "disable", self._name)
        try:
            self._path.unlink(missing_ok=True)
        except OSError as error:
            raise _build_write_error(self._path, error) from error
        _capture_output("systemctl", "--user", "daemon-reload")
        return True


class CronLine:
    """An `@reboot` line in the user's crontab, identified by the comment at its end."""

    kind = "crontab"
    where = "crontab -l"

    def __init__(self, home: Path, command: Sequence[str], variables: Mapping[str, str]) -> None:
        self._mark = f"# mlrun-{_compute_home_key(home)}"
        self._command = command
        self._variables = variables

    def render(self) -> str:
        """Return the crontab line."""
        words = [*(f"{name}={shlex.quote(value)}" for name, value in self._variables.items())]
        # A percent sign ends the command, for cron.
        line = " ".join([*words, *map(shlex.quote, self._command)]).replace("%", "\\%")
        return f"@reboot {line} {self._mark}\n"

    def is_installed(self) -> bool:
        """Return whether the crontab contains the line."""
        return any(self._is_own_line(line) for line in self._read_lines())

    def install(self) -> tuple[str, ...]:
        """Add the line to the crontab, replacing an existing one; return no instructions."""
        self._write_crontab([*(line for line in self._read_lines() if not self._is_own_line(line)), self.render()])
        return ()

    def remove(self) -> bool:
        """Remove only this line from the crontab; return whether it existed."""
        lines = self._read_lines()
        others = [line for line in lines if not self._is_own_line(line)]
        if len(others) < len(lines):
            self._write_crontab(others)
        return len(others) < len(lines)

    def _is_own_line(self, line: str) -> bool:
        return line.rstrip().endswith(self._mark)

    def _read_lines(self) -> list[str]:
        """Return the lines of the crontab, or none if there is no crontab or the program is missing."""
        return (_capture_output("crontab", "-l") or "").splitlines(keepends=True)

    def _write_crontab(self, lines: Sequence[str]) -> None:
        text = "".join(line if line.endswith("\n") else f"{line}\n" for line in lines)
        _run_or_raise("crontab", "-", input_text=text)


def list_boot_services(
    home: Path, command: Sequence[str], variables: Mapping[str, str]
) -> tuple[BootService, BootService]:
    """Return the boot services of both kinds, starting with the preferred one for this machine."""
    unit, line = SystemdUnit(home, command, variables), CronLine(home, command, variables)
    return (unit, line) if SystemdUnit.is_usable() else (line, unit)


def _compute_home_key(home: Path) -> str:
    """Return a short hash of a home's path, for use in unit names."""
    return hashlib.sha256(os.fsencode(home)).hexdigest()[:8]


def _escape_specifiers(text: str) -> str:
    """Escape systemd's specifiers in a string."""
    return text.replace("%", "%%")


def _quote_word(text: str) -> str:
    """Quote a word for a unit file."""
    escaped = _escape_specifiers(text).replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'


def _capture_output(*command: str, input_text: str | None = None) -> str | None:
    """Run a program and return its standard output, or None if it is missing or fails."""
    with suppress(OSError, subprocess.SubprocessError):
        return _run_program(command, input_text).stdout
    return None


def _run_or_raise(*command: str, input_text: str | None = None) -> None:
    """Run a program; raise an error that shows its output if it is missing or fails."""
    try:
        _run_program(command, input_text)
    except FileNotFoundError as error:
        raise ProgramNotFound(
            f"'{command[0]}' is not installed on this machine, and you have no systemd instance of your own.",
            hint="Install cron, or have this machine call 'mlrun service start' at boot in another way.",
            target=command[0],
        ) from error
    except (OSError, subprocess.SubprocessError) as error:
        said = getattr(error, "stderr", None) or error
        raise MlrunError(f"'{' '.join(command)}' failed: {str(said).strip()}") from error


def _run_program(command: Sequence[str], input_text: str | None) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command, input=input_text or "", capture_output=True, encoding="utf-8", timeout=_TIMEOUT_SECONDS, check=True
    )


def _build_write_error(path: Path, error: OSError) -> MlrunError:
    return FileNotWritable(path, error, hint="Check its folder's permissions ('ls -l').")
