"""An empty workspace outside of the home, for dry runs before the real one exists."""

from __future__ import annotations

import tempfile
from pathlib import Path

from mlrun_cli.core.redaction import get_process_redactor
from mlrun_cli.store.db.registry import locate_database
from mlrun_cli.workspace import Workspace
from mlrun_cli.workspace_locator import WorkspaceLocator


class BlankWorkspace(Workspace):
    """A workspace without runs whose database is temporary, and whose folder does not exist."""

    is_blank = True

    def __init__(self, locator: WorkspaceLocator) -> None:
        """Create the database in the system's temporary folder, where it stays until `close`.

        Args:
            locator: the location that the real workspace would have, which paths in records name.
        """
        self._temporary = tempfile.TemporaryDirectory(prefix="mlrun-dry-run-")
        database = locate_database(Path(self._temporary.name))
        database.create()
        super().__init__(locator._replace(database=database), database.open(), get_process_redactor())

    def close(self) -> None:
        """Close the database, and remove it."""
        super().close()
        self._temporary.cleanup()
