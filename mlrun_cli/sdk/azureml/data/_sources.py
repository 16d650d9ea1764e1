"""The paths that define a dataset, and the files that they currently match."""

import os
import re
import shutil
from typing import TYPE_CHECKING, Any, NamedTuple

from azureml._client.client import get_client
from azureml.data.abstract_datastore import AbstractDatastore
from azureml.data.data_reference import DataReference
from azureml.data.datapath import DataPath
from azureml.exceptions import UserErrorException

if TYPE_CHECKING:
    from azureml.core.workspace import Workspace

_REMOTE = ("http://", "https://")


class DataFile(NamedTuple):
    """A file of a dataset: its name relative to the dataset's root, and its path or URL."""

    name: str
    source: str


class DataFiles(NamedTuple):
    """The files of a dataset, and the path of the single folder or file that they form, or None."""

    files: "list[DataFile]"
    whole: "str | None"


class Sources(NamedTuple):
    """The paths in a dataset definition, and the workspace of their datastores, or None without datastores."""

    paths: "list[dict[str, str]]"
    workspace: "Workspace | None"


def parse_sources(path: Any) -> Sources:
    """Return the sources for a path, pattern, URL, `DataPath`, pair of datastore and path, or a list of them.

    Raises:
        UserErrorException: The value is of another type, or an empty list.
    """
    is_pair = isinstance(path, tuple) and len(path) == 2 and isinstance(path[0], AbstractDatastore)
    items = list(path) if isinstance(path, (list, tuple)) and not is_pair else [path]
    if not items:
        raise UserErrorException("A dataset needs at least one path.")
    paths = [_build_dataset_path(item) for item in items]
    datastores = [datastore for datastore in map(_find_datastore, items) if datastore is not None]
    return Sources(paths, datastores[0].workspace if datastores else None)


def send_request(workspace: "Workspace | None", call: str, **arguments: Any) -> Any:
    """Send a request and return its result; a workspace is only needed if datastores are involved."""
    if workspace is not None:
        return workspace._request(call, **arguments)
    return get_client().request(call, **arguments)


def list_files(definition: "dict[str, Any]", workspace: "Workspace | None") -> DataFiles:
    """Return the current files of a dataset.

    Raises:
        UserErrorException: One of its paths matches no file.
    """
    response = send_request(workspace, "datasets.files", definition=definition)
    return DataFiles([DataFile(*pair) for pair in response["files"]], response["whole"])


def fetch_file(file: DataFile, destination: str) -> None:
    """Copy or download a file to a path, creating parent folders.

    Raises:
        UserErrorException: The file cannot be copied or downloaded.
    """
    os.makedirs(os.path.dirname(destination), exist_ok=True)
    temporary = f"{destination}.{os.urandom(4).hex()}.tmp"
    try:
        if file.source.startswith(_REMOTE):
            from azureml._wire.http_download import download

            download(file.source, temporary)
        else:
            shutil.copyfile(file.source, temporary)
        os.replace(temporary, destination)
    except OSError as error:
        shown = re.sub(r"^(https?://)[^/]*@", r"\1", file.source.partition("?")[0])
        raise UserErrorException(f"{shown} cannot be copied to {destination}: {error.strerror or error}.") from error
    finally:
        if os.path.exists(temporary):
            os.unlink(temporary)


def link_file(file: DataFile, destination: str) -> None:
    """Create a symbolic link to a local file, or download a remote one."""
    if file.source.startswith(_REMOTE):
        fetch_file(file, destination)
    else:
        os.makedirs(os.path.dirname(destination), exist_ok=True)
        os.symlink(file.source, destination)


def _find_datastore(path_item: Any) -> "AbstractDatastore | None":
    """Return the datastore that an item of a dataset's paths is or refers to, or None if there is none."""
    if isinstance(path_item, DataPath):
        return path_item._datastore
    if isinstance(path_item, DataReference):
        return path_item.datastore
    if isinstance(path_item, AbstractDatastore):
        return path_item
    return (
        path_item[0]
        if isinstance(path_item, tuple) and len(path_item) == 2 and isinstance(path_item[0], AbstractDatastore)
        else None
    )


def _build_dataset_path(path_item: Any) -> "dict[str, str]":
    """Return a path, pattern, URL or datastore path in the format of a dataset definition."""
    datastore = _find_datastore(path_item)
    if datastore is not None:
        path = path_item[1] if isinstance(path_item, tuple) else getattr(path_item, "path_on_datastore", None)
        if path is None or isinstance(path, str):
            return {"datastore": datastore.name, "path": path or ""}
    if isinstance(path_item, (str, os.PathLike)):
        text = os.fspath(path_item)
        if isinstance(text, str) and text:
            return _parse_source(text)
    raise UserErrorException(
        f"{path_item!r} is not a path of a dataset. Name a file, a folder, a pattern or a URL as text, a DataPath, "
        "(datastore, 'path'), or a list of these."
    )


def _parse_source(source_text: str) -> "dict[str, str]":
    if source_text.startswith(_REMOTE):
        return {"url": source_text}
    if source_text.startswith("file://"):
        from urllib.parse import unquote, urlsplit

        return {"path": os.path.abspath(unquote(urlsplit(source_text).path))}
    scheme, separator, _ = source_text.partition("://")
    if separator:
        raise UserErrorException(
            f"Nothing at {scheme}:// is read here. Name a path of this machine, a http or https URL, or a path of a "
            "datastore, which Datastore.register_local(workspace, name, folder) makes of a folder."
        )
    return {"path": os.path.abspath(os.path.expanduser(source_text))}
