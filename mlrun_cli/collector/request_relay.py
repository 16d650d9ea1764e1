"""The relay of requests of a script on a node to an RPC worker on this machine."""

from __future__ import annotations

import os
import selectors
import socket
import time
from collections.abc import Mapping
from contextlib import suppress

from mlrun_cli.core.json_files import read_json
from mlrun_cli.core.json_lines import list_json_lines_files, read_json_lines
from mlrun_cli.core.named_tuple import NamedTuple
from mlrun_cli.core.program_log import write_log
from mlrun_cli.errors import BadRequest, MlrunError, Unsupported
from mlrun_cli.rpc.protocol import build_error_response, decode_request
from mlrun_cli.runs.inbox import InboxReader, ResponseMessage, send_message
from mlrun_cli.runs.request_journal import FOLDER, ForwardedRequest, parse_forwarded_request
from mlrun_cli.runs.run import Run
from mlrun_cli.runs.run_redaction import read_run_redactor
from mlrun_cli.runs.shared_folder import SharedRunFolder
from mlrun_cli.runs.submission import Submission
from mlrun_cli.runtime.journal_ingest import JournalReader
from mlrun_cli.runtime.run_transaction import get_journal_offsets, open_run_transaction
from mlrun_cli.supervisor.worker_process import RPC_WORKER_PROGRAM, WorkerProcess
from mlrun_cli.targets.engine import EngineTarget
from mlrun_cli.wire.framing import encode_line

_REFUSED_CALLS = frozenset({"studio.authorization"})
"""Calls whose results are of no use on another machine and must not get there, such as the key of the studio."""
_JOURNALS_SECONDS = 20.0
"""How long a request waits for the journal lines that were written before it."""


class RequestInterrupted(MlrunError):
    """The process that handled a request of a script died; the request may have been carried out."""


class _PendingRequest(NamedTuple):
    request: ForwardedRequest
    since: float


