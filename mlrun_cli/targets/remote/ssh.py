"""Calls of OpenSSH and rsync, which share one connection to a machine.

The first call makes the connection and leaves it to a process of ssh, which keeps it for some minutes (ControlPersist).
"""

from __future__ import annotations

import os
import shlex
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import IO

from mlrun_cli.core.digests import create_sha256
from mlrun_cli.core.local_folder import get_or_create_base_folder
from mlrun_cli.errors import ProgramNotFound
from mlrun_cli.processes.process import FAMILY_VARIABLE, RUN_ID_VARIABLE, SUPERVISOR_VARIABLE
from mlrun_cli.targets.errors import EngineRefused, EngineUnavailable
from mlrun_cli.targets.remote.settings import RemoteSettings
from mlrun_cli.targets.remote.transient_errors import is_transient_ssh_error

TIMEOUT_SECONDS = 30.0
"""How long a command on the remote machine may take, with the connection."""
_CONNECT_SECONDS = 10
_ALIVE_SECONDS, _ALIVE_COUNT = 5, 3
_COPY_SECONDS = 60
"""How long rsync waits for anything from the other side."""
_PERSIST_SECONDS = 600
_MAX_WORDS = 4000
# The process that keeps the connection must not be found as one of the run that was submitting.
_DROPPED = frozenset({FAMILY_VARIABLE, RUN_ID_VARIABLE, SUPERVISOR_VARIABLE})

_HINTS = {
    "HOST IDENTIFICATION HAS CHANGED": "Ask the owner of the machine; then 'ssh-keygen -R' removes the old key.",
    "Host key verification failed": "Type '{ssh}' once and accept the machine's key, or ask its owner for it.",
    "Permission denied": "See that '{ssh}' works without a question: put your public key there with 'ssh-copy-id', and "
    "a key with a passphrase into ssh-agent with 'ssh-add'.",
    "Could not resolve hostname": "Correct --address, or add the host to ~/.ssh/config.",
    "Connection refused": "See that sshd runs there, and correct --ssh-port.",
}
_DEFAULT_HINT = "See that '{ssh}' works without a question."


