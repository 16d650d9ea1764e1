"""A pool of open workspaces, each used by one request at a time."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from queue import Empty, SimpleQueue
from threading import Lock

from mlrun_cli.core.redaction import get_process_redactor
from mlrun_cli.errors import StoreError, WorkspaceNotFound
from mlrun_cli.workspace import Workspace
from mlrun_cli.workspace_locator import WorkspaceIdentity, locate_workspace

_BUSY_TIMEOUT_SECONDS = 5.0
"""The time that a page waits for a locked store before it fails."""


class WorkspacePool:
    """A thread-safe pool of open workspaces."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self._idle: dict[WorkspaceIdentity, SimpleQueue[Workspace]] = {}
        self._lock = Lock()

    @contextmanager
    def acquire(self, identity: WorkspaceIdentity) -> Iterator[Workspace]:
        """Yield an open workspace, which is returned to the pool at the end of the block.

        Raises:
            WorkspaceNotFound: the workspace does not exist.
            StoreError: its store cannot be read.
        """
        workspace = self._reuse_or_open_workspace(identity)
        try:
            yield workspace
        except (StoreError, WorkspaceNotFound):
            workspace.close()
            self._close_idle_workspaces(identity)  # they share with it what SQLite could not open
            raise
        except BaseException:
            self._get_idle_queue(identity).put(workspace)
            raise
        self._get_idle_queue(identity).put(workspace)

    def close(self) -> None:
        """Close all idle workspaces."""
        for identity in list(self._idle):
            self._close_idle_workspaces(identity)

    def _close_idle_workspaces(self, identity: WorkspaceIdentity) -> None:
        queue = self._get_idle_queue(identity)
        with suppress(Empty):
            while True:
                queue.get_nowait().close()

    def _reuse_or_open_workspace(self, identity: WorkspaceIdentity) -> Workspace:
        queue = self._get_idle_queue(identity)
        while True:
            try:
                workspace = queue.get_nowait()
            except Empty:
                workspace = Workspace.open(
                    locate_workspace(self.home, identity),
                    redactor=get_process_redactor(),
                    create=False,
                    only_reads=True,
                )
                workspace.set_busy_timeout(_BUSY_TIMEOUT_SECONDS)
                return workspace
            if workspace.is_current():
                return workspace
            workspace.close()

    def _get_idle_queue(self, identity: WorkspaceIdentity) -> SimpleQueue[Workspace]:
        with self._lock:
            return self._idle.setdefault(identity, SimpleQueue())
