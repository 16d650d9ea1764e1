"""Lookup and registration of a workspace's datastores, which are folders on this machine."""

import os
from typing import TYPE_CHECKING, Any

from azureml._client.notices import warn_once
from azureml._unsupported import create_unsupported_error
from azureml.data.azure_storage_datastore import AbstractAzureStorageDatastore
from azureml.exceptions import UserErrorException

if TYPE_CHECKING:
    from azureml.core.workspace import Workspace

__all__ = ["Datastore", "UserErrorException"]

_ATTACH = (
    "Datastores here are folders of this machine: get the data to a folder, for example by azcopy or a mount, and "
    "attach that by Datastore.register_local(workspace, {name!r}, folder). After that this call returns the folder's "
    "datastore"
)
_QUERY = "Query the database in the script, and keep what comes back as files"


def _create_database_method(method_name: str) -> Any:
    """Return a static method that raises an error, since datastores that are databases are not supported."""

    def refuse(workspace: "Workspace", datastore_name: str, *_: object, **__: object) -> Any:  # noqa: ARG001 - by name
        raise create_unsupported_error(f"Datastore.{method_name}", _QUERY)

    return staticmethod(refuse)


def _create_storage_method(method_name: str) -> Any:
    """Return a static method that returns the datastore with the given name, or raises an error if it is not attached.

    No storage is reached: the data of one that is only registered would be missing in a run, far from here.
    """

    def find_folder(workspace: "Workspace", datastore_name: str, *_: object, **__: object) -> Any:
        found = list_datastores(workspace).get(datastore_name)
        if found is None:
            raise create_unsupported_error(f"Datastore.{method_name}", _ATTACH.format(name=datastore_name))
        warn_once(
            f"Datastore.{method_name} {datastore_name}",
            f"Datastore {datastore_name!r} is the folder {found._folder} of this machine; "
            f"Datastore.{method_name} reaches no storage in Azure.",
        )
        return found

    return staticmethod(find_folder)


class Datastore:
    """The entry point for datastores; `Datastore(workspace, name)` returns one, by default the default datastore."""

    def __new__(cls, workspace: "Workspace", name: "str | None" = None) -> Any:
        """Return the datastore with this name.

        Raises:
            UserErrorException: There is no such datastore.
        """
        return _get_datastore(workspace, name)

    def __init__(self, workspace: "Workspace", name: "str | None" = None) -> None: ...

    @staticmethod
    def get(workspace: "Workspace", datastore_name: str) -> Any:
        """Return the datastore with this name.

        Raises:
            UserErrorException: There is no such datastore; the message lists the existing ones.
        """
        return _get_datastore(workspace, datastore_name)

    @staticmethod
    def get_default(workspace: "Workspace") -> Any:
        """Return the default datastore of a workspace."""
        return _get_datastore(workspace, None)

    @staticmethod
    def register_local(workspace: "Workspace", datastore_name: str, folder: str, overwrite: bool = False) -> Any:
        """Register a folder on this machine as a datastore and return it; Azure has no such method.

        Raises:
            UserErrorException: The folder does not exist, or the name is in use and `overwrite` is False.
        """
        record = workspace._request(
            "datasets.register_datastore",
            name=datastore_name,
            folder=os.path.abspath(os.path.expanduser(folder)),
            overwrite=overwrite,
        )
        return AbstractAzureStorageDatastore._from_record(workspace, record)

    register_azure_blob_container = _create_storage_method("register_azure_blob_container")
    register_azure_data_lake = _create_storage_method("register_azure_data_lake")
    register_azure_data_lake_gen2 = _create_storage_method("register_azure_data_lake_gen2")
    register_azure_file_share = _create_storage_method("register_azure_file_share")
    register_azure_my_sql = _create_database_method("register_azure_my_sql")
    register_azure_postgre_sql = _create_database_method("register_azure_postgre_sql")
    register_azure_sql_database = _create_database_method("register_azure_sql_database")
    register_dbfs = _create_storage_method("register_dbfs")
    register_hdfs = _create_storage_method("register_hdfs")


def list_datastores(workspace: "Workspace") -> "dict[str, Any]":
    """Return the workspace's datastores, keyed by name."""
    records = workspace._request("datasets.list_datastores")
    return {record["name"]: AbstractAzureStorageDatastore._from_record(workspace, record) for record in records}


def _get_datastore(workspace: "Workspace", name: "str | None") -> Any:
    record = workspace._request("datasets.get_datastore", name=name)
    return AbstractAzureStorageDatastore._from_record(workspace, record)
