"""Requests of a script that refer to files of its run, which are copied along with the request and the response."""

from __future__ import annotations

import json
from typing import Any

from mlrun_cli.targets.remote.run_copy import CopyKind


class ForwardedRequests:
    """The requests that a run on the remote machine has sent.

    One that names no files of the run is ready at once. Another is ready once a copy of the working folder, which
    started after it had arrived, is complete; its response is sent once what was written meanwhile was copied back.
    """

    def __init__(self, folder: str) -> None:
        """Create an empty collection; `folder` is the run's folder on the remote machine."""
        self._folder = json.dumps(folder)[1:-1].encode()
        self._arrived: dict[str, bytearray] = {}
        self._copying: dict[str, int] = {}
        """The sizes of the arrived requests, by journal, that the copy in progress is for."""
        self._copied: dict[str, int] = {}
        self._open: set[str] = set()
        """The ids of the requests with files that are ready, and whose responses were not sent."""
        self._answered: set[str] = set()
        self._returning: set[str] = set()
        self._returned: set[str] = set()

    @property
    def has_open_requests(self) -> bool:
        """True if a request may currently be changing the mirror of the run's working folder."""
        return bool(self._open)

    def add(self, journal_name: str, data: bytes) -> None:
        """Add data received from one of the run's request journals."""
        self._arrived.setdefault(journal_name, bytearray()).extend(data)

    def clear(self) -> None:
        """Discard requests that are not ready yet; they will be received again."""
        self._arrived.clear()
        self._copying.clear()
        self._copied.clear()

    def pop_ready_requests(self) -> dict[str, bytes]:
        """Remove and return the requests that are ready, as complete lines, keyed by journal."""
        ready: dict[str, bytes] = {}
        for name, data in self._arrived.items():
            size = 0
            for line in data.splitlines(keepends=True):
                has_files = self._folder in line.replace(b"\\\\", b"\\")
                if not line.endswith(b"\n") or (has_files and size + len(line) > self._copied.get(name, 0)):
                    break
                size += len(line)
                if has_files:
                    self._open.add(str(_parse_line(line).get("question_id")))
            if size:
                ready[name] = bytes(data[:size])
                del data[:size]
                for sizes in (self._copied, self._copying):
                    if name in sizes:
                        sizes[name] = max(0, sizes[name] - size)
        return ready

    def select_messages(self, data: bytes) -> bytes:
        """Return the lines of new inbox data before the first response that must wait for files to be copied back."""
        size = 0
        for line in data.splitlines(keepends=True):
            request_id = str(_parse_line(line).get("answer"))
            if request_id in self._open:
                if request_id not in self._returned:
                    self._answered.add(request_id)
                    break
                self._open.discard(request_id)
            size += len(line)
        return data[:size]

    def choose_copy(self) -> CopyKind | None:
        """Return the kind of copy that a request is waiting for, or None if none is."""
        if self._answered - self._returned:
            return CopyKind.RETURN
        return CopyKind.WORK if any(self._arrived.values()) else None

    def record_copy_start(self, kind: CopyKind) -> None:
        """Record which requests wait for a copy that was started."""
        if kind is CopyKind.WORK:
            self._copying = {name: len(data) for name, data in self._arrived.items()}
        elif kind is CopyKind.RETURN:
            self._returning = set(self._answered)

    def record_copy_end(self, kind: CopyKind) -> None:
        """Record that a copy is complete, which makes the requests and responses that wait for it ready."""
        if kind is CopyKind.WORK:
            self._copied = self._copying
        elif kind is CopyKind.RETURN:
            self._returned |= self._returning


def _parse_line(line: bytes | bytearray) -> dict[str, Any]:
    try:
        document = json.loads(line)
    except ValueError:
        return {}
    return document if isinstance(document, dict) else {}
