"""Services linked to a workspace; none exist here."""

from typing import Any

from azureml.exceptions import UserErrorException


class LinkedServiceConfiguration:
    """Base class of configurations for linking a service to a workspace."""


class SynapseWorkspaceLinkedServiceConfiguration(LinkedServiceConfiguration):
    """The configuration for linking a Synapse workspace."""

    def __init__(self, subscription_id: str, resource_group: str, name: str) -> None:
        self.subscription_id = subscription_id
        self.resource_group = resource_group
        self.name = name


class LinkedService:
    """A service in Azure that is linked to a workspace."""

    def __init__(
        self,
        workspace: Any,
        name: str,
        type: str,
        linked_service_resource_id: str,
        system_assigned_identity_principal_id: str,
    ) -> None:
        self.workspace = workspace
        self.name = name
        self.type = type
        self.linked_service_resource_id = linked_service_resource_id
        self.system_assigned_identity_principal_id = system_assigned_identity_principal_id

    @staticmethod
    def register(workspace: Any, name: str, linked_service_config: LinkedServiceConfiguration) -> "LinkedService":
        """Raise UserErrorException, since linked services are not supported."""
        raise _create_unsupported_error("register(…)")

    @staticmethod
    def get(workspace: Any, name: str) -> "LinkedService":
        """Raise UserErrorException, since linked services are not supported."""
        raise _create_unsupported_error(f"get(…, {name!r})")

    @staticmethod
    def list(workspace: Any) -> Any:
        """Return an empty list, since no services are linked to the workspace."""
        return []

    def unregister(self) -> None:
        """Raise UserErrorException, since linked services are not supported."""
        raise _create_unsupported_error("unregister()")


def _create_unsupported_error(call: str) -> UserErrorException:
    return UserErrorException(
        f"LinkedService.{call} cannot be had here: the workspace lies on this machine and is linked to no service. "
        "Run what needs Spark in the script itself, by a pyspark that its environment has."
    )
