"""A Kubernetes cluster: described, never made, since runs run on this machine."""

from azureml.core.compute._other_machines import AttachConfiguration
from azureml.core.compute.compute import ComputeTarget, ComputeTargetException

__all__ = ["ComputeTarget", "ComputeTargetException", "KubernetesCompute", "KubernetesComputeAttachConfiguration"]


class KubernetesComputeAttachConfiguration(
    AttachConfiguration,
    takes="resource_id=None, namespace=None, identity_type=None, identity_ids=None",
):
    """A cluster of Kubernetes."""


class KubernetesCompute(ComputeTarget):
    """A Kubernetes cluster; refused wherever one would be made."""

    _compute_type = "Kubernetes"
    attach_configuration = KubernetesComputeAttachConfiguration
