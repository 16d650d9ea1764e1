"""Datastores of a workspace, by name; here each is a folder of this machine."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from azureml._refused import refusal
from azureml.data.azure_storage_datastore import AbstractAzureStorageDatastore
from azureml.exceptions import UserErrorException

if TYPE_CHECKING:
    from azureml.core.workspace import Workspace

__all__ = ["Datastore", "UserErrorException"]

_ATTACH = (
    "Datastores here are folders of this machine: get the data to a folder, for example by azcopy or a mount, and "
    "attach that by Datastore.register_local(workspace, {name!r}, folder)"
)


class Datastore:
    """Looks datastores up: `Datastore(workspace, name)` is the datastore itself, the default one without a name."""

    def __new__(cls, workspace: Workspace, name: str | None = None) -> Any:
        """The datastore of this name.

        Raises:
            UserErrorException: There is none.
        """
        return _datastore(workspace, name)

    def __init__(self, workspace: Workspace, name: str | None = None) -> None: ...

    @staticmethod
    def get(workspace: Workspace, datastore_name: str) -> Any:
        """The datastore of this name.

        Raises:
            UserErrorException: There is none; the message lists those there are.
        """
        return _datastore(workspace, datastore_name)

    @staticmethod
    def get_default(workspace: Workspace) -> Any:
        """The datastore that data goes to when none is named."""
        return _datastore(workspace, None)

    @staticmethod
    def register_local(workspace: Workspace, datastore_name: str, folder: str, overwrite: bool = False) -> Any:
        """Attach a folder of this machine as a datastore; Azure does not have this call.

        Raises:
            UserErrorException: The folder is not there, or the name belongs to another one and `overwrite` is not said.
        """
        record = workspace._ask(
            "datasets.register_datastore",
            name=datastore_name,
            folder=os.path.abspath(os.path.expanduser(folder)),
            overwrite=overwrite,
        )
        return AbstractAzureStorageDatastore._of(workspace, record)

    @staticmethod
    def register_azure_blob_container(
        workspace: Workspace,
        datastore_name: str,
        container_name: str,
        account_name: str,
        sas_token: str | None = None,
        account_key: str | None = None,
        protocol: str | None = None,
        endpoint: str | None = None,
        overwrite: bool = False,
        create_if_not_exists: bool = False,
        skip_validation: bool = False,
        blob_cache_timeout: int | None = None,
        grant_workspace_access: bool = False,
        subscription_id: str | None = None,
        resource_group: str | None = None,
    ) -> Any:
        """Refused: the message says how a folder is attached."""
        raise _refusal("register_azure_blob_container", datastore_name)

    @staticmethod
    def register_azure_file_share(
        workspace: Workspace,
        datastore_name: str,
        file_share_name: str,
        account_name: str,
        sas_token: str | None = None,
        account_key: str | None = None,
        protocol: str | None = None,
        endpoint: str | None = None,
        overwrite: bool = False,
        create_if_not_exists: bool = False,
        skip_validation: bool = False,
    ) -> Any:
        """Refused: the message says how a folder is attached."""
        raise _refusal("register_azure_file_share", datastore_name)

    @staticmethod
    def register_azure_data_lake(
        workspace: Workspace,
        datastore_name: str,
        store_name: str,
        tenant_id: str | None = None,
        client_id: str | None = None,
        client_secret: str | None = None,
        resource_url: str | None = None,
        authority_url: str | None = None,
        subscription_id: str | None = None,
        resource_group: str | None = None,
        overwrite: bool = False,
        grant_workspace_access: bool = False,
    ) -> Any:
        """Refused: the message says how a folder is attached."""
        raise _refusal("register_azure_data_lake", datastore_name)

    @staticmethod
    def register_azure_data_lake_gen2(
        workspace: Workspace,
        datastore_name: str,
        filesystem: str,
        account_name: str,
        tenant_id: str | None = None,
        client_id: str | None = None,
        client_secret: str | None = None,
        resource_url: str | None = None,
        authority_url: str | None = None,
        protocol: str | None = None,
        endpoint: str | None = None,
        overwrite: bool = False,
        subscription_id: str | None = None,
        resource_group: str | None = None,
        grant_workspace_access: bool = False,
    ) -> Any:
        """Refused: the message says how a folder is attached."""
        raise _refusal("register_azure_data_lake_gen2", datastore_name)

    @staticmethod
    def register_azure_sql_database(
        workspace: Workspace,
        datastore_name: str,
        server_name: str,
        database_name: str,
        tenant_id: str | None = None,
        client_id: str | None = None,
        client_secret: str | None = None,
        resource_url: str | None = None,
        authority_url: str | None = None,
        endpoint: str | None = None,
        overwrite: bool = False,
        username: str | None = None,
        password: str | None = None,
        subscription_id: str | None = None,
        resource_group: str | None = None,
        grant_workspace_access: bool = False,
        **kwargs: Any,
    ) -> Any:
        """Refused: databases are no datastores here."""
        raise _database_refusal("register_azure_sql_database")

    @staticmethod
    def register_azure_my_sql(
        workspace: Workspace,
        datastore_name: str,
        server_name: str,
        database_name: str,
        user_id: str,
        user_password: str,
        port_number: str | None = None,
        endpoint: str | None = None,
        overwrite: bool = False,
        **kwargs: Any,
    ) -> Any:
        """Refused: databases are no datastores here."""
        raise _database_refusal("register_azure_my_sql")

    @staticmethod
    def register_azure_postgre_sql(
        workspace: Workspace,
        datastore_name: str,
        server_name: str,
        database_name: str,
        user_id: str,
        user_password: str,
        port_number: str | None = None,
        endpoint: str | None = None,
        overwrite: bool = False,
        enforce_ssl: bool = True,
        **kwargs: Any,
    ) -> Any:
        """Refused: databases are no datastores here."""
        raise _database_refusal("register_azure_postgre_sql")

    @staticmethod
    def register_dbfs(workspace: Workspace, datastore_name: str) -> Any:
        """Refused: the message says how a folder is attached."""
        raise _refusal("register_dbfs", datastore_name)

    @staticmethod
    def register_hdfs(
        workspace: Workspace,
        datastore_name: str,
        protocol: object,
        namenode_address: str,
        hdfs_server_certificate: str | None,
        kerberos_realm: str,
        kerberos_kdc_address: str,
        kerberos_principal: str,
        kerberos_keytab: str | None = None,
        kerberos_password: str | None = None,
        overwrite: bool = False,
    ) -> Any:
        """Refused: the message says how a folder is attached."""
        raise _refusal("register_hdfs", datastore_name)


def list_datastores(workspace: Workspace) -> dict[str, Any]:
    """All datastores of a workspace, by name."""
    records = workspace._ask("datasets.list_datastores")
    return {record["name"]: AbstractAzureStorageDatastore._of(workspace, record) for record in records}


def _datastore(workspace: Workspace, name: str | None) -> Any:
    record = workspace._ask("datasets.get_datastore", name=name)
    return AbstractAzureStorageDatastore._of(workspace, record)


def _refusal(call: str, name: str) -> UserErrorException:
    return refusal(f"Datastore.{call}", _ATTACH.format(name=name))


def _database_refusal(call: str) -> UserErrorException:
    return refusal(f"Datastore.{call}", "Query the database in the script, and keep what comes back as files")
