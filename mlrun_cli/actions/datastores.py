"""Datastores: the two built-in folders of every workspace, and folders that users attach."""

from __future__ import annotations

import os
import shlex
from pathlib import Path

from mlrun_cli.core.home import make_private_folder
from mlrun_cli.core.named_tuple import NamedTuple
from mlrun_cli.core.same_content import has_other_content
from mlrun_cli.core.similar_files import describe_similar_file
from mlrun_cli.core.temporary import is_temporary, open_fd_atomically
from mlrun_cli.data.datastore import BLOB_DATASTORE, FILE_DATASTORE, Datastore, check_datastore_name
from mlrun_cli.errors import (
    AlreadyExists,
    DataNotFound,
    DatastoreNotFound,
    FileAlreadyExists,
    InUse,
    InvalidPath,
    MissingFile,
    OperatingSystemError,
    ReservedName,
)
from mlrun_cli.snapshots.scan import describe_read_error
from mlrun_cli.snapshots.snapshot import OmittedPath, format_first_names
from mlrun_cli.wire import copying
from mlrun_cli.wire.linked_files import Reason, list_files_following_links
from mlrun_cli.workspace import Workspace

_DEFAULT = "default_datastore"
_OWN = (BLOB_DATASTORE, FILE_DATASTORE)


class CopyResult(NamedTuple):
    """The number of files that were copied, the number of existing files that were kept, and the omitted paths."""

    copied: int
    kept: int
    left_out: list[OmittedPath]


class _FolderFiles(NamedTuple):
    """The files below a folder, as sorted relative paths, and the omitted paths."""

    names: list[str]
    left_out: list[OmittedPath]


def list_datastores(workspace: Workspace) -> list[Datastore]:
    """Return all datastores, sorted by name."""
    own = [_get_built_in_datastore(workspace, name) for name in _OWN]
    return sorted([*own, *workspace.datastores.list()])


def get_datastore(workspace: Workspace, name: str | None = None) -> Datastore:
    """Return the datastore with this name, by default the default datastore; create the folder of a built-in one.

    Raises:
        DataNotFound: no datastore has this name, or its folder does not exist.
        StoreError: its folder cannot be created.
    """
    name = get_default_datastore_name(workspace) if name is None else name
    if name in _OWN:
        own = _get_built_in_datastore(workspace, name)
        if not workspace.is_blank and not workspace.is_used_elsewhere:
            make_private_folder(own.folder)
        return own
    found = workspace.datastores.find(name)
    if found is None:
        known = ", ".join(datastore.name for datastore in list_datastores(workspace))
        raise DatastoreNotFound(
            f"There is no datastore '{name}'. There are: {known}.",
            hint=f"'mlrun datastore attach-local {name} FOLDER' attaches a folder of this machine; in a script, "
            f"Datastore.register_local(workspace, '{name}', folder) does.",
            target=name,
        )
    if not found.folder.is_dir():
        raise DatastoreNotFound(
            f"The folder of datastore '{name}' is gone: {found.folder}.",
            hint="Put the folder back, or register the datastore again with another one.",
            target=name,
        )
    return found


def get_default_datastore_name(workspace: Workspace) -> str:
    """Return the name of the workspace's default datastore."""
    return workspace.settings.get(_DEFAULT) or BLOB_DATASTORE


def set_default_datastore(workspace: Workspace, name: str) -> None:
    """Set the default datastore of the workspace.

    Raises:
        DataNotFound: no datastore has this name.
    """
    known = get_datastore(workspace, name).name
    with workspace.transaction():
        workspace.settings.set(_DEFAULT, known)


def register_datastore(workspace: Workspace, name: str, folder: Path, *, overwrite: bool = False) -> Datastore:
    """Register a local folder as a datastore and return the datastore.

    Raises:
        UsageError: the name is not valid, belongs to a built-in datastore, or belongs to another folder and `overwrite`
            is not set; or the folder does not exist.
    """
    check_datastore_name(name)
    if name in _OWN:
        raise ReservedName(f"The datastore '{name}' is the workspace's own.", hint="Choose another name.", target=name)
    if not folder.is_dir():
        kind = InvalidPath if folder.exists() else MissingFile
        what = "is not a folder" if folder.exists() else "does not exist"
        raise kind(f"'{folder}' {what}.", hint="Name a folder that exists.", target=folder)
    with workspace.transaction():
        before = workspace.datastores.find(name)
        if before is not None and before.folder != folder and not overwrite:
            raise AlreadyExists(
                f"The datastore '{name}' already exists, with the folder {before.folder}.",
                hint="Use --overwrite true (overwrite=True in a script) to change its folder, or choose another name.",
                target=name,
            )
        workspace.datastores.upsert(name, folder)
    return Datastore(name, folder, is_own=False)


def unregister_datastore(workspace: Workspace, name: str) -> Datastore:
    """Remove a datastore and return it; its folder is unchanged.

    Raises:
        MlrunError: as of `get_removable_datastore`.
    """
    with workspace.transaction():
        there = get_removable_datastore(workspace, name)
        workspace.datastores.delete(name)
    return there


