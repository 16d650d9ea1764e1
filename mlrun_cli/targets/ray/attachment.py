"""What is checked when a Ray cluster is attached."""

from __future__ import annotations

from pathlib import Path

from mlrun_cli.targets.attachment import ClusterAttachment
from mlrun_cli.targets.base import Demand
from mlrun_cli.targets.ray.client import RayClient
from mlrun_cli.targets.ray.node_check import check_nodes
from mlrun_cli.targets.ray.nodes import check_feasibility
from mlrun_cli.targets.ray.settings import RaySettings
from mlrun_cli.targets.shared_folder_probe import NodeCheck


class RayAttachment(ClusterAttachment[RaySettings]):
    """A request to attach a Ray cluster."""

    kind = "Ray"

    def check_settings(self) -> None:
        """Raise if no node has the resources that a job reserves by default.

        Raises:
            EngineRefused: none has.
            EngineUnavailable: Ray does not answer.
        """
        client = RayClient(self.settings.address, self.settings.variables)
        check_feasibility(client, self.settings.compute_reserved_resources(Demand()))

    def check_nodes(self, folder: Path, python: str) -> NodeCheck:
        """Have a small job on each node that is up read and write the shared folder."""
        return check_nodes(self.settings, folder, python)
