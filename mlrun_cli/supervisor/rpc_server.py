"""Answers what a script asks: one JSON line a question, one a answer, over a socket in the run folder.

    {"call": "runs.tags", "workspace": …, "arguments": {"run_id": …}}
    {"result": …}  or  {"error": {"type": …, "message": …}}  or  {"ask": NAME of the socket of who knows}

All that the processes of the run have written by then is ingested before a request is answered, so that one reads
what one wrote, and what processes wrote that one has waited for.
"""

from __future__ import annotations

import json
import os
import resource
import selectors
import socket
from collections import deque
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from mlrun_cli.actions.runs import add_properties, get_run_details
from mlrun_cli.errors import StoreError
from mlrun_cli.rpc.protocol import error_response
from mlrun_cli.runs.folder import RunFolder
from mlrun_cli.runs.record import run_record
from mlrun_cli.runs.run import Run
from mlrun_cli.runtime.journal_ingest import JournalReader
from mlrun_cli.wire.framing import LONGEST_REQUEST, OTHER_SOCKET, RESULT, encode_line
from mlrun_cli.workspace import Workspace

_PIECE = 1 << 16
_WAITING = 64
_MOST_CONNECTIONS = 1 << 16
_FEW_VALUES = 20_000
"""That many are answered in some 30 ms, and need a few megabytes."""


class Answerer:
    """Knows the answers; has nothing to do with how questions arrive.

    What is more than a read of the run itself is not answered here: the asker is sent to a helper.
    """

    def __init__(
        self,
        workspace: Workspace,
        run: Run,
        folder: RunFolder,
        reader: JournalReader,
        wake: Callable[[], None],
        helper: Callable[[], str],
    ) -> None:
        self._workspace = workspace
        self._key = run.key
        self._run_id = run.run_id
        self._folder = folder
        self._reader = reader
        self._helper = helper
        self._calls: dict[str, Callable[[Mapping[str, Any]], Any]] = {
            "runs.flush": lambda _: None,
            "wake": lambda _: wake(),
            "runs.metrics": self._metrics,
            "runs.tags": lambda _: workspace.runs.tags(run.key),
            "runs.properties": lambda _: workspace.runs.properties(run.key),
            "runs.add_properties": self._add_properties,
            "runs.get": lambda _: run_record(workspace.runs.get_by_key(run.key)),
            "runs.details": lambda _: self._details(),
            "runs.parent": lambda _: self._parent(),
        }

    def answer(self, line: bytes, written: Mapping[str, int]) -> bytes | None:
        """The line that answers a line.

        None while the store cannot be asked, or has not all that had been `written` when the line came: then it is to
        be tried again. It is ingested piece by piece, so that a cancel need not wait for all of it.
        """
        try:
            question = json.loads(line)
            arguments = question.get("arguments", {})
            is_mine = arguments.get("run_id", self._run_id) == self._run_id
            call = self._calls.get(question["call"]) if is_mine else None
            reply: dict[str, Any] = {OTHER_SOCKET: self._helper()}
            if call is not None:
                if not self._reader.has_ingested(written) and self._reader.ingest():
                    return None
                reply = {RESULT: call(arguments)}
        except StoreError:
            return None
        except _NeedsHelper:
            reply = {OTHER_SOCKET: self._helper()}
        except Exception as error:  # the line is from outside, and no line may end a run
            reply = error_response(error)
        return encode_line(reply)

    def written(self) -> Mapping[str, int]:
        """How much the run's processes have written by this moment."""
        return self._reader.written()

    def _metrics(self, arguments: Mapping[str, Any]) -> dict[str, Any]:
        if arguments.get("recursive") or self._workspace.metrics.count(self._key) > _FEW_VALUES:
            raise _NeedsHelper
        return self._workspace.metrics.get(self._key, arguments.get("name"))

    def _add_properties(self, arguments: Mapping[str, Any]) -> dict[str, str]:
        add_properties(self._workspace, self._workspace.runs.get_by_key(self._key), arguments["properties"])
        return self._workspace.runs.properties(self._key)

    def _details(self) -> dict[str, Any]:
        return get_run_details(self._workspace, self._workspace.runs.get_by_key(self._key))

    def _parent(self) -> dict[str, Any] | None:
        parent = self._workspace.runs.get_by_key(self._key).parent_run_id
        return None if parent is None else run_record(self._workspace.runs.get(parent))


