"""The table of the kinds of compute targets.

A new kind of clusters or machines, which are attached, needs three places:

- a line in `TARGET_KINDS`, from which `targets/lookup.py`, the command line and its texts know the kind;
- a folder in `mlrun_cli/targets/` with its target, which does what `targets/base.py` says, or `targets/engine.py` if it
  has an engine with a queue, with what is checked and stored when one is attached, see `targets/attachment.py`, and, if
  its jobs can have several nodes, with how a run's processes are started on them, see `targets/job_nodes.py`;
- the options of its `computetarget attach WORD`, in `mlrun_cli/cli/computetarget/attach_WORD.py`.

Other distributions bring kinds without a line here, see `targets/lookup.py`. They are not copied to nodes, so that all
processes of their runs are on one node.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

from mlrun_cli.compute.compute_target import AML_COMPUTE, COMPUTE_INSTANCE
from mlrun_cli.core.named_tuple import NamedTuple

_THIS_MACHINE = "mlrun_cli.targets.local:LocalTarget"


class TargetKind(NamedTuple):
    """A kind of compute target.

    Attributes:
        name: the name in rows and records; Azure's, if Azure has such a kind.
        target_class: the class of its targets, as `module:attribute`, which is imported when it is first used.
        attach_word: the word after `computetarget attach`; empty if targets are created, since they are this machine.
        attach_options: the options that attaching one needs, with placeholders.
        description: what is attached, for texts that list what can be.
        job_nodes_class: the class, as `module:attribute`, of the nodes of a job; empty if a run gets one node only.
    """

    name: str
    target_class: str
    attach_word: str = ""
    attach_options: str = ""
    description: str = ""
    job_nodes_class: str = ""

    @property
    def is_attached(self) -> bool:
        """True if targets are attached, not created: their machines exist without the workspace."""
        return bool(self.attach_word)

    @property
    def attach_subcommand(self) -> str:
        """The subcommand of `computetarget` that attaches a target of this kind."""
        return f"attach {self.attach_word}"

    def build_attach_command(self, name: str) -> str:
        """Return the command, with placeholders, that attaches a target with this name."""
        return f"mlrun computetarget {self.attach_subcommand} -n {name} {self.attach_options}"


TARGET_KINDS = {
    kind.name: kind
    for kind in (
        TargetKind(AML_COMPUTE, _THIS_MACHINE),
        TargetKind(COMPUTE_INSTANCE, _THIS_MACHINE),
        TargetKind(
            "Ray",
            "mlrun_cli.targets.ray.target:RayTarget",
            attach_word="ray",
            attach_options="--address URL --shared-folder FOLDER",
            description="Ray",
        ),
        TargetKind(
            "VirtualMachine",
            "mlrun_cli.targets.remote.target:RemoteTarget",
            attach_word="remote",
            attach_options="--address HOST --username USER",
            description="another machine by ssh",
        ),
        TargetKind(
            "Slurm",
            "mlrun_cli.targets.slurm.target:SlurmTarget",
            attach_word="slurm",
            attach_options="--shared-folder FOLDER",
            description="Slurm",
            job_nodes_class="mlrun_cli.targets.slurm.job_nodes:SlurmJobNodes",
        ),
    )
}
"""The kinds, keyed by name."""


def list_attached_kinds() -> list[TargetKind]:
    """Return the kinds whose targets are attached rather than created, sorted by their attach subcommands."""
    return sorted((kind for kind in TARGET_KINDS.values() if kind.is_attached), key=lambda kind: kind.attach_word)


def is_attached_kind(name: str) -> bool:
    """Return whether targets of the kind with this name are attached, not created."""
    return name in TARGET_KINDS and TARGET_KINDS[name].is_attached


def import_class(reference: str) -> Any:
    """Import and return the class that the table names as `module:attribute`."""
    module, _, attribute = reference.partition(":")
    return getattr(import_module(module), attribute)
