"""A session with the program on the remote machine, over one channel of the ssh connection."""

from __future__ import annotations

import subprocess
import tempfile
from collections.abc import Mapping
from contextlib import suppress
from types import TracebackType
from typing import Any

from mlrun_cli.core.message_channel import Message, MessageChannel
from mlrun_cli.errors import MlrunError
from mlrun_cli.targets.errors import EngineUnavailable
from mlrun_cli.targets.remote.settings import RemoteSettings
from mlrun_cli.targets.remote.ssh import TIMEOUT_SECONDS, Ssh, read_error_output
from mlrun_cli.targets.remote.transient_errors import is_transient_ssh_error

_END_SECONDS = 2.0


class ProgramNotThere(MlrunError):
    """The remote machine lacks a complete copy of this package, or the given Python interpreter."""


class RequestFailed(EngineUnavailable):
    """The program on the remote machine could not fulfil a request, such as on a full disk, but still runs."""


class NodeSession:
    """An open session; any error except `RequestFailed` closes it."""

    def __init__(self, ssh: Ssh, settings: RemoteSettings, program: str) -> None:
        """Start the program on the remote machine.

        Args:
            ssh: the connection.
            settings: the settings of the target.
            program: the folder of the copy of this package there.

        Raises:
            EngineUnavailable: there is no connection.
            ProgramNotThere: the program cannot be started there.
            ProgramNotFound: ssh is not installed on this machine.
        """
        self._ssh = ssh
        self._said = tempfile.TemporaryFile()  # noqa: SIM115 - open as long as the process lives
        words = [settings.python, "-E", f"{program}/mlrun_cli/node/remote/__main__.py", "serve", settings.folder]
        try:
            self._process = ssh.start(words, self._said)
        except BaseException:
            self._said.close()
            raise
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._channel = MessageChannel(self._process.stdout.fileno(), self._process.stdin.fileno())
        try:
            self._channel.wait_for_greeting(TIMEOUT_SECONDS)
        except (OSError, ValueError) as error:
            raise self._close_after_error(error, is_starting=True) from error

    def __enter__(self) -> NodeSession:
        return self

    def __exit__(self, _k: type[BaseException] | None, _e: BaseException | None, _t: TracebackType | None) -> None:
        self.close()

    def request(
        self, request_name: str, document: Mapping[str, Any], payload: bytes = b"", *, timeout: float = TIMEOUT_SECONDS
    ) -> Message:
        """Send a request and return the response.

        Raises:
            EngineUnavailable: there is none; the request may have been carried out.
            RequestFailed: it could not be carried out.
        """
        try:
            self._channel.send({**document, "request": request_name}, payload, timeout=timeout)
            answer = self._channel.receive(timeout=timeout)
        except (OSError, ValueError) as error:
            raise self._close_after_error(error) from error
        if "error" in answer.document:
            raise RequestFailed(f"The remote machine could not do it: {answer.document['error']}")
        return answer

    def close(self) -> None:
        """End the session, but keep the ssh connection."""
        for pipe in (self._process.stdin, self._process.stdout):
            assert pipe is not None
            with suppress(OSError):
                pipe.close()
        try:
            self._process.wait(_END_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._said.close()

    def _close_after_error(self, error: Exception, *, is_starting: bool = False) -> MlrunError:
        """Close the session after an error and return the error to raise, with ssh's message if there is one."""
        if isinstance(error, TimeoutError):
            silence = self._ssh.close_and_build_timeout_error(TIMEOUT_SECONDS)
            self._process.kill()
            self.close()
            return silence
        try:
            code = self._process.wait(_END_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            code = self._process.wait()
        words = read_error_output(self._said)
        self.close()
        if is_starting and code > 0 and not is_transient_ssh_error(code, words):
            return ProgramNotThere(words or f"The program there ended with exit code {code}.")
        found = self._ssh.build_error(code, words)
        return found if isinstance(found, EngineUnavailable) else EngineUnavailable(found.message)
