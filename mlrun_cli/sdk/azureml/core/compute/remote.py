"""A machine reached by SSH: described, never made, since runs run on this machine."""

from __future__ import annotations

from typing import Any

from azureml.core.compute.compute import (
    ComputeTarget,
    ComputeTargetAttachConfiguration,
    ComputeTargetException,
    not_here,
)

__all__ = [
    "ComputeTarget",
    "ComputeTargetException",
    "RemoteCompute",
    "RemoteComputeAttachConfiguration",
]


class RemoteComputeAttachConfiguration(ComputeTargetAttachConfiguration):
    """A machine reached by SSH."""

    def __init__(
        self,
        username: str,
        subscription_id: str | None = None,
        resource_group: str | None = None,
        vm_name: str | None = None,
        resource_id: str | None = None,
        address: str | None = None,
        ssh_port: int = 22,
        password: str = "",
        private_key_file: str = "",
        private_key_passphrase: str = "",
    ) -> None:
        super().__init__(RemoteCompute)
        self.username = username
        self.subscription_id = subscription_id
        self.resource_group = resource_group
        self.vm_name = vm_name
        self.resource_id = resource_id
        self.address = address
        self.ssh_port = ssh_port
        self.password = password
        self.private_key_file = private_key_file
        self.private_key_passphrase = private_key_passphrase


class RemoteCompute(ComputeTarget):
    """A machine reached by SSH; refused wherever one would be made."""

    _compute_type = "VirtualMachine"

    @staticmethod
    def attach_configuration(
        username: str,
        subscription_id: str | None = None,
        resource_group: str | None = None,
        vm_name: str | None = None,
        resource_id: str | None = None,
        address: str | None = None,
        ssh_port: int = 22,
        password: str = "",
        private_key_file: str = "",
        private_key_passphrase: str = "",
    ) -> RemoteComputeAttachConfiguration:
        """What `ComputeTarget.attach` takes, and refuses."""
        return RemoteComputeAttachConfiguration(
            username,
            subscription_id,
            resource_group,
            vm_name,
            resource_id,
            address,
            ssh_port,
            password,
            private_key_file,
            private_key_passphrase,
        )

    @staticmethod
    def attach(  # type: ignore[override]
        workspace: Any,
        name: str,
        username: str,
        address: str,
        ssh_port: int = 22,
        password: str = "",
        private_key_file: str = "",
        private_key_passphrase: str = "",
    ) -> ComputeTarget:
        """Refused: raises ComputeTargetException."""
        raise not_here(RemoteComputeAttachConfiguration(username, address=address), name, "RemoteCompute.attach(…)")

    def get_credentials(self) -> Any:
        """Refused: raises ComputeTargetException."""
        raise not_here(None, self.name, "RemoteCompute.get_credentials()")
