"""A Spark pool of Synapse: described, never made, since runs run on this machine."""

from __future__ import annotations

from typing import Any

from azureml.core.compute.compute import (
    ComputeTarget,
    ComputeTargetAttachConfiguration,
    ComputeTargetException,
)

__all__ = [
    "ComputeTarget",
    "ComputeTargetException",
    "SynapseAttachConfiguration",
    "SynapseCompute",
]


class SynapseAttachConfiguration(ComputeTargetAttachConfiguration):
    """A Spark pool of Synapse."""

    def __init__(self, linked_service: Any, type: str, pool_name: str) -> None:
        super().__init__(SynapseCompute)
        self.linked_service = linked_service
        self.type = type
        self.pool_name = pool_name


class SynapseCompute(ComputeTarget):
    """A Spark pool of Synapse; refused wherever one would be made."""

    _compute_type = "SynapseSpark"

    @staticmethod
    def attach_configuration(linked_service: Any, type: str, pool_name: str) -> SynapseAttachConfiguration:
        """What `ComputeTarget.attach` takes, and refuses."""
        return SynapseAttachConfiguration(linked_service, type, pool_name)
