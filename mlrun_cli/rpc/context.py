"""Where a question is asked: on which machine, of which workspace, from within which run."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import TracebackType

from mlrun_cli.errors import MlrunError
from mlrun_cli.workspace import Workspace, WorkspaceIdentity


class Place:
    """Opens workspaces when they are first asked about and keeps them open until it is left.

    Attributes:
        home: where the workspaces of this machine lie.
        get_owner_lock: returns the owner lock of the runs that the asker opens in a workspace.
        asking_run_id: the submitted run that the script which asks belongs to; None outside of one.
    """

    def __init__(
        self, home: Path, get_owner_lock: Callable[[Workspace], str], *, asking_run_id: str | None = None
    ) -> None:
        self.home = home
        self.get_owner_lock = get_owner_lock
        self.asking_run_id = asking_run_id
        self._identity: WorkspaceIdentity | None = None
        self._open: dict[WorkspaceIdentity, Workspace] = {}

    def turn_to(self, identity: WorkspaceIdentity | None) -> None:
        """Have the questions that follow be about this workspace."""
        self._identity = identity

    @property
    def identity(self) -> WorkspaceIdentity:
        """The names of the workspace that is asked about, which need not exist.

        Raises:
            MlrunError: the question names none.
        """
        if self._identity is None:
            raise MlrunError("The question names no workspace.")
        return self._identity

    @property
    def workspace(self) -> Workspace:
        """The workspace that is asked about.

        Raises:
            WorkspaceNotFound: it does not exist.
            StoreError: it cannot be used.
        """
        return self.open_workspace(create=False)

    def open_workspace(self, *, create: bool) -> Workspace:
        """The workspace that is asked about; `create` makes it when there is none.

        Raises:
            WorkspaceNotFound: it does not exist, and was not to be made.
            StoreError: it cannot be used.
        """
        found = self._open.get(self.identity)
        if found is not None and found.folder.is_dir():
            return found
        opened = Workspace.open(self.identity, self.home, create=create)
        self._open[self.identity] = opened
        return opened

    def close(self) -> None:
        """Close all workspaces."""
        while self._open:
            self._open.popitem()[1].close()

    def __enter__(self) -> Place:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
