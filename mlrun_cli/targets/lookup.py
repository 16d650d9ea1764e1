"""The lookup of compute targets, by their names, and of the classes of their kinds.

The kinds of this package are those of `mlrun_cli/targets/kinds.py`.
"""

from __future__ import annotations

from functools import lru_cache

from mlrun_cli.compute.compute_target import LOCAL_TARGET
from mlrun_cli.errors import TargetKindNotFound
from mlrun_cli.targets.base import Target
from mlrun_cli.targets.kinds import TARGET_KINDS, import_class
from mlrun_cli.targets.local import LocalTarget
from mlrun_cli.workspace import Workspace

ENTRY_POINTS = "mlrun_cli.targets"
"""The group of entry points by which another distribution brings kinds of targets; each names a `Target`."""


def get_target(workspace: Workspace, name: str | None) -> Target:
    """Return the compute target with this name; None, or a name that is not registered, stands for this machine.

    Raises:
        TargetKindNotFound: the distribution that provides the kind of the target is not installed.
    """
    row = None if name is None or name == LOCAL_TARGET else workspace.compute_targets.find(name)
    kind = LocalTarget if row is None else get_target_class(row.kind)
    return kind(workspace, name or LOCAL_TARGET)


@lru_cache
def get_target_class(name: str) -> type[Target]:
    """Return the `Target` subclass of the kind with this name.

    Raises:
        TargetKindNotFound: there is no such kind.
    """
    if name in TARGET_KINDS:
        found: type[Target] = import_class(TARGET_KINDS[name].target_class)
        return found
    from importlib.metadata import entry_points  # noqa: PLC0415 — slow, and kinds of others are rare

    for entry_point in entry_points(group=ENTRY_POINTS, name=name):
        kind = entry_point.load()
        if isinstance(kind, type) and issubclass(kind, Target):
            return kind
    raise TargetKindNotFound(name)
