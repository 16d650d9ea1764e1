"""The context of requests: the selected workspace, the open workspaces, and the owner of runs opened in them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType

from mlrun_cli.core.redaction import Redactor, get_process_redactor
from mlrun_cli.errors import MlrunError
from mlrun_cli.workspace import Workspace
from mlrun_cli.workspace_locator import WorkspaceIdentity, locate_workspace


class RequestContext:
    """The workspaces that requests use, opened on first use and kept open until the context is closed.

    Attributes:
        home: the folder of this machine's workspaces.
        get_owner_lock: a function that returns the owner lock of the runs that the client opens in a workspace.

    Args of the constructor:
        redactor: the redactor of the client's secrets; None for that of this process's environment.
        delays_signals: whether signals are delivered after transactions; for processes with handlers of others.
    """

    def __init__(
        self,
        home: Path,
        get_owner_lock: Callable[[Workspace], str],
        redactor: Redactor | None = None,
        *,
        delays_signals: bool = False,
    ) -> None:
        self.home = home
        self.get_owner_lock = get_owner_lock
        self.redactor = redactor or get_process_redactor()
        self._delays_signals = delays_signals
        self._identity: WorkspaceIdentity | None = None
        self._only_reads = False
        self._open: dict[WorkspaceIdentity, Workspace] = {}

    @contextmanager
    def select_workspace(self, identity: WorkspaceIdentity | None, *, only_reads: bool = False) -> Iterator[None]:
        """Select a workspace for the duration of the block; blocks may be nested, for example by a signal handler.

        With `only_reads`, the block changes nothing in the workspace, which another host may use at the same time.
        """
        selected = self._identity, self._only_reads
        self._identity, self._only_reads = identity, only_reads
        try:
            yield
        finally:
            self._identity, self._only_reads = selected

    @property
    def identity(self) -> WorkspaceIdentity:
        """The identity of the selected workspace, whether or not the workspace exists.

        Raises:
            MlrunError: the request has no workspace.
        """
        if self._identity is None:
            raise MlrunError("The request names no workspace.")
        return self._identity

    @property
    def workspace(self) -> Workspace:
        """The selected workspace, which is opened if needed.

        Raises:
            WorkspaceNotFound: it does not exist.
            StoreError: it cannot be used.
        """
        return self.open_workspace(create=False)

    def open_workspace(self, *, create: bool) -> Workspace:
        """Return the selected workspace, opening it if needed; with `create`, also create it if it does not exist.

        Raises:
            WorkspaceNotFound: it does not exist, and `create` is false.
            StoreError: it cannot be used.
        """
        found = self._open.get(self.identity)
        if found is not None and self._is_usable(found):
            return found
        opened = Workspace.open(
            locate_workspace(self.home, self.identity),
            redactor=self.redactor,
            create=create,
            only_reads=self._only_reads,
        )
        if found is not None and found.is_used_elsewhere:
            found.close()
        if self._delays_signals:
            opened.delay_signals()
        self._open[self.identity] = opened
        return opened

    def _is_usable(self, workspace: Workspace) -> bool:
        """Return whether an open workspace still exists and, if another host uses it, is only to be read."""
        if not workspace.folder.is_dir():
            return False
        return not workspace.is_used_elsewhere or (self._only_reads and workspace.is_still_used_elsewhere())

    def close(self) -> None:
        """Close all open workspaces."""
        while self._open:
            self._open.popitem()[1].close()

    def __enter__(self) -> RequestContext:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