def get_removable_datastore(workspace: Workspace, name: str) -> Datastore:
    """Return the datastore with this name, whose folder may not exist; raise if the datastore cannot be removed.

    Raises:
        DataNotFound: no datastore has this name.
        UsageError: it is a built-in datastore or the default datastore.
    """
    if name in _OWN:
        raise ReservedName(f"The datastore '{name}' is the workspace's own, and cannot be removed.", target=name)
    if name == get_default_datastore_name(workspace):
        raise InUse(
            f"The datastore '{name}' is the default one.",
            hint="First set another one as the default: 'mlrun datastore set-default -n NAME'.",
            target=name,
        )
    return workspace.datastores.find(name) or get_datastore(workspace, name)


def upload_files(datastore: Datastore, source: Path, target_path: str | None, *, overwrite: bool) -> CopyResult:
    """Copy a file, or all files below a folder, to a path of a datastore, and return the result of the copying.

    Raises:
        UsageError: the source does not exist, or the path leads out of the datastore.
        MlrunError: a file cannot be copied.
    """
    place = datastore.resolve_path(target_path)
    if source.is_file():
        return _copy_files(source.parent, _FolderFiles([source.name], []), place, overwrite=overwrite)
    if not source.is_dir():
        hint = describe_similar_file(source) or "Name a file or folder to upload with -p."
        raise MissingFile(f"'{source}' does not exist.", hint=hint, target=source)
    return _copy_files(source, _list_files(source), place, overwrite=overwrite)


def download_files(
    datastore: Datastore, prefix: str | None, folder: Path, *, overwrite: bool, allow_different: bool = True
) -> CopyResult:
    """Copy a datastore's files whose paths start with `prefix` to the same paths below a folder, and return the result.

    Existing files are kept unless `overwrite` is set; unless `allow_different` is set, they must have the same content.

    Raises:
        DataNotFound: there is no such file.
        UsageError: files with different content exist but must not differ; nothing is copied then.
        MlrunError: a file cannot be copied.
    """
    wanted = (prefix or "").lstrip("/")
    there = _list_files(datastore.folder)
    names = [name for name in there.names if name.startswith(wanted)]
    left_out = [one for one in there.left_out if one.path.startswith(wanted) or wanted.startswith(f"{one.path}/")]
    if not names and not left_out:
        what = f"no file whose path begins with '{wanted}'" if wanted else "no file"
        raise DataNotFound(
            f"There is {what} in the datastore '{datastore.name}', {datastore.folder}.", target=datastore.name
        )
    if not overwrite and not allow_different:
        others = [name for name in names if has_other_content(datastore.folder / name, folder / name)]
        if others:
            raise FileAlreadyExists(
                f"Nothing was downloaded: '{folder}' has other files under {format_first_names(others)}.",
                hint="Add --overwrite true to replace them, or choose another folder with -d.",
                target=folder,
            )
    return _copy_files(datastore.folder, _FolderFiles(names, left_out), folder, overwrite=overwrite)


def _list_files(folder: Path) -> _FolderFiles:
    """Return the files below a folder, including linked files but not files that are still being written."""
    left_out: list[OmittedPath] = []

    def record_skipped_file(path: str, reason: Reason) -> None:
        left_out.append(OmittedPath(path, describe_read_error(reason) if isinstance(reason, OSError) else reason))

    names = list_files_following_links(folder, record_skipped_file, is_temporary)
    return _FolderFiles(names, sorted(left_out))


def _copy_files(source: Path, files: _FolderFiles, destination: Path, *, overwrite: bool) -> CopyResult:
    copied = sum(_copy_file(source / name, destination / name, overwrite=overwrite) for name in files.names)
    return CopyResult(copied, len(files.names) - copied, files.left_out)


def _copy_file(source: Path, destination: Path, *, overwrite: bool) -> bool:
    """Copy a file atomically; return False if the destination exists and is left unchanged.

    Raises:
        FileAlreadyExists: there is a folder.
        OperatingSystemError: it cannot be copied.
    """
    if destination.is_dir():
        raise FileAlreadyExists(
            f"'{destination}' is a folder, which a file does not replace.",
            hint=f"Remove it if it is empty: rmdir {shlex.quote(str(destination))}",
            target=destination,
        )
    if os.path.lexists(destination) and not overwrite:
        return False
    try:
        destination.parent.mkdir(parents=True, exist_ok=True)
        with (
            open(source, "rb", opener=lambda path, flags: os.open(path, flags | os.O_NONBLOCK)) as content,
            open_fd_atomically(destination) as file,
        ):
            copying.copy(content.fileno(), file, os.fstat(content.fileno()).st_size)
    except OSError as error:
        raise OperatingSystemError(
            f"'{source}' cannot be copied to '{destination}': {error.strerror or error}."
        ) from error
    return True


def _get_built_in_datastore(workspace: Workspace, name: str) -> Datastore:
    return Datastore(name, workspace.folder / "datastores" / name, is_own=True)
