"""The workspaces that are open: a few connections to each, lent to one page at a time."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from queue import Empty, SimpleQueue
from threading import Lock

from mlrun_cli.errors import StoreError, WorkspaceNotFound
from mlrun_cli.workspace import Workspace
from mlrun_cli.workspace_locator import WorkspaceIdentity, locate_workspace

_PATIENCE_SECONDS = 5.0
"""A page that cannot write for longer says that the store is locked."""


class OpenWorkspaces:
    """Lends open workspaces; threads may share it."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self._idle: dict[WorkspaceIdentity, SimpleQueue[Workspace]] = {}
        self._lock = Lock()

    @contextmanager
    def lend(self, identity: WorkspaceIdentity) -> Iterator[Workspace]:
        """An open workspace for as long as a page needs it.

        Raises:
            WorkspaceNotFound: there is none, or not any more.
            StoreError: it cannot be read.
        """
        workspace = self._take(identity)
        try:
            yield workspace
        except (StoreError, WorkspaceNotFound):
            workspace.close()
            raise
        except BaseException:
            self._queue(identity).put(workspace)
            raise
        self._queue(identity).put(workspace)

    def close(self) -> None:
        """Close those that are not lent."""
        for queue in self._idle.values():
            while not queue.empty():
                queue.get().close()

    def _take(self, identity: WorkspaceIdentity) -> Workspace:
        queue = self._queue(identity)
        while True:
            try:
                workspace = queue.get_nowait()
            except Empty:
                workspace = Workspace.open(locate_workspace(self.home, identity), create=False)
                workspace.set_busy_timeout(_PATIENCE_SECONDS)
                return workspace
            if workspace.is_in_place():
                return workspace
            workspace.close()

    def _queue(self, identity: WorkspaceIdentity) -> SimpleQueue[Workspace]:
        with self._lock:
            return self._idle.setdefault(identity, SimpleQueue())
