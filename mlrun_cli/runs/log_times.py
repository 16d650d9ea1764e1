"""The times of the lines in a run's logs: marks with the size of each growing log, about one per second.

    journal/<file name of the log>.times    records of two 64-bit integers: microseconds, and the size in bytes

A byte of a log was written before the first mark whose size includes it, and not long before.
"""

from __future__ import annotations

import os
import struct
from array import array
from bisect import bisect_left, bisect_right
from contextlib import suppress
from pathlib import Path

from mlrun_cli.core.time import now
from mlrun_cli.runs.folder import RunFolder

_MARK = struct.Struct("=qq")


class LogTimeRecorder:
    """A writer of marks for all logs of a run; it ignores errors, since a full disk must not end the run."""

    def __init__(self, folder: RunFolder) -> None:
        self._folder = folder
        self._logs = [os.fspath(folder.environment_log.parent), os.fspath(folder.stdout.parent)]
        self._environment_log = folder.environment_log.name
        self._marks: dict[str, _MarkFile] = {}
        with suppress(OSError):
            os.close(os.open(folder.log_times, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600))

    def record(self) -> None:
        """Mark the current size of each log that has grown since the last call."""
        moment = now()
        for number, folder in enumerate(self._logs):
            with suppress(OSError), os.scandir(folder) as entries:
                for entry in entries:
                    if number or entry.name == self._environment_log:
                        self._add_mark(entry.name, entry.stat(follow_symlinks=False).st_size, moment)

    def _add_mark(self, log_name: str, log_size: int, timestamp: int) -> None:
        marks = self._marks.get(log_name)
        if marks is None:
            marks = self._marks[log_name] = _MarkFile(os.fspath(self._folder.get_log_times_path(log_name)))
        marks.add(timestamp, log_size)


class _MarkFile:
    """The file with the marks of a log."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._time, self._size, self._count = 0, 0, 0
        with suppress(OSError), open(path, "rb") as file:
            self._count = os.fstat(file.fileno()).st_size // _MARK.size
            if self._count:
                file.seek((self._count - 1) * _MARK.size)
                self._time, self._size = _MARK.unpack(file.read(_MARK.size))

    def add(self, timestamp: int, size: int) -> None:
        """Add a mark if the size has changed; if the log was truncated, remove all earlier marks."""
        if size == self._size:
            return
        is_cut = size < self._size
        descriptor = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            if is_cut:
                os.ftruncate(descriptor, 0)
                self._count = 0
            time = max(timestamp, self._time)  # the clock may have been set back
            # By position: a mark that a full disk has cut is written anew.
            if os.pwrite(descriptor, _MARK.pack(time, size), self._count * _MARK.size) == _MARK.size:
                self._time, self._size, self._count = time, size, self._count + 1
        finally:
            os.close(descriptor)


class LogTimes:
    """The marks of a log."""

    def __init__(self, path: Path) -> None:
        """Initialize an empty list of marks, which `update` fills."""
        self._path = path
        self._times = array("q")
        self._sizes = array("q")

    def update(self) -> None:
        """Read the marks added since the last call."""
        with suppress(OSError), open(self._path, "rb") as file:
            file.seek(len(self._times) * _MARK.size)
            added = file.read()
            numbers = array("q", added[: len(added) // _MARK.size * _MARK.size])
            self._times += numbers[::2]
            self._sizes += numbers[1::2]

    def get_offset(self, since: int) -> int:
        """Return the offset of the log's first byte written at or after a time, as precisely as the marks allow.

        What follows the last mark counts as newer than any time before the last mark.
        """
        number = bisect_left(self._times, since)
        return self._sizes[number - 1] if number else 0

    def find_time(self, offset: int) -> int | None:
        """Return the time of the first mark that includes the byte at an offset; None if no mark includes it yet."""
        number = bisect_right(self._sizes, offset)
        return self._times[number] if number < len(self._sizes) else None
