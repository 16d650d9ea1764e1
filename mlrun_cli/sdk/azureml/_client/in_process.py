"""The client outside of a run, for which the installed mlrun-cli package handles requests in this process."""

import atexit
import os
import sys
from importlib import import_module
from threading import RLock, current_thread, main_thread
from typing import TYPE_CHECKING, Any, Callable, Tuple

from azureml._client.forking import ForkAware, register_fork_aware
from azureml._client.journal import Journal, JournalClosedError
from azureml._client.rpc_client import unwrap_response
from azureml._wire.journal_lines import wrap_line_for_run
from azureml.exceptions import RunEnvironmentException

if TYPE_CHECKING:
    from types import TracebackType
    from typing import NoReturn

_Names = Tuple[str, str, str]
_PRELOADED = ("azureml._client.uploads", "azureml.core._images", "azureml.core._run_listing", "azureml.core.script_run")
"""Modules imported early, so that a signal handler never finds one of them half imported."""


class InProcessClient(ForkAware):
    """A client that calls `mlrun_cli` directly, and writes journals that this process itself ingests.

    When the interpreter exits, the runs that this process has opened end as Completed, or as Failed after an
    uncaught exception.
    """

    def __init__(self) -> None:
        try:
            self._server: Any = import_module("mlrun_cli.rpc.in_process").InProcessServer()
        except ImportError as error:
            raise RunEnvironmentException(
                f"This process belongs to no run, and mlrun-cli cannot be imported by {sys.executable} ({error}). "
                "Install mlrun-cli in this environment, or start the script by 'mlrun run submit-script'."
            ) from error
        for module in _PRELOADED:
            import_module(module)
        self._journals: dict[_Names, Journal] = {}
        self._lock = RLock()
        self._uncaught: BaseException | None = None
        self._hook = sys.excepthook
        sys.excepthook = self._record_uncaught_exception
        self._exit = sys.exit
        sys.exit = self._record_exit_code_and_exit
        atexit.register(self._close, os.getpid())
        register_fork_aware(self)
        # The program itself needs a later Python than 3.6.
        os.register_at_fork(before=self._server.before_fork, after_in_parent=self._server.after_fork_in_parent)  # novm

    def create_writer(self, workspace: _Names, run_id: str) -> Callable[[str], None]:
        """Return a function that durably writes a journal line for a run."""

        def write(line: str) -> None:
            named = wrap_line_for_run(run_id, line)
            try:
                (self._journals.get(workspace) or self._get_or_open_journal(workspace)).append(named)
            except JournalClosedError:  # the interpreter is exiting
                self._get_or_open_journal(workspace).append(named)

        return write

    def request(
        self,
        call: str,
        workspace: "_Names | None" = None,
        timeout_seconds: "float | None" = None,
        **arguments: Any,
    ) -> Any:
        """Handle a request and return its result, which reflects all journal lines written by this process.

        Raises:
            AzureMLException: The response is an error, which determines the exception class.
        """
        return unwrap_response(self._server.handle({"call": call, "workspace": workspace, "arguments": arguments}))

    def get_run_folder(self, workspace: _Names, run_id: str) -> str:
        """Return the path of a run's folder."""
        return os.path.join(self._server.get_workspace_folder(workspace), "runs", run_id)

    def hand_over_upload(self, workspace: _Names, run_id: str, upload_name: str, replaces: bool = False) -> None:
        """Do nothing, since this process stores uploads in the workspace itself."""

    def reset_after_fork(self) -> None:
        self._lock = RLock()
        self._journals = {}
        self._server.reset_after_fork()
        atexit.register(self._close, os.getpid())

    def _get_or_open_journal(self, workspace: _Names) -> Journal:
        """Return this process's journal for a workspace, opening it on first use."""
        with self._lock:
            if workspace not in self._journals:
                self._journals[workspace] = Journal(unwrap_response(self._server.open_session_folder(workspace)))
            return self._journals[workspace]

    def _record_uncaught_exception(
        self, error_type: "type[BaseException]", error: BaseException, traceback: "TracebackType | None"
    ) -> None:
        """Record an uncaught exception, and pass it to the original `sys.excepthook`."""
        self._uncaught = error
        self._hook(error_type, error, traceback)

    def _record_exit_code_and_exit(self, code: Any = None) -> "NoReturn":
        """Record the exit code for the `atexit` handlers, which cannot access it otherwise, and exit."""
        if current_thread() is main_thread():
            self._uncaught = SystemExit(code) if code else None
        self._exit(code)

    def _close(self, registering_pid: int) -> None:
        """End this process's interactive runs when the interpreter exits; do nothing in a child forked later."""
        if os.getpid() == registering_pid:
            uncaught = self._uncaught or _find_uncaught_exception()
            with self._lock:
                self._server.close(uncaught, self._close_journals)

    def _close_journals(self) -> None:
        journals, self._journals = self._journals, {}
        for journal in journals.values():
            journal.close()


def _find_uncaught_exception() -> "BaseException | None":
    """Return the exception that ended this process without our hook being called, or None.

    In a notebook it is that of the last cell: an error in an earlier one has been seen, and work went on.
    """
    ipython = sys.modules.get("IPython")
    shell = None if ipython is None else ipython.get_ipython()
    if shell is not None:
        last_cell = getattr(shell, "last_execution_result", None)
        error = getattr(last_cell, "error_before_exec", None) or getattr(last_cell, "error_in_exec", None)
        return error if isinstance(error, BaseException) else None
    return None if hasattr(sys, "ps1") else getattr(sys, "last_value", None)  # another hook has replaced ours
