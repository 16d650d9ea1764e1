"""The standard input of a streamed script: a pipe in its run's folder, filled by the streaming command."""

from __future__ import annotations

import os
import sys
import threading
from contextlib import suppress
from pathlib import Path

from mlrun_cli.wire.background_threads import start_background_thread

_CHUNK_BYTES = 1 << 16


class ScriptInput:
    """The streaming command's end of the pipe, opened before the run can start, so that its input does not end early.

    Data written before the script opens its end waits in the pipe. The script's input ends when this process dies or
    when its own standard input ends.
    """

    def __init__(self, path: Path) -> None:
        """Create the pipe.

        Raises:
            OSError: it cannot be created.
        """
        self._path = path
        os.mkfifo(path, 0o600)
        self._reader = os.open(path, os.O_RDONLY | os.O_NONBLOCK)  # without one, there is nothing to write to
        self._writer = os.open(path, os.O_WRONLY)
        self._has_reader = threading.Event()

    def start_copying(self) -> None:
        """Start a thread that copies this process's standard input into the pipe."""
        start_background_thread(self._copy_input)

    def close_read_end(self) -> None:
        """Close this process's read end of the pipe, so that the copying thread stops when the script ends."""
        if not self._has_reader.is_set():
            os.close(self._reader)
            self._has_reader.set()

    def close(self) -> None:
        """Remove the pipe, so that a script that starts later has no input."""
        self._path.unlink(missing_ok=True)

    def _copy_input(self) -> None:
        # Not through `sys.stdin.buffer`: an interpreter that exits would wait for the lock of the reading thread.
        with suppress(OSError):
            source = sys.stdin.fileno()
            while data := os.read(source, _CHUNK_BYTES):
                while data:
                    data = data[os.write(self._writer, data) :]
        self._has_reader.wait()
        os.close(self._writer)


def open_script_input(path: Path) -> int:
    """Open the script's end of the pipe, or the null device if the run is no longer streamed; return the descriptor."""
    try:
        reader = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except FileNotFoundError:
        return os.open(os.devnull, os.O_RDONLY | os.O_CLOEXEC)
    os.set_blocking(reader, True)
    return reader
