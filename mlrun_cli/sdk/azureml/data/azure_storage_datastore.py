"""Datastores that hold files: here each is a folder of this machine."""

import os
import shutil
from typing import TYPE_CHECKING, Any

from azureml._client.uploads import list_folder_files
from azureml.data.abstract_datastore import AbstractDatastore
from azureml.data.data_reference import DataReference
from azureml.exceptions import UserErrorException

if TYPE_CHECKING:
    from azureml.core.workspace import Workspace


class AbstractAzureStorageDatastore(AbstractDatastore):
    """A folder under a name. What a script uploads to it is copied there; a mount is the folder itself."""

    _kind = ""
    _endpoint: "str | None" = None

    def __init__(
        self,
        workspace: "Workspace | None",
        name: str,
        container_name: str,
        account_name: str,
        sas_token: "str | None" = None,
        account_key: "str | None" = None,
        protocol: "str | None" = None,
        endpoint: "str | None" = None,
        request_session: object = None,
    ) -> None:
        super().__init__(workspace, name, self._kind)
        self.container_name = container_name
        self.account_name = account_name
        self.sas_token = None
        self.account_key = None
        self.credential_type = "None"
        self.protocol = protocol
        self.endpoint = self._endpoint if endpoint is None else endpoint
        self._folder = ""

    @classmethod
    def _from_record(cls, workspace: "Workspace", record: "dict[str, Any]") -> "AbstractAzureStorageDatastore":
        kind = AzureFileDatastore if record["type"] == "AzureFile" else AzureBlobDatastore
        datastore = kind(workspace, record["name"], os.path.basename(record["folder"]), "local", protocol="file")
        datastore._folder = record["folder"]
        return datastore

    @property
    def is_sas(self) -> bool:
        """False: it is never opened by a shared access signature."""
        return False

    def path(self, path: "str | None" = None, data_reference_name: "str | None" = None) -> DataReference:
        """Return a reference to a path of the datastore."""
        return DataReference(self, data_reference_name, path)

    def as_mount(self) -> DataReference:
        """Return a reference to the datastore's root, as a mount: the script gets the folder itself."""
        return self.path().as_mount()

    def as_download(self, path_on_compute: "str | None" = None) -> DataReference:
        """Return a reference to the datastore's root, as a download: the script gets a copy."""
        return self.path().as_download(path_on_compute)

    def as_upload(self, path_on_compute: "str | None" = None) -> DataReference:
        """Return a reference to the datastore's root, as an upload of the script's files."""
        return self.path().as_upload(path_on_compute)

    def upload(
        self, src_dir: str, target_path: "str | None" = None, overwrite: bool = False, show_progress: bool = True
    ) -> DataReference:
        """Copy all files of a folder, following links, to a path of the datastore, by default its root.

        Raises:
            UserErrorException: The folder is not there, or the path leads out of the datastore.
        """
        files = [os.path.join(src_dir, name) for name in list_folder_files(src_dir)]
        return self.upload_files(files, src_dir, target_path, overwrite, show_progress)

    def upload_files(
        self,
        files: "list[str]",
        relative_root: "str | None" = None,
        target_path: "str | None" = None,
        overwrite: bool = False,
        show_progress: bool = True,
    ) -> DataReference:
        """Copy files to a path of the datastore, keeping their paths relative to `relative_root`.

        Without a root it is the folder that all of them have in common. What is there already stays, unless
        `overwrite`.

        Raises:
            UserErrorException: A file is not there, or would lie outside of the datastore.
        """
        sources = [os.path.abspath(file) for file in files]
        for source in sources:
            if not os.path.isfile(source):
                raise UserErrorException(f"There is no file {source} to upload.")
        folders = [os.path.dirname(source) for source in sources]
        root = os.path.abspath(relative_root) if relative_root else os.path.commonpath(folders) if folders else "/"
        target = self._normalize_path(target_path)
        names = [self._normalize_path(os.path.join(target, os.path.relpath(source, root))) for source in sources]
        places = [os.path.join(self._folder, name) for name in names]
        copied = sum(_copy(source, place, overwrite) for source, place in zip(sources, places))
        if show_progress:
            print(f"Uploaded {copied} files to datastore {self.name!r}.")
            if copied < len(files):
                print(f"{len(files) - copied} were there already; overwrite=True replaces them.")
        return self.path(target_path)

    def download(
        self, target_path: str, prefix: "str | None" = None, overwrite: bool = False, show_progress: bool = True
    ) -> int:
        """Copy the files whose paths begin with `prefix` to a folder, under these paths; return their number.

        What is there already stays, unless `overwrite`.
        """
        there = list_folder_files(self._folder) if os.path.isdir(self._folder) else []
        names = [name for name in there if name.startswith((prefix or "").lstrip("/"))]
        copied = sum(
            _copy(os.path.join(self._folder, name), os.path.join(os.path.abspath(target_path), name), overwrite)
            for name in names
        )
        if show_progress:
            print(f"Downloaded {copied} files from datastore {self.name!r}.")
        return copied

    def _normalize_path(self, path: "str | None") -> str:
        """Return a path normalized to stay within the datastore; `.` is its root."""
        inside = os.path.normpath((path or "").lstrip("/") or ".")
        if inside.split("/")[0] == "..":
            raise UserErrorException(f"{path!r} leads out of datastore {self.name!r}: name a path below its root.")
        return inside

    def _describe(self) -> "dict[str, Any]":
        return {
            "name": self._name,
            "container_name": self.container_name,
            "account_name": self.account_name,
            "protocol": self.protocol,
            "endpoint": self.endpoint,
        }


class AzureBlobDatastore(AbstractAzureStorageDatastore):
    """A folder where Azure has a container of blobs."""

    _kind = "AzureBlob"

    def __init__(
        self,
        *args: Any,
        workspace_msi_has_access: bool = False,
        subscription_id: "str | None" = None,
        resource_group: "str | None" = None,
        service_data_access_auth_identity: object = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, **kwargs)
        self.workspace_msi_has_access = workspace_msi_has_access
        self.subscription_id = subscription_id
        self.resource_group = resource_group
        self.service_data_access_auth_identity = service_data_access_auth_identity


class AzureFileDatastore(AbstractAzureStorageDatastore):
    """A folder where Azure has a share of files."""

    _kind = "AzureFile"
    _endpoint = "core.windows.net"


def _copy(source: str, place: str, overwrite: bool) -> bool:
    """Copy a file atomically; return False when one exists and is kept."""
    if os.path.lexists(place) and not overwrite:
        return False
    os.makedirs(os.path.dirname(place), exist_ok=True)
    temporary = f"{place}.{os.urandom(4).hex()}.tmp"
    try:
        shutil.copyfile(source, temporary)
        os.replace(temporary, place)
    except BaseException:
        if os.path.exists(temporary):
            os.unlink(temporary)
        raise
    return True
