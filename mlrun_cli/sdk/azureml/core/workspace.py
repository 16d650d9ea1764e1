"""Handles of workspaces, which contain runs, models, data and compute targets."""

import json
import os
from functools import partial
from typing import Any

from azureml._client.client import find_submitted_run_client, get_client
from azureml.core._named_mapping import NamedMapping
from azureml.exceptions import UserErrorException, WorkspaceException

__all__ = ["UserErrorException", "Workspace", "WorkspaceException"]

_NO_NETWORK = "The workspace lies on this machine, and nothing of it is on a network: leave the call out."


class Workspace:
    """A handle of a workspace on this machine, identified by subscription, resource group and name.

    A handle contains only the names, so that creating, copying and pickling it is cheap; everything else is read
    on each access. Handles of the same workspace are equal.
    """

    DEFAULT_CPU_CLUSTER_NAME = "cpu-cluster"
    DEFAULT_GPU_CLUSTER_NAME = "gpu-cluster"

    def __init__(
        self,
        subscription_id: str,
        resource_group: str,
        workspace_name: str,
        auth: object = None,
        _location: "str | None" = None,
        _disable_service_check: bool = False,
        _workspace_id: "str | None" = None,
        sku: str = "basic",
        tags: "dict[str, str] | None" = None,
        _cloud: str = "AzureCloud",
    ) -> None:
        """Initialize the handle of an existing workspace.

        Raises:
            WorkspaceException: The workspace does not exist; the message explains how to create one.
        """
        self._names = (subscription_id, resource_group, workspace_name)
        if not _disable_service_check:
            self._request("workspaces.check")

    @classmethod
    def _open(cls, names: "tuple[str, str, str]") -> "Workspace":
        """Return a handle for the workspace with these names, without checking that it exists."""
        return cls(*names, _disable_service_check=True)

    def _request(self, call: str, **arguments: Any) -> Any:
        """Send a request about this workspace and return its result.

        Raises:
            AzureMLException: The response is an error, which determines the exception class.
        """
        return get_client().request(call, workspace=self._names, **arguments)

    def __repr__(self) -> str:
        subscription_id, resource_group, name = self._names
        return (
            f"Workspace.create(name={name!r}, subscription_id={subscription_id!r}, resource_group={resource_group!r})"
        )

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Workspace) and self._names == other._names

    def __hash__(self) -> int:
        return hash(self._names)

    # Creation and lookup

    @staticmethod
    def create(
        name: str,
        auth: object = None,
        subscription_id: "str | None" = None,
        resource_group: "str | None" = None,
        location: "str | None" = None,
        create_resource_group: bool = True,
        sku: str = "basic",
        tags: "dict[str, str] | None" = None,
        friendly_name: "str | None" = None,
        storage_account: object = None,
        key_vault: object = None,
        app_insights: object = None,
        container_registry: object = None,
        adb_workspace: object = None,
        primary_user_assigned_identity: object = None,
        cmk_keyvault: object = None,
        resource_cmk_uri: "str | None" = None,
        hbi_workspace: bool = False,
        default_cpu_compute_target: Any = None,
        default_gpu_compute_target: Any = None,
        private_endpoint_config: object = None,
        private_endpoint_auto_approval: bool = True,
        exist_ok: bool = False,
        show_output: bool = True,
        user_assigned_identity_for_cmk_encryption: object = None,
        system_datastores_auth_mode: str = "accessKey",
        v1_legacy_mode: "bool | None" = None,
    ) -> "Workspace":
        """Create a workspace on this machine and return it, ignoring arguments that only Azure needs.

        Subscription and resource group have the same defaults as in the command `mlrun`.

        Raises:
            WorkspaceException: The workspace exists, and `exist_ok` is False.
            UserErrorException: A name is invalid, or an encryption key is given.
        """
        if cmk_keyvault or resource_cmk_uri or user_assigned_identity_for_cmk_encryption:
            raise UserErrorException(
                "Workspace.create(…) cannot encrypt a workspace with a key of yours. Leave the key out, and set "
                "MLRUN_HOME to a folder on an encrypted disk."
            )
        workspace = Workspace._open(
            (subscription_id or "00000000-0000-0000-0000-000000000000", resource_group or "default", name)
        )
        if not workspace._request("workspaces.create", exist_ok=exist_ok, friendly_name=friendly_name, tags=tags):
            raise WorkspaceException(
                f"There is a workspace {name!r} in resource group {workspace.resource_group!r} of subscription "
                f"{workspace.subscription_id!r} already. Workspace.get(…) gives it; exist_ok=True accepts it."
            )
        clusters = {
            Workspace.DEFAULT_CPU_CLUSTER_NAME: default_cpu_compute_target,
            Workspace.DEFAULT_GPU_CLUSTER_NAME: default_gpu_compute_target,
        }
        for cluster, configuration in clusters.items():
            if configuration is not None:
                from azureml.core.compute import ComputeTarget

                ComputeTarget.create(workspace, cluster, configuration)
        return workspace

    @staticmethod
    def get(
        name: str,
        auth: object = None,
        subscription_id: "str | None" = None,
        resource_group: "str | None" = None,
        location: "str | None" = None,
        cloud: str = "AzureCloud",
        id: "str | None" = None,
    ) -> "Workspace":
        """Return the workspace with this name, which must be unique unless subscription and resource group are given.

        Raises:
            WorkspaceException: No workspace or more than one matches.
        """
        if subscription_id and resource_group:
            return Workspace(subscription_id, resource_group, name)
        found = Workspace._list_workspaces(name=name, resource_group=resource_group, subscription_id=subscription_id)
        if len(found) == 1:
            only: Workspace = found[0]
            return only
        if found:
            raise WorkspaceException(
                f"There are {len(found)} workspaces named {name!r}. Give subscription_id and resource_group of one: "
                f"{'; '.join(map(repr, found))}."
            )
        others = ", ".join(repr(other.name) for other in Workspace._list_workspaces()) or "none yet"
        raise WorkspaceException(
            f"There is no workspace {name!r} on this machine. There are: {others}. Workspace.create({name!r}) makes "
            "it, and so does Workspace.from_config() in a folder whose config.json names it."
        )

    @staticmethod
    def list(subscription_id: str, auth: object = None, resource_group: "str | None" = None) -> "dict[str, Any]":
        """Return the workspaces of a subscription or resource group as lists, keyed by name."""
        by_name: dict[str, Any] = {}
        for workspace in Workspace._list_workspaces(resource_group=resource_group, subscription_id=subscription_id):
            by_name.setdefault(workspace.name, []).append(workspace)
        return by_name

    @staticmethod
    def from_config(
        path: "str | None" = None,
        auth: object = None,
        _logger: object = None,
        _file_name: "str | None" = None,
    ) -> "Workspace":
        """Return the workspace in a config file, given by its path or by a folder from which to search upwards.

        The workspace is created if it does not exist, since the config may be from Azure or another machine.
        If there is no config, a script inside a run gets the workspace of the run.

        Raises:
            UserErrorException: The config does not exist or cannot be read.
        """
        start = os.path.abspath(path or ".")
        names = get_client().request("workspaces.find_config", path=start, file_name=_file_name)
        if names is not None:
            return Workspace._open(tuple(names))
        inside = find_submitted_run_client()
        if inside is not None:
            return Workspace._open(inside.workspace)
        raise UserErrorException(
            f"There is no {_file_name or 'config.json'} in {start}, in its .azureml or in any folder above it. Give "
            "the path of the file; or write one by workspace.write_config() or 'mlrun folder attach'; or name the "
            "workspace: Workspace.create(name, exist_ok=True)."
        )

    @staticmethod
    def setup() -> None:
        """Raise UserErrorException, since this is available only in Azure."""
        raise UserErrorException("Workspace.setup() asks for names in Azure: call Workspace.create(name) instead.")

    @staticmethod
    def _list_workspaces(**names: "str | None") -> Any:
        """Return the workspaces that match the given names."""
        return [Workspace._open(tuple(found)) for found in get_client().request("workspaces.find", **names)]

    def write_config(self, path: "str | None" = None, file_name: "str | None" = None) -> None:
        """Write the workspace's subscription id, resource group and name to a config file that `from_config` finds.

        The file is written to the folder's `.azureml`.

        Args:
            path: The folder, created if missing; by default the current one.
            file_name: The name of the file, by default `config.json`; its extension is replaced with `.json`.

        Raises:
            UserErrorException: The file cannot be written.
        """
        folder = os.path.abspath(path or ".")
        older = os.path.join(folder, "aml_config")
        within = older if os.path.isdir(older) else os.path.join(folder, ".azureml")
        name = f"{os.path.splitext(file_name or 'config.json')[0]}.json"
        keys = ("subscription_id", "resource_group", "workspace_name")
        try:
            os.makedirs(within, exist_ok=True)
            with open(os.path.join(within, name), "w", encoding="utf-8") as file:
                file.write(json.dumps(dict(zip(keys, self._names)), ensure_ascii=False, indent=4) + "\n")
        except OSError as error:
            raise UserErrorException(
                f"{os.path.join(within, name)} cannot be written: {error.strerror}. Give write_config the path of a "
                "folder that can be written to."
            ) from error

    # Identity

    @property
    def name(self) -> str:
        """The workspace's name."""
        return self._names[2]

    @property
    def resource_group(self) -> str:
        """The workspace's resource group."""
        return self._names[1]

    @property
    def subscription_id(self) -> str:
        """The workspace's subscription id."""
        return self._names[0]

    # Private names of Azure's class that scripts use

    @property
    def _workspace_name(self) -> str:
        return self.name

    @property
    def _resource_group(self) -> str:
        return self.resource_group

    @property
    def _subscription_id(self) -> str:
        return self.subscription_id

    @property
    def _workspace_id(self) -> str:
        """A GUID derived from the workspace's subscription, resource group and name."""
        from uuid import NAMESPACE_URL, uuid5

        return str(uuid5(NAMESPACE_URL, "/".join(self._names)))

    @property
    def _auth(self) -> Any:
        """An authentication object for scripts that expect one; none is needed here."""
        from azureml.core.authentication import InteractiveLoginAuthentication

        return InteractiveLoginAuthentication()

    @property
    def _auth_object(self) -> Any:
        return self._auth

    # Properties

    @property
    def location(self) -> str:
        """The location of the workspace, which is always `local`."""
        return "local"

    @property
    def sku(self) -> str:
        """The SKU of the workspace, which is always `basic`."""
        return "basic"

    @property
    def tags(self) -> "dict[str, str]":
        """The workspace's tags, read from the store on each access."""
        tags: dict[str, str] = self._request("workspaces.describe")["tags"]
        return tags

    @property
    def discovery_url(self) -> None:
        """Always None, since there is no service to discover."""

    @property
    def service_context(self) -> Any:
        """Raise UserErrorException, since this is available only in Azure."""
        raise _create_unsupported_error(
            "service_context", "There is no service behind the workspace: call the SDK instead."
        )

    def get_details(self) -> "dict[str, Any]":
        """Return the workspace's details with Azure's keys and `folder`; values that only Azure has are None."""
        said = self._request("workspaces.describe")
        return {
            "id": said["id"],
            "name": self.name,
            "location": self.location,
            "type": "Microsoft.MachineLearningServices/workspaces",
            "tags": said["tags"],
            "sku": self.sku,
            "workspaceid": self._workspace_id,
            "description": said["description"],
            "friendlyName": said["friendlyName"],
            "folder": said["folder"],
            "hbiWorkspace": False,
            "provisioningState": "Succeeded",
            **dict.fromkeys(
                (
                    "applicationInsights",
                    "containerRegistry",
                    "discoveryUrl",
                    "identity",
                    "imageBuildCompute",
                    "keyVault",
                    "storageAccount",
                )
            ),
        }

    def update(
        self,
        friendly_name: "str | None" = None,
        description: "str | None" = None,
        tags: "dict[str, str] | None" = None,
        image_build_compute: "str | None" = None,
        service_managed_resources_settings: object = None,
        primary_user_assigned_identity: "str | None" = None,
        allow_public_access_when_behind_vnet: "bool | None" = None,
        v1_legacy_mode: "bool | None" = None,
    ) -> "dict[str, Any]":
        """Update the given values of the workspace, and return its details; `tags` replaces all existing tags."""
        self._request("workspaces.update", friendly_name=friendly_name, description=description, tags=tags)
        return self.get_details()

    def delete(self, delete_dependent_resources: bool = False, no_wait: bool = False) -> None:
        """Raise UserErrorException with a message that mentions the folder to remove instead."""
        folder = self._request("workspaces.describe")["folder"]
        raise _create_unsupported_error(
            "delete()", f"It would remove every run and model of the workspace. To have that, remove {folder!r}."
        )

    # Contents

    @property
    def experiments(self) -> "dict[str, Any]":
        """The workspace's experiments, keyed by name."""
        from azureml.core.experiment import Experiment

        return NamedMapping(((one.name, one) for one in Experiment.list(self)), partial(Experiment._get_existing, self))

    @property
    def compute_targets(self) -> "dict[str, Any]":
        """The workspace's compute targets, keyed by name; `local` is included only if it has a limit."""
        from azureml.core.compute import ComputeTarget

        return NamedMapping(((one.name, one) for one in ComputeTarget.list(self)), partial(ComputeTarget, self))

    @property
    def environments(self) -> "dict[str, Any]":
        """The newest version of each of the workspace's environments, keyed by name."""
        from azureml.core.environment import Environment

        return NamedMapping(Environment.list(self).items(), partial(Environment.get, self))

    @property
    def datastores(self) -> "dict[str, Any]":
        """The workspace's datastores, keyed by name."""
        from azureml.core.datastore import Datastore, list_datastores

        return NamedMapping(list_datastores(self).items(), partial(Datastore.get, self))

    @property
    def datasets(self) -> Any:
        """The newest version of each of the workspace's registered datasets, keyed by name."""
        from azureml.core.dataset import Dataset

        return NamedMapping(Dataset.get_all(self).items(), partial(Dataset.get_by_name, self))

    @property
    def models(self) -> "dict[str, Any]":
        """The newest version of each of the workspace's models, keyed by name."""
        from azureml.core.model import Model

        models: dict[str, Any] = {}
        for model in Model.list(self):
            if model.name not in models or model.version > models[model.name].version:
                models[model.name] = model
        return NamedMapping(models.items(), partial(Model, self))

    @property
    def images(self) -> "dict[str, Any]":
        """An empty mapping, since images are not built here."""
        from azureml.core.image import Image

        return NamedMapping((), partial(Image, self))

    @property
    def webservices(self) -> "dict[str, Any]":
        """An empty mapping, since models are not deployed here."""
        from azureml.core.webservice import Webservice

        return NamedMapping((), partial(Webservice, self))

    @property
    def linked_services(self) -> "dict[str, Any]":
        """An empty mapping, since no services are linked to the workspace."""
        return {}

    @property
    def private_endpoints(self) -> "dict[str, Any]":
        """An empty mapping, since the workspace is not on a network."""
        return {}

    def get_run(self, run_id: str) -> Any:
        """Return the run with this id from any experiment."""
        from azureml.core.run import Run

        return Run.get(self, run_id)

    def get_default_datastore(self) -> Any:
        """Return the default datastore."""
        from azureml.core.datastore import Datastore

        return Datastore.get_default(self)

    def set_default_datastore(self, name: str) -> None:
        """Set the default datastore of the workspace."""
        self._request("datasets.set_default_datastore", name=name)

    def get_default_keyvault(self) -> Any:
        """Return the key vault, which reads secrets from the environment and the system keyring."""
        from azureml.core.keyvault import Keyvault

        return Keyvault(self)

    def get_default_compute_target(self, type: str) -> Any:
        """Return the target `cpu-cluster` for type CPU or `gpu-cluster` for GPU, or None if it does not exist."""
        names = {"CPU": self.DEFAULT_CPU_CLUSTER_NAME, "GPU": self.DEFAULT_GPU_CLUSTER_NAME}
        if type not in names:
            raise ValueError(f"A default compute target is of type 'CPU' or 'GPU', not {type!r}.")
        return self.compute_targets.get(names[type])

    def get_mlflow_tracking_uri(self, _with_auth: bool = False) -> str:
        """Return the workspace's MLflow tracking URI, for `mlflow.set_tracking_uri`."""
        del _with_auth
        from azureml._wire.tracking_uri import build_tracking_uri

        return build_tracking_uri(self._names)

    # Azure only

    def list_keys(self) -> Any:
        """Raise UserErrorException, since this is available only in Azure."""
        raise _create_unsupported_error("list_keys()", "Nothing here is opened by a key: leave the call out.")

    def sync_keys(self, no_wait: bool = False) -> None:
        """Do nothing, since there are no keys to synchronize."""

    def update_dependencies(self, container_registry: "str | None" = None, force: bool = False) -> Any:
        """Raise UserErrorException, since this is available only in Azure."""
        raise _create_unsupported_error(
            "update_dependencies(…)", "The workspace needs no other resource: leave the call out."
        )

    def diagnose_workspace(self, diagnose_parameters: object) -> Any:
        """Raise UserErrorException, since this is available only in Azure."""
        raise _create_unsupported_error("diagnose_workspace(…)", _NO_NETWORK)

    def add_private_endpoint(
        self,
        private_endpoint_config: object,
        private_endpoint_auto_approval: bool = True,
        location: "str | None" = None,
        show_output: bool = True,
        tags: "dict[str, str] | None" = None,
    ) -> Any:
        """Raise UserErrorException, since this is available only in Azure."""
        raise _create_unsupported_error("add_private_endpoint(…)", _NO_NETWORK)

    def delete_private_endpoint_connection(self, private_endpoint_connection_name: str) -> None:
        """Raise UserErrorException, since this is available only in Azure."""
        raise _create_unsupported_error("delete_private_endpoint_connection(…)", _NO_NETWORK)

    def set_connection(self, name: str, category: str, target: str, authType: str, value: str) -> Any:
        """Raise UserErrorException, since this is available only in Azure."""
        raise _create_connection_error("set_connection(…)")

    def list_connections(self, category: "str | None" = None, target: "str | None" = None) -> Any:
        """Raise UserErrorException, since this is available only in Azure."""
        raise _create_connection_error("list_connections()")

    def get_connection(self, name: str) -> Any:
        """Raise UserErrorException, since this is available only in Azure."""
        raise _create_connection_error("get_connection(…)")

    def delete_connection(self, name: str) -> None:
        """Raise UserErrorException, since this is available only in Azure."""
        raise _create_connection_error("delete_connection(…)")


def _create_unsupported_error(call: str, reason: str) -> UserErrorException:
    return UserErrorException(f"Workspace.{call} cannot be had here. {reason}")


def _create_connection_error(call: str) -> UserErrorException:
    return _create_unsupported_error(
        call, "A workspace keeps no connections: set what git and pip need in the environment of the run."
    )
