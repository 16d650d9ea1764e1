"""Datastores: named folders on this machine that replace Azure's storage containers."""

from __future__ import annotations

import re
from pathlib import Path, PurePosixPath
from typing import Any

from mlrun_cli.core.named_tuple import NamedTuple
from mlrun_cli.errors import InvalidName, InvalidPath

BLOB_DATASTORE = "workspaceblobstore"
FILE_DATASTORE = "workspacefilestore"

_NAME = r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,254}"


class Datastore(NamedTuple):
    """A named folder; `is_own` is True if the workspace creates it, and False if it is the user's."""

    name: str
    folder: Path
    is_own: bool

    def resolve_path(self, relative: str | None) -> Path:
        """Return the absolute path for a path relative to the datastore's root; leading slashes are ignored.

        Raises:
            UsageError: the path leads out of the datastore.
        """
        parts = PurePosixPath((relative or "").strip().lstrip("/")).parts
        if ".." in parts:
            raise InvalidPath(
                f"'{relative}' leads out of the datastore '{self.name}'.",
                hint="Use a path below its root, without '..'.",
                target=relative,
            )
        return self.folder.joinpath(*parts)


def build_datastore_record(datastore: Datastore, *, is_default: bool) -> dict[str, Any]:
    """Return the record of a datastore for `azureml.core`."""
    return {
        "name": datastore.name,
        "type": "AzureFile" if datastore.name == FILE_DATASTORE else "AzureBlob",
        "folder": str(datastore.folder),
        "is_default": is_default,
    }


def check_datastore_name(name: object) -> str:
    """Return a datastore name unchanged; raise UsageError if it is invalid.

    Raises:
        UsageError: it is not text, or has characters other than letters, digits, '_', '-' and '.'.
    """
    if not isinstance(name, str) or not re.fullmatch(_NAME, name):
        raise InvalidName(
            f"{name!r} is not a name for a datastore.",
            hint="Use up to 255 letters, digits, '_', '-' and '.'.",
            target=name,
        )
    return name
