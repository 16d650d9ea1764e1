"""The base of targets that would be other machines: they can be described, not created."""

from typing import Any

from azureml._unsupported import Described
from azureml.core.compute.compute import (
    ComputeTarget,
    ComputeTargetAttachConfiguration,
    ComputeTargetProvisioningConfiguration,
    not_here,
)


class AttachConfiguration(Described, ComputeTargetAttachConfiguration):
    """A configuration that `ComputeTarget.attach` refuses."""


class ProvisioningConfiguration(Described, ComputeTargetProvisioningConfiguration):
    """A configuration that `ComputeTarget.create` refuses."""


class Attachable(ComputeTarget):
    """A kind of target that Azure can also attach by the kind's own call."""

    attach_configuration: Any

    @classmethod
    def attach(cls, workspace: Any, name: str, *_: Any, **__: Any) -> ComputeTarget:
        """Refused: raises ComputeTargetException."""
        raise not_here(cls.attach_configuration, name, f"{cls.__name__}.attach(…)")


class Locked(ComputeTarget):
    """A kind of target that one logs in to."""

    def get_credentials(self) -> Any:
        """Refused: raises ComputeTargetException."""
        raise not_here(None, self.name, f"{type(self).__name__}.get_credentials()")
