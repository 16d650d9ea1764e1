"""A cluster of HDInsight: described, never made, since runs run on this machine."""

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
    "HDInsightAttachConfiguration",
    "HDInsightCompute",
]


class HDInsightAttachConfiguration(ComputeTargetAttachConfiguration):
    """A cluster of HDInsight."""

    def __init__(
        self,
        username: str,
        subscription_id: str | None = None,
        resource_group: str | None = None,
        cluster_name: str | None = None,
        resource_id: str | None = None,
        address: str | None = None,
        ssh_port: str = "22",
        password: str = "",
        private_key_file: str = "",
        private_key_passphrase: str = "",
    ) -> None:
        super().__init__(HDInsightCompute)
        self.username = username
        self.subscription_id = subscription_id
        self.resource_group = resource_group
        self.cluster_name = cluster_name
        self.resource_id = resource_id
        self.address = address
        self.ssh_port = ssh_port
        self.password = password
        self.private_key_file = private_key_file
        self.private_key_passphrase = private_key_passphrase


class HDInsightCompute(ComputeTarget):
    """A cluster of HDInsight; refused wherever one would be made."""

    _compute_type = "HDInsight"

    @staticmethod
    def attach_configuration(
        username: str,
        subscription_id: str | None = None,
        resource_group: str | None = None,
        cluster_name: str | None = None,
        resource_id: str | None = None,
        address: str | None = None,
        ssh_port: str = "22",
        password: str = "",
        private_key_file: str = "",
        private_key_passphrase: str = "",
    ) -> HDInsightAttachConfiguration:
        """What `ComputeTarget.attach` takes, and refuses."""
        return HDInsightAttachConfiguration(
            username,
            subscription_id,
            resource_group,
            cluster_name,
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
        ssh_port: str = "22",
        password: str = "",
        private_key_file: str = "",
        private_key_passphrase: str = "",
    ) -> ComputeTarget:
        """Refused: raises ComputeTargetException."""
        raise not_here(HDInsightAttachConfiguration(username, address=address), name, "HDInsightCompute.attach(…)")

    def get_credentials(self) -> Any:
        """Refused: raises ComputeTargetException."""
        raise not_here(None, self.name, "HDInsightCompute.get_credentials()")
