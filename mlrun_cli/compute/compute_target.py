"""Compute targets: named destinations for runs."""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from mlrun_cli.core.named_tuple import NamedTuple
from mlrun_cli.core.time import format_iso
from mlrun_cli.errors import InvalidName

LOCAL_TARGET = "local"
AML_COMPUTE = "AmlCompute"
COMPUTE_INSTANCE = "ComputeInstance"
SHARED_FOLDER_PROPERTY = "sharedFolder"
"""The property of a target's row that contains the path of the folder that it shares with its nodes."""
MAX_NODES = 2**31 - 1
"""What a target can be given, and a run can ask for."""

_NAME = r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}"


class ComputeTarget(NamedTuple):
    """A compute target of the workspace; times are in microseconds since the epoch, UTC.

    Attributes:
        kind: the name of its kind in `TARGET_KINDS`, or of a kind of another distribution.
        properties: the requested properties, with Azure's camelCase keys such as `vmSize` and `scaleSettings`.
    """

    name: str
    kind: str
    created_at: int
    modified_at: int
    description: str = ""
    tags: Mapping[str, str] | None = None
    properties: Mapping[str, Any] = MappingProxyType({})


def get_max_nodes(target: ComputeTarget) -> int | None:
    """Return the maximum number of a target's nodes in use at the same time, or None if there is no limit."""
    if target.kind == COMPUTE_INSTANCE:
        return 1
    scale = target.properties.get("scaleSettings")
    number = scale.get("maxNodeCount") if isinstance(scale, Mapping) else None
    # A target that an earlier version made may have more, which no database would count.
    return min(number, MAX_NODES) if isinstance(number, int) else None


def check_compute_target_name(name: str) -> str:
    """Return the name of a compute target unchanged if it is valid, or raise an error.

    Raises:
        UsageError: it is not up to 64 letters, digits, `-`, `_` and `.` of which the first is a letter or a digit.
    """
    if not is_compute_target_name(name):
        raise InvalidName(
            f"{ascii(name)[:80]} is not a name for a compute target.",
            hint="Use up to 64 letters, digits, '-', '_' and '.', beginning with a letter or a digit.",
            target=name,
        )
    return name


def is_compute_target_name(name: str) -> bool:
    """Return whether a name is valid for a compute target; valid names need no quoting in a shell."""
    return re.fullmatch(_NAME, name) is not None


def build_compute_target_record(target: ComputeTarget, workspace_id: str, *, is_attached: bool) -> dict[str, Any]:
    """Return the JSON record of a target in Azure's format.

    `workspace_id` is the resource path that starts with `/subscriptions/`; `is_attached` is that of the target's kind.
    """
    return {
        "id": f"{workspace_id}/computes/{target.name}",
        "location": LOCAL_TARGET,
        "name": target.name,
        "properties": {
            "computeLocation": LOCAL_TARGET,
            "computeType": target.kind,
            "createdOn": format_iso(target.created_at),
            "description": target.description,
            "isAttachedCompute": is_attached,
            "modifiedOn": format_iso(target.modified_at),
            "properties": dict(target.properties),
            "provisioningErrors": None,
            "provisioningState": "Succeeded",
            "resourceId": None,
        },
        "tags": None if target.tags is None else dict(target.tags),
    }
