"""Data Science Virtual Machines: described, never made, since runs run on this machine."""

from __future__ import annotations

from typing import Any

from azureml.core.compute.compute import (
    ComputeTarget,
    ComputeTargetException,
    ComputeTargetProvisioningConfiguration,
    not_here,
)

__all__ = [
    "ComputeTarget",
    "ComputeTargetException",
    "DsvmCompute",
    "DsvmProvisioningConfiguration",
]


class DsvmProvisioningConfiguration(ComputeTargetProvisioningConfiguration):
    """A machine that is to be made."""

    def __init__(self, vm_size: str | None = "", ssh_port: int | None = None, location: str | None = None) -> None:
        super().__init__(DsvmCompute, location)
        self.vm_size = vm_size
        self.ssh_port = ssh_port


class DsvmCompute(ComputeTarget):
    """A Data Science Virtual Machine; refused wherever one would be made."""

    _compute_type = "VirtualMachine"

    @staticmethod
    def provisioning_configuration(
        vm_size: str | None = None,
        ssh_port: int | None = None,
        location: str | None = None,
    ) -> DsvmProvisioningConfiguration:
        """What `ComputeTarget.create` takes, and refuses."""
        return DsvmProvisioningConfiguration(vm_size, ssh_port, location)

    def get_credentials(self) -> Any:
        """Refused: raises ComputeTargetException."""
        raise not_here(None, self.name, "DsvmCompute.get_credentials()")
