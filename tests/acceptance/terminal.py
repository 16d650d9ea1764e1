"""A pseudo-terminal with a command in its foreground."""

from __future__ import annotations

import fcntl
import os
import select
import struct
import subprocess
import termios
import time
from collections.abc import Sequence
from contextlib import suppress

from tests.running import Mlrun

_TIMEOUT_SECONDS = 180.0


class Terminal:
    """Starts a command as a session leader whose standard streams are this terminal.

    Attributes:
        output: all that has been shown so far.
    """

    def __init__(
        self,
        mlrun: Mlrun,
        command: Sequence[str | os.PathLike[str]],
        *,
        columns: int = 80,
        stdout: int | None = None,
    ) -> None:
        self._screen, inner = os.openpty()
        fcntl.ioctl(inner, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
        self.output = ""
        self.process = subprocess.Popen(
            # A shell that starts the tests in the background has them, and what they start, ignore Ctrl-C.
            ["setsid", "--ctty", "env", "--default-signal=INT", *command],
            cwd=mlrun.folder,
            env={**mlrun.environment, "TERM": "xterm-256color"},
            stdin=inner,
            stdout=inner if stdout is None else stdout,
            stderr=inner,
        )
        os.close(inner)

    def type(self, text: str) -> None:
        r"""Press keys; `\x03` is Ctrl-C."""
        os.write(self._screen, text.encode())

    def wait_for(self, text: str) -> None:
        """Wait until a text has been shown."""
        deadline = time.monotonic() + _TIMEOUT_SECONDS
        while text not in self.output:
            assert time.monotonic() < deadline, self.output
            assert self._read(0.2) or text in self.output, self.output

    def wait(self) -> int:
        """Wait for the command to end, and return its exit code."""
        deadline = time.monotonic() + _TIMEOUT_SECONDS
        while self._read(0.2):
            assert time.monotonic() < deadline, self.output
        return self.process.wait(_TIMEOUT_SECONDS)

    def close(self) -> None:
        """Close the terminal."""
        with suppress(ProcessLookupError):
            self.process.kill()
        self.process.wait()
        os.close(self._screen)

    def __enter__(self) -> Terminal:
        return self

    def __exit__(self, *_error: object) -> None:
        self.close()

    def _read(self, seconds: float) -> bool:
        """Read what is shown within a time; return False if the other side has closed."""
        if not select.select([self._screen], [], [], seconds)[0]:
            return True
        try:
            piece = os.read(self._screen, 1 << 16)
        except OSError:  # EIO: nobody has the terminal open any more
            return False
        self.output += piece.decode("utf-8", "replace").replace("\r\n", "\n")
        return bool(piece)