class Ssh:
    """Calls of ssh and rsync for one machine, each with a time limit."""

    def __init__(self, settings: RemoteSettings) -> None:
        self._settings = settings

    def run(self, arguments: Sequence[str], *, stdin: str = "", timeout: float = TIMEOUT_SECONDS) -> str:
        """Run a command on the remote machine and return its output.

        Raises:
            EngineRefused: the command failed there; the message is what it said.
            EngineUnavailable: there is no connection, or it did not end in time; the message is ssh's.
            ProgramNotFound: ssh is not installed.
        """
        with tempfile.TemporaryFile() as said:
            process = self.start(arguments, said)
            try:
                output, _ = process.communicate(stdin.encode(), timeout)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
                raise self.close_and_build_timeout_error(timeout) from None
            if process.returncode != 0:
                raise self.build_error(process.returncode, read_error_output(said))
        return output.decode("utf-8", "replace")

    def start(self, arguments: Sequence[str], error_output: IO[bytes]) -> subprocess.Popen[bytes]:
        """Start a command on the remote machine, with pipes as its standard input and output.

        Args:
            arguments: the command.
            error_output: an open file, not a pipe, for the messages of ssh and the command: the process that keeps the
              connection may hold it open.

        Raises:
            ProgramNotFound: ssh is not installed.
        """
        # Whatever the login shell there is, it knows `exec` and single quotes.
        command = [*self._build_command(), "--", self._settings.destination, f"exec {shlex.join(arguments)}"]
        return _start_process(command, error_output, stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def start_copy(
        self, arguments: Sequence[str], error_output: IO[bytes], stdin: IO[bytes] | None = None
    ) -> subprocess.Popen[bytes]:
        """Start rsync with the given options, sources and destination.

        Raises:
            ProgramNotFound: rsync is not installed.
        """
        shell = " ".join(map(_quote_argument, self._build_command()))
        command = ["rsync", "--protect-args", f"--timeout={_COPY_SECONDS}", f"--rsh={shell}", *arguments]
        return _start_process(
            command, error_output, stdin=subprocess.DEVNULL if stdin is None else stdin, stdout=subprocess.DEVNULL
        )

    def copy(self, arguments: Sequence[str], relative_paths: Sequence[str]) -> None:
        """Copy the files at the given relative paths with rsync, and wait for rsync to exit.

        Raises:
            EngineRefused: it failed; the message is what it said.
            EngineUnavailable: there is no connection; the message is ssh's.
            ProgramNotFound: rsync is not installed.
        """
        with tempfile.TemporaryFile() as said, tempfile.TemporaryFile() as names:
            names.write(b"".join(os.fsencode(name) + b"\0" for name in relative_paths))
            names.seek(0)
            process = self.start_copy(["--files-from=-", "--from0", *arguments], said, names)
            try:
                code = process.wait()
            finally:
                if process.poll() is None:
                    process.kill()
                    process.wait()
            if code != 0:
                raise self.build_error(code, read_error_output(said))

    def close(self) -> None:
        """Close the shared connection, even if it hangs; do nothing if there is none."""
        with suppress(OSError, subprocess.SubprocessError):
            subprocess.run(
                [*self._build_command(), "-O", "exit", self._settings.destination],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                timeout=2.0,
                check=False,
            )

    def build_location(self, path: str) -> str:
        """Return a path on the remote machine in the form that rsync expects."""
        address = self._settings.address
        host = f"[{address}]" if ":" in address else address
        return f"{host if self._settings.username is None else f'{self._settings.username}@{host}'}:{path}"

    def get_connect_command(self) -> str:
        """Return the command line that a user would enter to connect to the machine."""
        settings = self._settings
        port = [] if settings.ssh_port is None else ["-p", str(settings.ssh_port)]
        key = [] if settings.private_key_file is None else ["-i", settings.private_key_file]
        options = [word for option in settings.ssh_options for word in ("-o", option)]
        return shlex.join(["ssh", *port, *key, *options, settings.destination])

    def build_error(self, exit_code: int, message: str) -> EngineRefused | EngineUnavailable:
        """Return the error for a failed ssh or rsync command, with its message."""
        hint = next((hint for phrase, hint in _HINTS.items() if phrase in message), None)
        text = message or (f"ssh ended with exit code {exit_code}" if exit_code else "The connection was closed")
        if hint is not None or is_transient_ssh_error(exit_code, text):
            shown = (hint or _DEFAULT_HINT).format(ssh=self.get_connect_command())
            return EngineUnavailable(text, hint=shown, target=self._settings.address)
        return EngineRefused(text, target=self._settings.address)

    def close_and_build_timeout_error(self, timeout_seconds: float) -> EngineUnavailable:
        """Close the connection, as it may be hanging; return the error to raise for a command that timed out."""
        self.close()
        return EngineUnavailable(
            f"{self._settings.address} does not answer: the call was stopped after {timeout_seconds:g} seconds.",
            hint=_DEFAULT_HINT.format(ssh=self.get_connect_command()),
            target=self._settings.address,
        )

    def _build_command(self) -> list[str]:
        settings = self._settings
        values = {
            "BatchMode": "yes",
            "ClearAllForwardings": "yes",
            "ConnectTimeout": str(_CONNECT_SECONDS),
            "ControlMaster": "auto",
            "ControlPath": os.fspath(_ensure_control_path(settings)),
            "ControlPersist": str(_PERSIST_SECONDS),
            "EscapeChar": "none",
            "ForwardAgent": "no",
            "ForwardX11": "no",
            "LogLevel": "ERROR",
            "PermitLocalCommand": "no",
            "RemoteCommand": "none",
            "RequestTTY": "no",
            "ServerAliveCountMax": str(_ALIVE_COUNT),
            "ServerAliveInterval": str(_ALIVE_SECONDS),
        }
        words = ["ssh", *(f"-o{name}={value}" for name, value in values.items())]
        words += [f"-o{option}" for option in settings.ssh_options]
        if settings.ssh_port is not None:
            words.append(f"-p{settings.ssh_port}")
        if settings.private_key_file is not None:
            words += [f"-i{settings.private_key_file}", "-oIdentitiesOnly=yes"]
        return words


def build_environment_variables(environ: Mapping[str, str]) -> dict[str, str]:
    """Return the environment variables for ssh and rsync: `environ` without those that identify a run's processes."""
    return {name: value for name, value in environ.items() if name not in _DROPPED}


def read_error_output(error_output: IO[bytes]) -> str:
    """Return the error output of ssh, rsync or a remote command, without rsync's closing summary lines."""
    error_output.seek(0)
    lines = error_output.read(_MAX_WORDS).decode("utf-8", "replace").splitlines()
    kept = [line.strip() for line in lines if line.strip()]
    own = [line for line in kept if not line.startswith(("rsync error:", "rsync: connection unexpectedly closed"))]
    return "\n".join(own or kept)


def _start_process(
    command: Sequence[str], error_output: IO[bytes], *, stdin: int | IO[bytes], stdout: int
) -> subprocess.Popen[bytes]:
    try:
        # In a session of its own, so that Ctrl-C does not end the connection that others use.
        return subprocess.Popen(
            command,
            stdin=stdin,
            stdout=stdout,
            stderr=error_output,
            env=build_environment_variables(os.environ),
            start_new_session=True,
        )
    except FileNotFoundError:
        raise ProgramNotFound(
            f"'{command[0]}' is not on PATH.",
            hint="Install OpenSSH's client and rsync on this machine.",
            target=command[0],
        ) from None
    except OSError as error:
        raise EngineUnavailable(f"'{command[0]}' cannot be started: {error.strerror}.", target=command[0]) from None


def _ensure_control_path(settings: RemoteSettings) -> Path:
    """Return the socket path of a machine's shared connection, in a private folder that is created if missing."""
    folder = get_or_create_base_folder() / "ssh"
    folder.mkdir(mode=0o700, exist_ok=True)
    # The configuration of ssh, which says what the address means, is in the user's home.
    home = os.environ.get("HOME", "")
    parts = (home, settings.destination, str(settings.ssh_port), str(settings.private_key_file), *settings.ssh_options)
    digest: str = create_sha256("\0".join(parts).encode("utf-8", "surrogateescape")).hexdigest()
    return folder / digest[:12]


def _quote_argument(argument: str) -> str:
    """Quote an argument for rsync, which understands quotes but not backslashes."""
    quote = '"' if "'" in argument else "'"
    return f"{quote}{argument}{quote}"
