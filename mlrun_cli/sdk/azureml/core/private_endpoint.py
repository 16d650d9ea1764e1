"""Private endpoints of a workspace, which can be configured but not created."""

from typing import Any

from azureml.exceptions import UserErrorException


class PrivateEndPointConfig:
    """The configuration of a private endpoint in a virtual network."""

    def __init__(
        self,
        name: str,
        vnet_name: str,
        vnet_subnet_name: "str | None" = None,
        vnet_subscription_id: "str | None" = None,
        vnet_resource_group: "str | None" = None,
    ) -> None:
        self.name = name
        self.vnet_name = vnet_name
        self.vnet_subnet_name = vnet_subnet_name
        self.vnet_subscription_id = vnet_subscription_id
        self.vnet_resource_group = vnet_resource_group


class PrivateEndPoint:
    """A private endpoint, identified by its resource ids in Azure."""

    def __init__(
        self,
        private_endpoint_connection_resource_id: "str | None" = None,
        private_endpoint_resource_id: "str | None" = None,
    ) -> None:
        self.private_endpoint_connection_resource_id = private_endpoint_connection_resource_id
        self.private_endpoint_resource_id = private_endpoint_resource_id

    def delete(self, auth: object = None) -> None:
        """Raise UserErrorException, since the workspace is not on a network."""
        raise _create_unsupported_error("delete()")

    def get_details(self, auth: object = None) -> Any:
        """Raise UserErrorException, since the workspace is not on a network."""
        raise _create_unsupported_error("get_details()")


def _create_unsupported_error(call: str) -> UserErrorException:
    return UserErrorException(
        f"PrivateEndPoint.{call} cannot be had here: the workspace lies on this machine, and nothing of it is on a "
        "network. Leave the call out."
    )
