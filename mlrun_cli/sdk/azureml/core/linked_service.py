"""Services that a workspace is linked to: none, here."""

from typing import Any

from azureml.exceptions import UserErrorException


class LinkedServiceConfiguration:
    """The service that a workspace is to be linked to."""


class SynapseWorkspaceLinkedServiceConfiguration(LinkedServiceConfiguration):
    """A Synapse workspace."""

    def __init__(self, subscription_id: str, resource_group: str, name: str) -> None:
        self.subscription_id = subscription_id
        self.resource_group = resource_group
        self.name = name


class LinkedService:
    """A link from a workspace to a service in Azure."""

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
        """Not supported: raises UserErrorException."""
        raise _create_refusal("register(…)")

    @staticmethod
    def get(workspace: Any, name: str) -> "LinkedService":
        """Not supported: raises UserErrorException."""
        raise _create_refusal(f"get(…, {name!r})")

    @staticmethod
    def list(workspace: Any) -> Any:
        """Return an empty list: the workspace is linked to no service."""
        return []

    def unregister(self) -> None:
        """Not supported: raises UserErrorException."""
        raise _create_refusal("unregister()")


def _create_refusal(call: str) -> UserErrorException:
    return UserErrorException(
        f"LinkedService.{call} cannot be had here: the workspace lies on this machine and is linked to no service. "
        "Run what needs Spark in the script itself, by a pyspark that its environment has."
    )
