"""The RPC server in the client's own process, such as a notebook or a driver script outside a submitted run."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from importlib import import_module
from typing import Any

from mlrun_cli.actions.workspaces import get_home
from mlrun_cli.core.redaction import Redactor
from mlrun_cli.errors import MlrunError, StoreError
from mlrun_cli.processes.process import FAMILY_VARIABLE
from mlrun_cli.rpc.context import RequestContext
from mlrun_cli.rpc.dispatch import dispatch
from mlrun_cli.rpc.protocol import Request, build_error_response, parse_request
from mlrun_cli.runs.error import build_exception_error
from mlrun_cli.runtime.sessions import Session
from mlrun_cli.wire.background_threads import start_background_thread
from mlrun_cli.wire.framing import RESULT
from mlrun_cli.workspace import Workspace
from mlrun_cli.workspace_locator import WorkspaceIdentity, locate_workspace

_INGEST_SECONDS = 0.25
_PRELOADED = (
    "hashlib",
    "socket",
    "traceback",
    "mlrun_cli.rpc.handlers.run_files",
    "mlrun_cli.runtime.reconciliation",
    "mlrun_cli.runtime.waiting",
    "mlrun_cli.store.experiments",
    "mlrun_cli.store.journals",
    "mlrun_cli.store.metrics",
    "mlrun_cli.store.runs.child_store",
    "mlrun_cli.store.runs.conditions",
    "mlrun_cli.store.runs.queue_store",
)
"""Modules that requests about an open run would otherwise import later.

A signal handler that makes a request while its thread is importing one of them would find it partly initialized.
"""


class InProcessServer:
    """A server of its own process's requests, one at a time; a child created by `fork` gets a new state."""

    _sessions: dict[WorkspaceIdentity, Session]

    def __init__(self) -> None:
        self._is_handling = False
        self._initialize_process_state()

    def handle(self, document: Mapping[str, Any]) -> dict[str, Any]:
        """Handle a request of the RPC protocol and return the response, both as JSON-compatible dicts."""
        try:
            request = parse_request(document)
        except MlrunError as error:
            return build_error_response(error)
        with self._lock:
            if self._is_handling:
                # A signal handler's request in the middle of another one uses its own connection to the store.
                with RequestContext(
                    get_home(), self._context.get_owner_lock, self._context.redactor, delays_signals=True
                ) as context:
                    return dispatch(context, request)
            self._is_handling = True
            try:
                return self._ingest_and_dispatch(request)
            finally:
                self._is_handling = False

    def _ingest_and_dispatch(self, request: Request) -> dict[str, Any]:
        """Ingest the journals of this process's sessions, then handle a request and return the response."""
        try:
            for session in list(self._sessions.values()):
                session.ingest_until_now()
        except MlrunError as error:
            return build_error_response(error)
        return dispatch(self._context, request)

    def get_workspace_folder(self, workspace_names: tuple[str, str, str]) -> str:
        """Return the path of a workspace's folder."""
        return os.fspath(locate_workspace(self._context.home, WorkspaceIdentity(*workspace_names)).folder)

    def open_session_folder(self, workspace_names: tuple[str, str, str]) -> dict[str, Any]:
        """Open this process's session in a workspace if needed; return a response with the session's journal folder."""
        with self._lock, self._context.select_workspace(WorkspaceIdentity(*workspace_names)):
            try:
                return {RESULT: os.fspath(self._get_or_open_session(self._context.workspace).folder)}
            except MlrunError as error:
                return build_error_response(error)

    def close(self, uncaught_error: BaseException | None, close_journals: Callable[[], None]) -> None:
        """Close all sessions, which ends this process's interactive runs: as Failed if there is an uncaught exception.

        Threads that have not ended may go on: what they say once `close_journals` has returned is of a new session,
        and reconciliation ingests it when the process is gone.
        """
        with self._lock:
            self._is_closed.set()
            redactor = self._context.redactor
            error = None if uncaught_error is None else redactor.redact_error(build_exception_error(uncaught_error))
            sessions, self._sessions = self._sessions, {}
            close_journals()
            for session in sessions.values():
                try:
                    session.close(error)
                except StoreError as late:
                    sys.stderr.write(
                        f"{late.message} What this process has said of its runs is kept for the next look.\n"
                    )
            self._context.close()

    def before_fork(self) -> None:
        """Wait until no transaction is open, and block new transactions until the process has forked."""
        self._lock.acquire()

    def after_fork_in_parent(self) -> None:
        """Allow, in the parent, the transactions that `before_fork` has blocked."""
        self._lock.release()

    def reset_after_fork(self) -> None:
        """Discard, in a forked child, the sessions and connections of the parent."""
        for session in self._sessions.values():
            session.close_after_fork()
        self._context.close()
        self._initialize_process_state()

    def _initialize_process_state(self) -> None:
        """Initialize the state that a process must not share with its parent."""
        self._lock = threading.RLock()
        self._context = RequestContext(
            get_home(),
            lambda workspace: self._get_or_open_session(workspace).owner_lock,
            Redactor.for_run(os.environ, getattr(sys, "argv", ())),
            delays_signals=True,
        )
        self._sessions = {}
        self._is_closed = threading.Event()
        self._is_handling = False

    def _get_or_open_session(self, workspace: Workspace) -> Session:
        session = self._sessions.get(workspace.identity)
        if session is None:
            if not self._sessions:
                for module in _PRELOADED:
                    import_module(module)
                # Python 3.12 starts no thread once it has begun to end.
                with suppress(RuntimeError):
                    start_background_thread(self._ingest_periodically, self._is_closed)
            # Processes that this one starts are told apart by it from those of others.
            family = os.environ.setdefault(FAMILY_VARIABLE, os.urandom(4).hex())
            opened = Session(workspace, family)
            session = self._sessions.setdefault(workspace.identity, opened)
            if session is not opened:  # a signal handler has opened one meanwhile
                opened.close_after_fork()
        return session

    def _ingest_periodically(self, is_closed: threading.Event) -> None:
        """Ingest the journals several times a second, so that other processes see the values logged by this one."""
        while not is_closed.wait(_INGEST_SECONDS):
            with self._lock:
                if is_closed.is_set():
                    return
                for session in list(self._sessions.values()):
                    try:
                        session.ingest_own_journals()
                    except (StoreError, OSError):  # it stays in the journal, and the next request says what is wrong
                        break
