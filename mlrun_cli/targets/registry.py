"""The registry of the kinds of compute targets."""

from __future__ import annotations

from functools import lru_cache
from importlib import import_module

from mlrun_cli.compute.compute_target import AML_COMPUTE, COMPUTE_INSTANCE, LOCAL_TARGET, RAY, REMOTE, SLURM
from mlrun_cli.errors import TargetKindNotFound
from mlrun_cli.targets.base import Target
from mlrun_cli.targets.local import LocalTarget
from mlrun_cli.workspace import Workspace

ENTRY_POINTS = "mlrun_cli.targets"
"""The group of entry points by which another distribution brings kinds of targets; each names a `Target`."""

_BUILT_IN: dict[str, type[Target]] = {AML_COMPUTE: LocalTarget, COMPUTE_INSTANCE: LocalTarget}
_ENGINES = {
    RAY: "mlrun_cli.targets.ray.target:RayTarget",
    REMOTE: "mlrun_cli.targets.remote.target:RemoteTarget",
    SLURM: "mlrun_cli.targets.slurm.target:SlurmTarget",
}
"""The kinds with an engine, whose modules are imported when they are first used."""


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
    """Return the class for a kind of compute target.

    Raises:
        TargetKindNotFound: there is no such kind.
    """
    if name in _BUILT_IN:
        return _BUILT_IN[name]
    if name in _ENGINES:
        module, _, attribute = _ENGINES[name].partition(":")
        engine: type[Target] = getattr(import_module(module), attribute)
        return engine
    from importlib.metadata import entry_points  # noqa: PLC0415 — slow, and kinds of others are rare

    for entry_point in entry_points(group=ENTRY_POINTS, name=name):
        kind = entry_point.load()
        if isinstance(kind, type) and issubclass(kind, Target):
            return kind
    raise TargetKindNotFound(name)
