"""Answers what a script asks: one JSON line a question, one a answer, over a socket in the run folder.

    {"call": "get_tags", "journal": NAME or null, "offset": BYTES, …}
    {"result": …}  or  {"error": {"type": …, "message": …}}

A question says how far its asker has written in its journal; that much is taken in before it is answered, so
that one reads what one wrote.
"""

from __future__ import annotations

import json
import os
import selectors
import socket
from collections import deque
from collections.abc import Callable, Mapping
from typing import Any

from mlrun_cli.domain.run import run_details, run_record
from mlrun_cli.errors import StoreError
from mlrun_cli.execution.journals import JournalReader
from mlrun_cli.files.run_folder import RunFolder
from mlrun_cli.workspace import Workspace

_PIECE = 1 << 16
_WAITING = 64
_LONGEST_QUESTION = 16 << 20


class UnknownQuestionError(Exception):
    """A question that this version does not know."""


class ChangedPropertyError(Exception):
    """A property that exists was to get another value."""


class Answerer:
    """Knows the answers; has nothing to do with how questions arrive."""

    def __init__(
        self,
        workspace: Workspace,
        run_key: int,
        folder: RunFolder,
        reader: JournalReader,
        wake: Callable[[], None],
    ) -> None:
        self._workspace = workspace
        self._run_key = run_key
        self._folder = folder
        self._reader = reader
        self._calls: dict[str, Callable[[Mapping[str, Any]], Any]] = {
            "flush": lambda _: None,
            "wake": lambda _: wake(),
            "get_metrics": lambda question: workspace.metrics.get(run_key, question.get("name")),
            "get_tags": lambda _: workspace.runs.tags(run_key),
            "get_properties": lambda _: workspace.runs.properties(run_key),
            "add_properties": lambda question: self._add_properties(question["properties"]),
            "get_run": lambda _: run_record(workspace.runs.get_by_key(run_key)),
            "get_details": lambda _: self._details(),
            "get_parent": lambda _: self._parent(),
        }

    def answer(self, line: bytes) -> bytes | None:
        """The line that answers a line; None while the store cannot be asked: then it is to be tried again."""
        try:
            question = json.loads(line)
            call = self._calls.get(question["call"]) or _unknown
            self._take_in_for(question)
            reply: dict[str, Any] = {"result": call(question)}
        except StoreError:
            return None
        except (ChangedPropertyError, KeyError, TypeError, ValueError) as error:
            reply = _refusal("UserErrorException", error)
        except Exception as error:  # the line is from outside, and no line may end a run
            reply = _refusal("AzureMLException", error)
        return json.dumps(reply).encode() + b"\n"

    def _take_in_for(self, question: Mapping[str, Any]) -> None:
        journal, offset = question.get("journal"), question.get("offset") or 0
        while journal is not None and not self._reader.has_taken_in(journal, offset):
            if not self._reader.take_in():
                break

    def _add_properties(self, properties: Mapping[str, str]) -> dict[str, str]:
        with self._workspace.transaction(durable=True):
            conflicts = self._workspace.runs.add_properties(self._run_key, properties)
            if conflicts:
                name, value = next(iter(conflicts.items()))
                raise ChangedPropertyError(
                    f"The property '{name}' is '{value}' and cannot become '{properties[name]}': "
                    "properties are written once."
                )
        return self._workspace.runs.properties(self._run_key)

    def _details(self) -> dict[str, Any]:
        logs = {name: path.as_uri() for name, path in self._folder.log_files().items()}
        return run_details(self._workspace.runs.get_by_key(self._run_key), logs)

    def _parent(self) -> dict[str, Any] | None:
        parent = self._workspace.runs.get_by_key(self._run_key).parent_run_id
        return None if parent is None else run_record(self._workspace.runs.get(parent))


class _Connection:
    """One asker: what has arrived of its next question, those that wait, what has not yet left of the answers."""

    def __init__(self, connection: socket.socket) -> None:
        self.socket = connection
        self.arrived = bytearray()
        self.waiting: deque[bytes] = deque()
        self.leaving = bytearray()


class QuestionServer:
    """The socket in the run folder, and the connections of all the run's processes. Never blocks."""

    def __init__(self, folder: RunFolder, selector: selectors.BaseSelector, answerer: Answerer) -> None:
        self._folder = folder
        self._selector = selector
        self._answerer = answerer
        self._connections: set[_Connection] = set()
        self._listener = _listen(folder)
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
        self._connections.add(connection)
        self._selector.register(accepted, selectors.EVENT_READ, lambda events: self._serve(connection, events))

    def answer_waiting(self) -> None:
        """Try once more to answer those whose question came while the store could not be asked."""
        for connection in [each for each in self._connections if each.waiting]:
            self._serve(connection, 0)

    def _serve(self, connection: _Connection, events: int) -> None:
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
        if connection in self._connections:
            writing = selectors.EVENT_WRITE if connection.leaving else 0
            key = self._selector.get_key(connection.socket)
            if key.events != selectors.EVENT_READ | writing:
                self._selector.modify(connection.socket, selectors.EVENT_READ | writing, key.data)

    def _read(self, connection: _Connection) -> None:
        piece = connection.socket.recv(_PIECE)
        if not piece or len(connection.arrived) > _LONGEST_QUESTION:
            self._drop(connection)
            return
        connection.arrived += piece
        if b"\n" in piece:
            *lines, rest = connection.arrived.split(b"\n")
            connection.arrived = bytearray(rest)
            connection.waiting.extend(map(bytes, lines))

    def _answer(self, connection: _Connection) -> None:
        while connection.waiting:
            answer = self._answerer.answer(connection.waiting[0])
            if answer is None:
                return
            connection.waiting.popleft()
            connection.leaving += answer

    def _drop(self, connection: _Connection) -> None:
        self._connections.discard(connection)
        connection.waiting.clear()
        self._selector.unregister(connection.socket)
        connection.socket.close()


def _unknown(question: Mapping[str, Any]) -> Any:
    raise UnknownQuestionError(f"This version of mlrun-cli does not know '{question['call']}'.")


def _refusal(kind: str, error: Exception) -> dict[str, Any]:
    return {"error": {"type": kind, "message": str(error)}}


def _listen(folder: RunFolder) -> socket.socket:
    folder.socket.unlink(missing_ok=True)
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    before = os.umask(0o177)
    try:
        with folder.socket_address() as address:
            listener.bind(address)
    finally:
        os.umask(before)
    listener.listen(_WAITING)
    listener.setblocking(False)
    return listener
