"""Notebook cells that display runs; one thread updates all of them until their runs have ended."""

import time
from importlib import import_module
from threading import RLock, Thread
from typing import Any, Dict, List, Optional

from azureml._client.forking import ForkAware, register_fork_aware, reset_if_forked
from azureml._wire.background_threads import start_background_thread
from azureml.core._streaming import ENDED
from azureml.exceptions import AzureMLException
from azureml.widgets._page import RunPage

_PAUSE_SECONDS = 1.0
_MAX_FAILURES = 60
THREAD_NAME = "RunDetails"


class _Cell:
    """A notebook cell that displays a run."""

    def __init__(self, run: Any) -> None:
        self._page = _create_page(run)
        self._bundle: Dict[str, str] = {}
        self._handle: Any = None
        self._failures = 0

    def refresh(self) -> bool:
        """Display the current state of the run and return whether the run is still active."""
        record = self._page.read()
        bundle = self._page.build_mime_bundle()
        if bundle != self._bundle:
            self._bundle = bundle
            shown = {**bundle, "text/html": f"{bundle['text/html']}<small>as of {_format_now()}</small>"}
            if self._handle is None:
                display = import_module("IPython.display").display
                self._handle = display(shown, raw=True, display_id=True)
            else:
                self._handle.update(shown, raw=True)
        return record["status"] not in ENDED

    def try_refresh(self) -> bool:
        """Refresh the cell unless the run cannot be read, and return whether to continue refreshing it."""
        try:
            goes_on = self.refresh()
        except AzureMLException:  # the workspace may be temporarily unavailable
            self._failures += 1
            return self._failures < _MAX_FAILURES
        self._failures = 0
        return goes_on


class _CellUpdater(ForkAware):
    """The thread that updates the cells of active runs; a forked child starts without cells."""

    def __init__(self) -> None:
        self._reset()
        register_fork_aware(self)

    def _reset(self) -> None:
        self._lock = RLock()
        self._cells: List[_Cell] = []
        self._thread: Optional[Thread] = None

    def reset_after_fork(self) -> None:
        self._reset()

    def add(self, cell: _Cell) -> None:
        reset_if_forked()
        with self._lock:
            self._cells.append(cell)
            if self._thread is None:
                self._thread = start_background_thread(self._refresh_until_ended, name=THREAD_NAME)

    def _refresh_until_ended(self) -> None:
        """Refresh all cells periodically until their runs have ended."""
        while True:
            time.sleep(_PAUSE_SECONDS)
            for cell in list(self._cells):
                goes_on = False
                try:
                    goes_on = cell.try_refresh()
                finally:
                    if not goes_on:
                        self._remove(cell)
            with self._lock:
                if not self._cells:
                    self._thread = None
                    return

    def _remove(self, cell: _Cell) -> None:
        with self._lock:
            self._cells.remove(cell)


_follower = _CellUpdater()


def _create_page(run: Any) -> RunPage:
    """Return the page that displays a run, according to the run's type."""
    if run.type == "hyperdrive":
        from azureml.widgets._sweep_page import SweepPage

        return SweepPage(run)
    if run.type == "azureml.PipelineRun":
        from azureml.widgets._pipeline_page import PipelinePage

        return PipelinePage(run)
    return RunPage(run)


def show_run(run: Any) -> None:
    """Display a run in the current notebook cell and update it until the run has ended."""
    cell = _Cell(run)
    if cell.refresh():
        _follower.add(cell)


def _format_now() -> str:
    return time.strftime("%Y-%m-%d %H:%M:%S %Z")