class RequestRelay:
    """The requests of one run, each of which is handled at most once; closed with the run."""

    def __init__(
        self, target: EngineTarget, run: Run, shared: SharedRunFolder, selector: selectors.BaseSelector
    ) -> None:
        self._target = target
        self._workspace = target.workspace
        self._run = run
        self._shared = shared
        self._folder = target.workspace.get_run_folder(run.run_id)
        self._selector = selector
        self._worker: WorkerProcess | None = None
        self._waiting: list[_PendingRequest] = []
        self._calls: dict[socket.socket, tuple[ForwardedRequest, bytearray]] = {}
        self._offsets: dict[str, int] = {}
        self._reject_interrupted_requests()

    def collect(self, reader: JournalReader) -> bool:
        """Accept new requests, and forward those whose journal lines are stored; return whether any are unfinished.

        Raises:
            StoreError: the store cannot be used.
        """
        for path in list_json_lines_files(self._shared.requests):
            name = f"{FOLDER}/{path.name}"
            before = self._offsets.get(name, 0)
            with suppress(OSError):
                documents, after = read_json_lines(path, before)
                if after > before and self._record_accepted(name, before, after):
                    requests = filter(None, map(parse_forwarded_request, documents))
                    self._waiting.extend(_PendingRequest(request, time.monotonic()) for request in requests)
        for waiting in self._waiting.copy():
            is_late = time.monotonic() > waiting.since + _JOURNALS_SECONDS
            if is_late or reader.has_ingested(waiting.request.journal_sizes):
                self._waiting.remove(waiting)
                self._send_to_worker(waiting.request)
        return bool(self._waiting or self._calls)

    def record_exits(self, exit_codes: Mapping[int, int]) -> None:
        """Record the end of the worker if it is among the reaped processes."""
        if self._worker is not None:
            self._worker.record_exits(exit_codes)

    def close(self) -> None:
        """Abandon all requests and end the worker."""
        for connection in list(self._calls):
            self._close_connection(connection)
        if self._worker is not None:
            self._worker.close()
            self._worker = None

    def _record_accepted(self, name: str, old_offset: int, new_offset: int) -> bool:
        """Mark a journal's requests as accepted in the store; return False if another collector has accepted them."""
        with open_run_transaction(self._workspace, self._run.key):
            is_mine = self._workspace.journals.advance(self._run.key, name, old_offset, new_offset)
        self._offsets[name] = new_offset
        return is_mine

    def _reject_interrupted_requests(self) -> None:
        """Respond with an error to requests that an earlier collector accepted before it died."""
        self._offsets = {
            name: offset
            for name, offset in get_journal_offsets(self._workspace, self._run.key).items()
            if name.startswith(f"{FOLDER}/")
        }
        if not self._offsets:
            return
        with suppress(OSError):
            messages = InboxReader(self._shared.inbox).read_new_messages()
            finished = {message.request_id for message in messages if isinstance(message, ResponseMessage)}
            for name, offset in self._offsets.items():
                documents, _ = read_json_lines(self._shared.path / name, 0, offset)
                for request in filter(None, map(parse_forwarded_request, documents)):
                    if request.request_id not in finished:
                        self._respond_with_error(request, _INTERRUPTED)

    def _send_to_worker(self, request: ForwardedRequest) -> None:
        """Send a request to the worker, or respond with an error if other machines may not make such a request."""
        if _calls_refused_operation(request.line):
            self._respond_with_error(request, _REFUSED)
            return
        connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            name = self._get_worker().ensure_started()
            with self._folder.open_socket_address(self._folder.path / name) as address:
                connection.connect(address)
            connection.sendall(self._target.translate_request(request.line).encode() + b"\n")
        except (OSError, MlrunError) as error:
            connection.close()
            write_log(f"a request of {self._run.run_id} cannot be handled: {error}")
            self._respond_with_error(request, error if isinstance(error, MlrunError) else _INTERRUPTED)
            return
        connection.setblocking(False)
        self._calls[connection] = request, bytearray()
        self._selector.register(connection, selectors.EVENT_READ, lambda: self._receive(connection))

    def _get_worker(self) -> WorkerProcess:
        if self._worker is None:
            submission = Submission.from_json(read_json(self._folder.submission) or {})
            redactor = read_run_redactor(self._shared, self._workspace.redactor)
            self._worker = WorkerProcess(
                self._workspace, submission, self._folder, RPC_WORKER_PROGRAM, self._run.run_id, redactor
            )
        return self._worker

    def _receive(self, connection: socket.socket) -> None:
        """Read the available part of a response; send it once complete, or an error if the worker has died."""
        request, received = self._calls[connection]
        try:
            piece = connection.recv(1 << 20)
        except BlockingIOError:
            return
        except OSError:
            piece = b""
        received += piece
        if received.endswith(b"\n"):
            self._close_connection(connection)
            self._send_response(request, bytes(received))
        elif not piece:
            self._close_connection(connection)
            self._respond_with_error(request, _INTERRUPTED)

    def _close_connection(self, connection: socket.socket) -> None:
        del self._calls[connection]
        self._selector.unregister(connection)
        connection.close()

    def _respond_with_error(self, request: ForwardedRequest, error: Exception) -> None:
        self._send_response(request, encode_line(build_error_response(error)))

    def _send_response(self, request: ForwardedRequest, line: bytes) -> None:
        try:
            response = self._target.translate_response(line.decode().rstrip("\n"))
            send_message(self._folder, self._shared, ResponseMessage(request.request_id, response))
        except OSError as error:
            write_log(f"a request of {self._run.run_id} gets no response: {os.strerror(error.errno or 0)}")


def _calls_refused_operation(line: str) -> bool:
    with suppress(BadRequest):  # the worker responds to what is no request
        return decode_request(line.encode()).call in _REFUSED_CALLS
    return False


_REFUSED = Unsupported(
    "The studio is not reached from the machine of this script, and its key is not handed out there.",
    hint="published_pipeline.submit(workspace, experiment_name) submits the pipeline from here.",
)
_INTERRUPTED = RequestInterrupted("The process that handled the request died. The request may have been carried out.")
