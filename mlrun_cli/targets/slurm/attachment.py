"""What is checked when a Slurm cluster is attached."""

from __future__ import annotations

from pathlib import Path

from mlrun_cli.targets.attachment import ClusterAttachment
from mlrun_cli.targets.base import Demand
from mlrun_cli.targets.shared_folder_probe import NodeCheck
from mlrun_cli.targets.slurm.jobs import check_options
from mlrun_cli.targets.slurm.node_check import check_nodes
from mlrun_cli.targets.slurm.options import SlurmSettings


class SlurmAttachment(ClusterAttachment[SlurmSettings]):
    """A request to attach a Slurm cluster."""

    kind = "Slurm"

    def check_settings(self) -> None:
        """Raise if Slurm refuses jobs with these options.

        Raises:
            EngineRefused: it does; the message is Slurm's.
            EngineUnavailable: Slurm does not answer.
            ProgramNotFound: Slurm's commands are not installed on this machine.
        """
        check_options(self.settings.build_script(["true"]), self.settings.build_resource_options(Demand()))

    def check_nodes(self, folder: Path, python: str) -> NodeCheck:
        """Have a small job on each node that is up read and write the shared folder."""
        return check_nodes(self.settings, folder, python)
