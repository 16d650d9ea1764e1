"""The RPC server of a run, which serves its script through a socket in the run folder; see `rpc.protocol`.

Everything that the processes of the run have written before a request is ingested before the request is handled, so
that a process can read its own writes, and those of processes that it has waited for.
"""

from __future__ import annotations

import resource
import selectors
import socket
from collections import deque
from collections.abc import Callable, Mapping
from typing import Any

from mlrun_cli.actions.runs import RunChanges, get_run_details
from mlrun_cli.actions.tracking_records import build_tracking_records
from mlrun_cli.errors import StoreError
from mlrun_cli.rpc.protocol import build_error_response, decode_request
from mlrun_cli.runs.folder import RunFolder
from mlrun_cli.runs.parameters import get_parameter_values
from mlrun_cli.runs.run import build_run_record
from mlrun_cli.runtime.journal_ingest import JournalReader
from mlrun_cli.supervisor.run_socket import create_run_listener
from mlrun_cli.supervisor.supervised_run import SupervisedRun
from mlrun_cli.wire.framing import LONGEST_REQUEST, OTHER_SOCKET, RESULT, encode_line

_CHUNK = 1 << 16
_MAX_CONNECTIONS = 1 << 16
_FEW_VALUES = 20_000
"""So many are read in some 30 ms, and need a few megabytes."""


class RunRequestHandler:
    """The transport-independent handler of requests that read the run itself.

    For all other requests the client is redirected to the worker process.
    """

    def __init__(
        self,
        run: SupervisedRun,
        reader: JournalReader,
        wake: Callable[[], None],
        worker: Callable[[], str],
    ) -> None:
        workspace = run.workspace
        self._run = run
        self._workspace = workspace
        self._key = run.run.key
        self._run_id = run.run.run_id
        self._reader = reader
        self._worker = worker
        self._calls: dict[str, Callable[[Mapping[str, Any]], Any]] = {
            "runs.flush": lambda _: None,
            "wake": lambda _: wake(),
            "runs.metrics": self._get_metrics,
            "runs.tags": lambda _: workspace.runs.get_tags(self._key),
            "runs.properties": lambda _: workspace.runs.get_properties(self._key),
            "runs.parameters": lambda _: get_parameter_values(workspace.parameters.get(self._key)),
            "runs.add_properties": lambda arguments: run.add_properties(arguments["properties"]),
            "runs.get": lambda _: build_run_record(workspace.runs.get_by_key(self._key)),
            "runs.details": lambda _: self._get_details(),
            "runs.parent": lambda _: self._get_parent(),
            "tracking.run": lambda _: self._get_tracking_record(),
        }

    def execute_request_line(self, line: bytes, journal_sizes: Mapping[str, int]) -> bytes | None:
        """Execute a request line and return the response line, or None if the request must be tried again later.

        It must be tried again while the store is unavailable or lacks data that the journals contained when the request
        arrived, according to `journal_sizes`. These are ingested in chunks, so that a cancel is not delayed.
        """
        try:
            request = decode_request(line)
            arguments = request.arguments
            is_mine = arguments.get("run_id", self._run_id) == self._run_id
            call = self._calls.get(request.call) if is_mine else None
            if is_mine and request.call == "runs.update":
                self._run.apply_update(_parse_changes(arguments))
            response: dict[str, Any]
            if call is None:
                response = {OTHER_SOCKET: self._worker()}
            elif not self._reader.has_ingested(journal_sizes) and self._reader.ingest():
                return None
            else:
                response = {RESULT: call(arguments)}
        except StoreError:
            return None
        except _NeedsWorker:
            response = {OTHER_SOCKET: self._worker()}
        except Exception as error:  # the line is from outside, and no line may end a run
            response = build_error_response(error)
        return encode_line(response)

    def get_journal_sizes(self) -> Mapping[str, int]:
        """Return the current sizes of the run's journals, keyed by name."""
        return self._reader.read_sizes()

    def _get_metrics(self, arguments: Mapping[str, Any]) -> dict[str, Any]:
        if arguments.get("recursive") or self._workspace.metrics.count_values(self._key) > _FEW_VALUES:
            raise _NeedsWorker
        return self._workspace.metrics.get(self._key, arguments.get("name"))

    def _get_details(self) -> dict[str, Any]:
        return get_run_details(self._workspace, self._workspace.runs.get_by_key(self._key))

    def _get_tracking_record(self) -> dict[str, Any]:
        return build_tracking_records(self._workspace, [self._workspace.runs.get_by_key(self._key)])[0]

    def _get_parent(self) -> dict[str, Any] | None:
        parent = self._workspace.runs.get_by_key(self._key).parent_run_id
        return None if parent is None else build_run_record(self._workspace.runs.get(parent))


