"""Attach a cluster or a machine, of any kind, as a compute target."""

from __future__ import annotations

from collections.abc import Mapping

from mlrun_cli.actions.compute_targets import check_name_is_free, store_compute_target
from mlrun_cli.compute.compute_target import ComputeTarget
from mlrun_cli.targets.attachment import Attachment
from mlrun_cli.targets.shared_folder_probe import NodeCheck
from mlrun_cli.workspace import Workspace


def attach_target(
    workspace: Workspace,
    name: str,
    attachment: Attachment,
    *,
    description: str = "",
    tags: Mapping[str, str] | None = None,
) -> tuple[ComputeTarget, NodeCheck | None]:
    """Check an attachment and store it as a compute target; return the target, and the result if nodes were checked.

    Raises:
        AlreadyExists: there is a compute target with this name.
        UsageError: the name or an option is not valid.
        MlrunError: the check failed, see `Attachment.check`.
    """
    check_name_is_free(workspace, name)
    checked = attachment.check(workspace, name)
    target = store_compute_target(
        workspace, name, attachment.kind, properties=checked.properties, description=description, tags=tags
    )
    return target, checked.node_check