class _NeedsHelper(Exception):
    """What was asked takes longer than a script's other questions and its cancel may wait."""


class _Connection:
    """One asker: what has arrived of its next question, those that wait, what has not yet left of the answers."""

    def __init__(self, connection: socket.socket) -> None:
        self.socket = connection
        self.arrived = bytearray()
        self.waiting: deque[tuple[bytes, Mapping[str, int]]] = deque()
        self.leaving = bytearray()


class QuestionServer:
    """The socket in the run folder, and the connections of all the run's processes. Never blocks."""

    def __init__(self, folder: RunFolder, selector: selectors.BaseSelector, answerer: Answerer) -> None:
        self._folder = folder
        self._selector = selector
        self._answerer = answerer
        self._connections: dict[_Connection, None] = {}  # oldest first
        self._most = _half_of_the_files()
        self._listener = listen(folder, folder.socket)
        self._listener.setblocking(False)
        selector.register(self._listener, selectors.EVENT_READ, self._accept)

    def close(self) -> None:
        """Hang up on everybody."""
        for connection in list(self._connections):
            self._drop(connection)
        self._selector.unregister(self._listener)
        self._listener.close()
        self._folder.socket.unlink(missing_ok=True)

    def _accept(self, _events: int) -> None:
        try:
            accepted, _ = self._listener.accept()
        except OSError:
            return
        accepted.setblocking(False)
        connection = _Connection(accepted)
        if len(self._connections) >= self._most:
            self._drop_an_idle_one()
        self._connections[connection] = None
        self._selector.register(accepted, selectors.EVENT_READ, lambda events: self._serve(connection, events))

    def _drop_an_idle_one(self) -> None:
        """Hang up on the asker who has been there longest; he connects anew when he asks again."""
        for connection in self._connections:
            if not (connection.arrived or connection.waiting or connection.leaving):
                self._drop(connection)
                return

    def answer_waiting(self) -> None:
        """Try once more to answer those whose question had to wait."""
        for connection in [each for each in self._connections if each.waiting]:
            self._serve(connection, 0)

    def _serve(self, connection: _Connection, events: int) -> None:
        if connection not in self._connections:  # hung up on since the selector saw it
            return
        try:
            if events & selectors.EVENT_READ:
                self._read(connection)
            self._answer(connection)
            if connection.leaving:
                del connection.leaving[: connection.socket.send(connection.leaving)]
        except BlockingIOError:
            pass
        except OSError:
            self._drop(connection)
            return
        writing = selectors.EVENT_WRITE if connection.leaving else 0
        key = self._selector.get_key(connection.socket)
        if key.events != selectors.EVENT_READ | writing:
            self._selector.modify(connection.socket, selectors.EVENT_READ | writing, key.data)

    def _read(self, connection: _Connection) -> None:
        """Take what has arrived.

        Raises:
            OSError: nothing more will, or what arrives is too long: the connection is to be dropped.
        """
        piece = connection.socket.recv(_PIECE)
        if not piece or len(connection.arrived) > LONGEST_REQUEST:
            raise ConnectionAbortedError
        connection.arrived += piece
        if b"\n" in piece:
            *lines, rest = connection.arrived.split(b"\n")
            connection.arrived = bytearray(rest)
            written = self._answerer.written()
            connection.waiting.extend((bytes(line), written) for line in lines)

    def _answer(self, connection: _Connection) -> None:
        while connection.waiting:
            answer = self._answerer.answer(*connection.waiting[0])
            if answer is None:
                return
            connection.waiting.popleft()
            connection.leaving += answer

    def _drop(self, connection: _Connection) -> None:
        self._connections.pop(connection, None)
        connection.waiting.clear()
        self._selector.unregister(connection.socket)
        connection.socket.close()


def _half_of_the_files() -> int:
    """Half as many connections as this process may have open files; the rest is for its work."""
    limit, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return _MOST_CONNECTIONS if limit == resource.RLIM_INFINITY else min(limit // 2, _MOST_CONNECTIONS)


def listen(folder: RunFolder, path: Path) -> socket.socket:
    """A socket of the run's folder on which questions arrive, for its user alone."""
    path.unlink(missing_ok=True)
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    before = os.umask(0o177)
    try:
        with folder.address_of(path) as address:
            listener.bind(address)
    finally:
        os.umask(before)
    listener.listen(_WAITING)
    return listener
