"""Azure Kubernetes Service clusters, which can be configured but not created."""

from typing import Any

from azureml._unsupported import StoredArguments
from azureml.core.compute._other_machines import (
    AttachableTarget,
    AttachConfiguration,
    CredentialTarget,
    ProvisioningConfiguration,
)
from azureml.core.compute.compute import (
    ComputeTarget,
    ComputeTargetException,
    ComputeTargetUpdateConfiguration,
    create_unsupported_target_error,
)

__all__ = [
    "AksAttachConfiguration",
    "AksCompute",
    "AksProvisioningConfiguration",
    "AksUpdateConfiguration",
    "ComputeTarget",
    "ComputeTargetException",
    "SslConfiguration",
]


class _TlsMixin:
    """Mixin for configurations with TLS settings."""

    def enable_ssl(
        self,
        ssl_cname: "str | None" = None,
        ssl_cert_pem_file: "str | None" = None,
        ssl_key_pem_file: "str | None" = None,
        leaf_domain_label: "str | None" = None,
        overwrite_existing_domain: bool = False,
    ) -> None:
        """Store the TLS settings for the cluster's services in this configuration."""
        self.ssl_cname = ssl_cname
        self.ssl_cert_pem_file = ssl_cert_pem_file
        self.ssl_key_pem_file = ssl_key_pem_file
        self.leaf_domain_label = leaf_domain_label
        self.overwrite_existing_domain = overwrite_existing_domain


class AksProvisioningConfiguration(
    ProvisioningConfiguration,
    _TlsMixin,
    takes="agent_count=None, vm_size=None, ssl_cname=None, ssl_cert_pem_file=None, ssl_key_pem_file=None, "
    "location=None, vnet_resourcegroup_name=None, vnet_name=None, subnet_name=None, service_cidr=None, "
    "dns_service_ip=None, docker_bridge_cidr=None, cluster_purpose=None, load_balancer_type=None, "
    "load_balancer_subnet=None",
):
    """The configuration of a new AKS cluster."""


class AksAttachConfiguration(
    AttachConfiguration,
    _TlsMixin,
    takes="resource_group=None, cluster_name=None, resource_id=None, cluster_purpose=None, load_balancer_type=None, "
    "load_balancer_subnet=None",
):
    """The configuration for attaching an existing AKS cluster."""


class SslConfiguration(
    StoredArguments,
    takes="status=None, cert=None, key=None, cname=None, leaf_domain_label=None, overwrite_existing_domain=False, "
    "renew=False",
):
    """The TLS settings of a cluster's services."""


class AksUpdateConfiguration(
    StoredArguments,
    ComputeTargetUpdateConfiguration,
    takes="ssl_configuration=None, load_balancer_type=None, load_balancer_subnet=None",
):
    """Changes to an AKS cluster."""


class AksCompute(AttachableTarget, CredentialTarget):
    """A Kubernetes cluster for web services; creating or attaching one is refused."""

    _compute_type = "AKS"
    attach_configuration = AksAttachConfiguration
    provisioning_configuration = AksProvisioningConfiguration

    class ClusterPurpose:
        """The possible purposes of a cluster."""

        FAST_PROD = "FastProd"
        DEV_TEST = "DevTest"

    def update(self, update_configuration: Any) -> None:
        """Raise ComputeTargetException, since AKS clusters are not supported."""
        raise create_unsupported_target_error(update_configuration, self.name, "AksCompute.update(…)")


AksUpdateConfiguration._compute_type = AksCompute