def _parse_changes(arguments: Mapping[str, Any]) -> RunChanges:
    name, description = (arguments.get(key) for key in ("display_name", "description"))
    return RunChanges(
        tags={},
        display_name=name if isinstance(name, str) else None,
        description=description if isinstance(description, str) else None,
    )


class _NeedsWorker(Exception):
    """A request takes so long that it must be handled by the worker, to not delay other requests and a cancel."""


class _Connection:
    """A client connection, with its pending requests, partially received data and unsent response data."""

    def __init__(self, connection: socket.socket) -> None:
        self.socket = connection
        self.received = bytearray()
        self.pending: deque[tuple[bytes, Mapping[str, int]]] = deque()
        self.unsent = bytearray()


class RpcServer:
    """The non-blocking server for the socket in the run folder and its connections."""

    def __init__(self, folder: RunFolder, selector: selectors.BaseSelector, handler: RunRequestHandler) -> None:
        self._folder = folder
        self._selector = selector
        self._handler = handler
        self._connections: dict[_Connection, None] = {}  # oldest first
        self._most = _compute_connection_limit()
        self._listener = create_run_listener(folder, folder.socket)
        self._listener.setblocking(False)
        selector.register(self._listener, selectors.EVENT_READ, self._accept_connection)

    def close(self) -> None:
        """Close all connections and the listening socket, and remove the socket file."""
        for connection in list(self._connections):
            self._close_connection(connection)
        self._selector.unregister(self._listener)
        self._listener.close()
        self._folder.socket.unlink(missing_ok=True)

    def _accept_connection(self, _events: int) -> None:
        try:
            accepted, _ = self._listener.accept()
        except OSError:
            return
        accepted.setblocking(False)
        connection = _Connection(accepted)
        if len(self._connections) >= self._most:
            self._close_oldest_idle_connection()
        self._connections[connection] = None
        self._selector.register(
            accepted, selectors.EVENT_READ, lambda events: self._serve_connection(connection, events)
        )

    def _close_oldest_idle_connection(self) -> None:
        """Close the oldest idle connection, if there is one; its client reconnects for its next request."""
        for connection in self._connections:
            if not (connection.received or connection.pending or connection.unsent):
                self._close_connection(connection)
                return

    def retry_pending_requests(self) -> None:
        """Try again to execute the requests that could not be executed earlier."""
        for connection in [each for each in self._connections if each.pending]:
            self._serve_connection(connection, 0)

    def _serve_connection(self, connection: _Connection, events: int) -> None:
        """Read requests, execute them and send responses, as far as a connection is ready for that."""
        if connection not in self._connections:  # closed since the selector saw it
            return
        try:
            if events & selectors.EVENT_READ:
                self._read_requests(connection)
            self._execute_pending_requests(connection)
            if connection.unsent:
                del connection.unsent[: connection.socket.send(connection.unsent)]
        except BlockingIOError:
            pass
        except OSError:
            self._close_connection(connection)
            return
        writing = selectors.EVENT_WRITE if connection.unsent else 0
        key = self._selector.get_key(connection.socket)
        if key.events != selectors.EVENT_READ | writing:
            self._selector.modify(connection.socket, selectors.EVENT_READ | writing, key.data)

    def _read_requests(self, connection: _Connection) -> None:
        """Read the data that has arrived on a connection, and add the complete lines to the pending requests.

        Raises:
            OSError: the client has closed the connection or sent too long a line, so it must be dropped.
        """
        chunk = connection.socket.recv(_CHUNK)
        if not chunk or len(connection.received) > LONGEST_REQUEST:
            raise ConnectionAbortedError
        connection.received += chunk
        if b"\n" in chunk:
            *lines, rest = connection.received.split(b"\n")
            connection.received = bytearray(rest)
            written = self._handler.get_journal_sizes()
            connection.pending.extend((bytes(line), written) for line in lines)

    def _execute_pending_requests(self, connection: _Connection) -> None:
        """Execute the pending requests of a connection in order, until one must be tried again later."""
        while connection.pending:
            response = self._handler.execute_request_line(*connection.pending[0])
            if response is None:
                return
            connection.pending.popleft()
            connection.unsent += response

    def _close_connection(self, connection: _Connection) -> None:
        self._connections.pop(connection, None)
        connection.pending.clear()
        self._selector.unregister(connection.socket)
        connection.socket.close()


def _compute_connection_limit() -> int:
    """Return the maximum number of connections: half of this process's open file limit, or less if that is large."""
    limit, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return _MAX_CONNECTIONS if limit == resource.RLIM_INFINITY else min(limit // 2, _MAX_CONNECTIONS)
