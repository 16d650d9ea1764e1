"""The worker of a run: `python …/mlrun_cli/rpc/worker.py --workspace FOLDER --listener DESCRIPTOR RUN_ID`.

The run's supervisor starts it and passes it a listening socket; a thread for each connection handles its request.
"""

from __future__ import annotations

import resource
import socket
import sys
import threading
import time
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

from mlrun_cli.core.redaction import Redactor
from mlrun_cli.errors import UsageError
from mlrun_cli.processes.secret_pipe import read_process_redactor
from mlrun_cli.rpc.context import RequestContext
from mlrun_cli.rpc.dispatch import dispatch
from mlrun_cli.rpc.protocol import Request, build_error_response, decode_request
from mlrun_cli.runtime.journal_ingest import JournalReader
from mlrun_cli.wire.framing import encode_line
from mlrun_cli.workspace import Workspace
from mlrun_cli.workspace_locator import parse_locator

_RETRY_SECONDS = 0.05


def _create_semaphore(limit: int, files_per_holder: int) -> threading.Semaphore:
    """Return a semaphore for `limit` holders, or fewer if their open files would exceed the process's limit."""
    open_files, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    affordable = limit if open_files == resource.RLIM_INFINITY else open_files // 4 // files_per_holder
    return threading.Semaphore(max(1, min(limit, affordable)))


_CONNECTIONS = _create_semaphore(1 << 16, files_per_holder=1)
_REQUESTS = _create_semaphore(32, files_per_holder=6)
"""Requests handled at the same time: each has three files of the store, and briefly journals, documents and others."""


def main(argv: list[str]) -> None:
    """Accept connections and handle their requests until the process is killed."""
    _, folder, _, descriptor, run_id = argv
    redactor = read_process_redactor()
    listener = socket.socket(fileno=int(descriptor))
    while True:
        _CONNECTIONS.acquire()
        try:
            connection, _ = listener.accept()
        except OSError:  # no more files can be open: some will be closed
            _CONNECTIONS.release()
            time.sleep(_RETRY_SECONDS)
            continue
        arguments = connection, Path(folder), run_id, redactor
        threading.Thread(target=_serve_connection, args=arguments, daemon=True).start()


def _serve_connection(connection: socket.socket, folder: Path, run_id: str, redactor: Redactor) -> None:
    """Handle the single request of a connection and close it, so that idle clients do not hold open files."""
    try:
        with connection, suppress(OSError), connection.makefile("rb") as requests:
            line = requests.readline()
            if line:
                with _REQUESTS:
                    response = _handle_request_line(folder, run_id, redactor, line)
                connection.sendall(response)
    finally:
        _CONNECTIONS.release()


class _RequestHandler:
    """A handler of one request at a time, with its own connection to the store."""

    def __init__(self, folder: Path, run_id: str, redactor: Redactor) -> None:
        self._workspace = Workspace.connect(parse_locator(folder), redactor=redactor)
        key = self._workspace.runs.get(run_id).key
        self._reader = JournalReader(self._workspace, self._workspace.get_run_folder(run_id).journal, key)
        self._context = RequestContext(
            self._workspace.home, partial(_get_owner_lock_name, self._workspace, run_id), redactor
        )

    def handle_request(self, request: Request) -> dict[str, Any]:
        """Return the response to a request, after ingesting all data that the run's processes have written."""
        self._reader.ingest_until_now()
        return dispatch(self._context, request)


_idle: list[_RequestHandler] = []
"""Handlers that are not handling a request."""


def _pop_idle_handler() -> _RequestHandler | None:
    with suppress(IndexError):
        return _idle.pop()
    return None


def _handle_request_line(folder: Path, run_id: str, redactor: Redactor, request_line: bytes) -> bytes:
    """Handle an encoded request and return the encoded response."""
    try:
        request = decode_request(request_line)
        handler = _pop_idle_handler() or _RequestHandler(folder, run_id, redactor)
        response = handler.handle_request(request)
        _idle.append(handler)
    except Exception as error:  # the line is from outside, and none may end this process
        response = build_error_response(error)
    return encode_line(response)


def _get_owner_lock_name(run_workspace: Workspace, run_id: str, selected_workspace: Workspace) -> str:
    """Return the name of the lock of the worker's run, which also owns the runs that the run's script starts."""
    if selected_workspace.identity != run_workspace.identity:
        raise UsageError(
            f"A run of workspace '{run_workspace.identity.name}' opens no run in workspace"
            f" '{selected_workspace.identity.name}'.",
            hint="Open it in run.experiment.workspace, or submit a script to the other one.",
        )
    return f"runs/{run_id}"


if __name__ == "__main__":
    main(sys.argv[1:])
