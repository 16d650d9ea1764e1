"""Compute targets on other machines: they can be configured but not created, since all runs execute on this machine.

Each kind is a row of `_KINDS`. Azure's modules of these kinds are aliases of this one.
"""

from typing import Any, Dict, NamedTuple, Tuple

from azureml._unsupported import Described
from azureml.core.compute.compute import (
    ComputeTarget,
    ComputeTargetAttachConfiguration,
    ComputeTargetException,
    ComputeTargetProvisioningConfiguration,
    create_unavailable_error,
)


class AttachConfiguration(Described, ComputeTargetAttachConfiguration):
    """A configuration that `ComputeTarget.attach` refuses."""


class ProvisioningConfiguration(Described, ComputeTargetProvisioningConfiguration):
    """A configuration that `ComputeTarget.create` refuses."""


class Attachable(ComputeTarget):
    """Base class of targets that Azure also attaches through a method of the class itself."""

    attach_configuration: Any

    @classmethod
    def attach(cls, workspace: Any, name: str, *_: Any, **__: Any) -> ComputeTarget:
        """Raise ComputeTargetException, since all runs execute on this machine."""
        raise create_unavailable_error(cls.attach_configuration, name, f"{cls.__name__}.attach(…)")


class Locked(ComputeTarget):
    """Base class of targets that have login credentials in Azure."""

    def get_credentials(self) -> Any:
        """Raise ComputeTargetException, since all runs execute on this machine."""
        raise create_unavailable_error(None, self.name, f"{type(self).__name__}.get_credentials()")


class _Kind(NamedTuple):
    """A kind of target, with Azure's module, class name and type, and the parameters of its configurations."""

    module: str
    name: str
    compute_type: str
    bases: Tuple[Any, ...]
    noun: str
    configurations: Dict[str, str]


_KINDS = (
    _Kind(
        "adla",
        "AdlaCompute",
        "DataLakeAnalytics",
        (Attachable,),
        "A Data Lake Analytics account",
        {"DataLakeAnalyticsAttachConfiguration": "resource_group=None, account_name=None, resource_id=None"},
    ),
    _Kind(
        "batch",
        "BatchCompute",
        "Batch",
        (ComputeTarget,),
        "An Azure Batch account",
        {"BatchAttachConfiguration": "resource_group=None, account_name=None, resource_id=None"},
    ),
    _Kind(
        "databricks",
        "DatabricksCompute",
        "Databricks",
        (Attachable, Locked),
        "A Databricks workspace",
        {
            "DatabricksAttachConfiguration": (
                "resource_group=None, workspace_name=None, resource_id=None, access_token=''"
            )
        },
    ),
    _Kind(
        "datafactory",
        "DataFactoryCompute",
        "DataFactory",
        (Attachable,),
        "An Azure Data Factory",
        {
            "DataFactoryProvisioningConfiguration": "location=None",
            "DataFactoryAttachConfiguration": "resource_group=None, factory_name=None, resource_id=None",
        },
    ),
    _Kind(
        "dsvm",
        "DsvmCompute",
        "VirtualMachine",
        (Locked,),
        "A Data Science Virtual Machine",
        {"DsvmProvisioningConfiguration": "vm_size=None, ssh_port=None, location=None"},
    ),
    _Kind(
        "hdinsight",
        "HDInsightCompute",
        "HDInsight",
        (Attachable, Locked),
        "An HDInsight cluster",
        {
            "HDInsightAttachConfiguration": (
                "username, subscription_id=None, resource_group=None, cluster_name=None, resource_id=None, "
                "address=None, ssh_port='22', password='', private_key_file='', private_key_passphrase=''"
            )
        },
    ),
    _Kind(
        "kubernetescompute",
        "KubernetesCompute",
        "Kubernetes",
        (ComputeTarget,),
        "A Kubernetes cluster",
        {
            "KubernetesComputeAttachConfiguration": (
                "resource_id=None, namespace=None, identity_type=None, identity_ids=None"
            )
        },
    ),
    _Kind(
        "kusto",
        "KustoCompute",
        "Kusto",
        (Locked,),
        "A Kusto cluster",
        {
            "KustoAttachConfiguration": (
                "resource_group=None, workspace_name=None, resource_id=None, tenant_id=None, "
                "kusto_connection_string=None, application_id=None, application_key=None"
            )
        },
    ),
    _Kind(
        "remote",
        "RemoteCompute",
        "VirtualMachine",
        (Attachable, Locked),
        "A machine reached by SSH",
        {
            "RemoteComputeAttachConfiguration": (
                "username, subscription_id=None, resource_group=None, vm_name=None, resource_id=None, address=None, "
                "ssh_port=22, password='', private_key_file='', private_key_passphrase=''"
            )
        },
    ),
    _Kind(
        "synapse",
        "SynapseCompute",
        "SynapseSpark",
        (ComputeTarget,),
        "A Synapse Spark pool",
        {"SynapseAttachConfiguration": "linked_service, type, pool_name"},
    ),
)


def _create_classes() -> "Dict[str, type]":
    """Return the classes of all kinds and their configurations, keyed by class name."""
    made: Dict[str, type] = {}
    for kind in _KINDS:
        origin = {"__module__": f"azureml.core.compute.{kind.module}"}
        calls: Dict[str, Any] = {}
        for name, takes in kind.configurations.items():
            is_attached = name.endswith("AttachConfiguration")
            base: Any = AttachConfiguration if is_attached else ProvisioningConfiguration
            made[name] = type(base)(name, (base,), {**origin, "__doc__": f"{kind.noun}."}, takes=takes)
            calls["attach_configuration" if is_attached else "provisioning_configuration"] = made[name]
        doc = f"{kind.noun}; creating or attaching one is refused."
        namespace = {**origin, **calls, "__doc__": doc, "_compute_type": kind.compute_type}
        made[kind.name] = type(kind.name, kind.bases, namespace)
    return made


_CLASSES = _create_classes()
globals().update(_CLASSES)

__all__ = ["ComputeTarget", "ComputeTargetException", *_CLASSES]  # noqa: PLE0604 - they are all texts
