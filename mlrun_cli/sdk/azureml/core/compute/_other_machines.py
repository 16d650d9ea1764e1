"""Compute targets on other machines, which can be configured but only attached if they are reached by SSH.

Each kind is a row of `_KINDS`. Azure's modules of these kinds are aliases of this one.
"""

from typing import Any, Dict, NamedTuple, Tuple

from azureml._unsupported import StoredArguments
from azureml.core.compute.compute import (
    ComputeTarget,
    ComputeTargetAttachConfiguration,
    ComputeTargetException,
    ComputeTargetProvisioningConfiguration,
    create_unsupported_target_error,
)

_SSH_PORT = 22


class AttachConfiguration(StoredArguments, ComputeTargetAttachConfiguration):
    """A configuration that `ComputeTarget.attach` refuses, unless it is for a `RemoteCompute`."""


class ProvisioningConfiguration(StoredArguments, ComputeTargetProvisioningConfiguration):
    """A configuration that `ComputeTarget.create` refuses."""


class AttachableTarget(ComputeTarget):
    """Base class of targets that Azure can also attach through a method of their own class."""

    attach_configuration: Any

    @classmethod
    def attach(cls, workspace: Any, name: str, *_: Any, **__: Any) -> ComputeTarget:
        """Raise ComputeTargetException, since targets of this kind are not supported."""
        raise create_unsupported_target_error(cls.attach_configuration, name, f"{cls.__name__}.attach(…)")


class CredentialTarget(ComputeTarget):
    """Base class of targets that have login credentials in Azure."""

    def get_credentials(self) -> Any:
        """Raise ComputeTargetException, since no login credentials are stored here."""
        raise create_unsupported_target_error(None, self.name, f"{type(self).__name__}.get_credentials()")


class SshTarget(CredentialTarget):
    """Base class of machines reached by SSH, on which runs can be executed."""

    attach_configuration: Any
    address: "str | None"
    username: "str | None"
    ssh_port: int

    @classmethod
    def attach(cls, workspace: Any, name: str, *arguments: Any, **named: Any) -> ComputeTarget:
        """Attach a machine; alias of `ComputeTarget.attach`.

        Arguments are a configuration, or `username, address, ssh_port=22, password='', private_key_file='',
        private_key_passphrase=''`.
        """
        if arguments and isinstance(arguments[0], AttachConfiguration):
            return cls._attach(workspace, name, arguments[0])
        names = ("username", "address", "ssh_port", "password", "private_key_file", "private_key_passphrase")
        return cls._attach(workspace, name, cls.attach_configuration(**dict(zip(names, arguments)), **named))

    @classmethod
    def _attach(cls, workspace: Any, name: str, configuration: Any) -> ComputeTarget:
        if configuration.password or configuration.private_key_passphrase:
            raise ComputeTargetException(
                "Passwords are not kept: put your public key on the machine ('ssh-copy-id'), and a key with a "
                "passphrase into ssh-agent ('ssh-add')."
            )
        if not configuration.address:
            raise ComputeTargetException("Name the machine with address=…: resources of Azure are not reached.")
        port = int(configuration.ssh_port)
        return cls._attach_machine(
            workspace,
            name=name,
            address=configuration.address,
            username=configuration.username,
            # As ssh has it by default, unless its configuration says otherwise.
            ssh_port=None if port == _SSH_PORT else port,
            private_key_file=configuration.private_key_file or None,
        )

    def _load_document(self, document: "Dict[str, Any]") -> None:
        super()._load_document(document)
        properties = document["properties"]["properties"]
        self.address = properties.get("address")
        self.username = properties.get("username")
        self.ssh_port = properties.get("sshPort", _SSH_PORT)


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
        (AttachableTarget,),
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
        (AttachableTarget, CredentialTarget),
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
        (AttachableTarget,),
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
        (CredentialTarget,),
        "A Data Science Virtual Machine",
        {"DsvmProvisioningConfiguration": "vm_size=None, ssh_port=None, location=None"},
    ),
    _Kind(
        "hdinsight",
        "HDInsightCompute",
        "HDInsight",
        (AttachableTarget, CredentialTarget),
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
        (CredentialTarget,),
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
        (SshTarget,),
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
    """Create the target and configuration classes for all kinds, and return them keyed by class name."""
    made: Dict[str, type] = {}
    for kind in _KINDS:
        origin = {"__module__": f"azureml.core.compute.{kind.module}"}
        calls: Dict[str, Any] = {}
        for name, takes in kind.configurations.items():
            is_attached = name.endswith("AttachConfiguration")
            base: Any = AttachConfiguration if is_attached else ProvisioningConfiguration
            made[name] = type(base)(name, (base,), {**origin, "__doc__": f"{kind.noun}."}, takes=takes)
            calls["attach_configuration" if is_attached else "provisioning_configuration"] = made[name]
        is_refused = not any(issubclass(base, SshTarget) for base in kind.bases)
        doc = f"{kind.noun}; creating or attaching one is refused." if is_refused else f"{kind.noun}."
        namespace = {**origin, **calls, "__doc__": doc, "_compute_type": kind.compute_type}
        made[kind.name] = type(kind.name, kind.bases, namespace)
    return made


_CLASSES = _create_classes()
globals().update(_CLASSES)

__all__ = ["ComputeTarget", "ComputeTargetException", *_CLASSES]  # noqa: PLE0604 - they are all texts
