"""Datastores for files, which are folders on this machine."""

import os
import shutil
from typing import TYPE_CHECKING, Any

from azureml._client.uploads import list_folder_files
from azureml._unsupported import create_unsupported_error
from azureml.data.abstract_datastore import AbstractDatastore
from azureml.data.data_reference import DataReference
from azureml.exceptions import UserErrorException

if TYPE_CHECKING:
    from azureml.core.workspace import Workspace


class AbstractAzureStorageDatastore(AbstractDatastore):
    """A named folder; files are uploaded to it by copying, and a mount gives access to the folder itself."""

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
        """Always False, since access never requires a shared access signature."""
        return False

    def path(self, path: "str | None" = None, data_reference_name: "str | None" = None) -> DataReference:
        """Return a reference to a path in the datastore."""
        return DataReference(self, data_reference_name, path)

    def as_mount(self) -> DataReference:
        """Return a mount reference to the datastore's root: a script gets the folder's path."""
        return self.path().as_mount()

    def as_download(self, path_on_compute: "str | None" = None) -> DataReference:
        """Return a download reference to the datastore's root: a script gets the path of a copy."""
        return self.path().as_download(path_on_compute)

    def as_upload(self, path_on_compute: "str | None" = None) -> DataReference:
        """Return an upload reference to the datastore's root: a script's files are uploaded to it."""
        return self.path().as_upload(path_on_compute)

    def upload(
        self, src_dir: str, target_path: "str | None" = None, overwrite: bool = False, show_progress: bool = True
    ) -> DataReference:
        """Copy all files in a folder, following links, to the datastore and return a reference to the target path.

        Raises:
            UserErrorException: The folder does not exist, or the path is outside the datastore.
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
        """Copy files to the datastore with paths relative to `relative_root`; return a reference to the target.

        The root defaults to the deepest common folder of the files. Existing files are skipped unless `overwrite` is
        True.

        Raises:
            UserErrorException: A file does not exist, or its destination is outside the datastore.
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
        copied = sum(_copy_file(source, place, overwrite) for source, place in zip(sources, places))
        if show_progress:
            print(f"Uploaded {copied} files to datastore {self.name!r}.")
            if copied < len(files):
                print(f"{len(files) - copied} were there already; overwrite=True replaces them.")
        return self.path(target_path)

    def download(
        self, target_path: str, prefix: "str | None" = None, overwrite: bool = False, show_progress: bool = True
    ) -> int:
        """Copy the datastore's files whose paths start with `prefix` to a folder and return the number of copied files.

        Their paths are preserved. Existing files are skipped unless `overwrite` is True.
        """
        there = list_folder_files(self._folder) if os.path.isdir(self._folder) else []
        names = [name for name in there if name.startswith((prefix or "").lstrip("/"))]
        copied = sum(
            _copy_file(os.path.join(self._folder, name), os.path.join(os.path.abspath(target_path), name), overwrite)
            for name in names
        )
        if show_progress:
            print(f"Downloaded {copied} files from datastore {self.name!r}.")
        return copied

    def _normalize_path(self, path: "str | None") -> str:
        """Return a path relative to the root, normalized; raise UserErrorException if it leads out of the datastore."""
        inside = os.path.normpath((path or "").lstrip("/") or ".")
        if inside.split("/")[0] == "..":
            raise UserErrorException(f"{path!r} leads out of datastore {self.name!r}: name a path below its root.")
        return inside

    def _build_description(self) -> "dict[str, Any]":
        return {
            "name": self._name,
            "container_name": self.container_name,
            "account_name": self.account_name,
            "protocol": self.protocol,
            "endpoint": self.endpoint,
        }


class AzureBlobDatastore(AbstractAzureStorageDatastore):
    """A folder that replaces an Azure blob container."""

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

    @property
    def blob_service(self) -> Any:
        """Raise UserErrorException, since there is no storage account."""
        raise _create_client_error("blob_service")


class AzureFileDatastore(AbstractAzureStorageDatastore):
    """A folder that replaces an Azure file share."""

    _kind = "AzureFile"
    _endpoint = "core.windows.net"

    @property
    def file_service(self) -> Any:
        """Raise UserErrorException, since there is no storage account."""
        raise _create_client_error("file_service")


def _create_client_error(name: str) -> UserErrorException:
    return create_unsupported_error(
        f"datastore.{name}",
        "The datastore is a folder, whose files datastore.upload(…), datastore.download(…) and "
        "Dataset.File.from_files((datastore, 'a/**')) write, copy and list",
    )


def _copy_file(source: str, destination: str, overwrite: bool) -> bool:
    """Copy a file atomically; return False if the destination exists and `overwrite` is False."""
    if os.path.lexists(destination) and not overwrite:
        return False
    os.makedirs(os.path.dirname(destination), exist_ok=True)
    temporary = f"{destination}.{os.urandom(4).hex()}.tmp"
    try:
        shutil.copyfile(source, temporary)
        os.replace(temporary, destination)
    except BaseException:
        if os.path.exists(temporary):
            os.unlink(temporary)
        raise
    return True
