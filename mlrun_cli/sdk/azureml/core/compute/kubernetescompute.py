"""A Kubernetes cluster: described, never made, since runs run on this machine."""

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
    "KubernetesCompute",
    "KubernetesComputeAttachConfiguration",
]


class KubernetesComputeAttachConfiguration(ComputeTargetAttachConfiguration):
    """A cluster of Kubernetes."""

    def __init__(
        self,
        resource_id: str | None = None,
        namespace: str | None = None,
        identity_type: str | None = None,
        identity_ids: Any = None,
    ) -> None:
        super().__init__(KubernetesCompute)
        self.resource_id = resource_id
        self.namespace = namespace
        self.identity_type = identity_type
        self.identity_ids = identity_ids


class KubernetesCompute(ComputeTarget):
    """A Kubernetes cluster; refused wherever one would be made."""

    _compute_type = "Kubernetes"

    @staticmethod
    def attach_configuration(
        resource_id: str | None = None,
        namespace: str | None = None,
        identity_type: str | None = None,
        identity_ids: Any = None,
    ) -> KubernetesComputeAttachConfiguration:
        """What `ComputeTarget.attach` takes, and refuses."""
        return KubernetesComputeAttachConfiguration(resource_id, namespace, identity_type, identity_ids)
