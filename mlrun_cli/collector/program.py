"""The collector program."""

from __future__ import annotations

from pathlib import Path

from mlrun_cli.collector.collector import Collector
from mlrun_cli.core.program_log import write_log
from mlrun_cli.errors import TargetKindNotFound
from mlrun_cli.runs.owner_lock import OwnerLock
from mlrun_cli.runtime.program_start import detach_program, open_workspace_when_available
from mlrun_cli.targets.engine import EngineTarget
from mlrun_cli.targets.lookup import get_target


def main(arguments: list[str]) -> None:
    """Collect the data of a target's runs in the background, holding the lock whose descriptor is an argument."""
    _, folder, _, descriptor, name = arguments
    detach_program(Path(folder), int(descriptor))
    with open_workspace_when_available(Path(folder), Path("queues", name)) as workspace:
        try:
            target = get_target(workspace, name)
        except TargetKindNotFound as error:
            write_log(f"{name} is left to another collector: {error}")
            return
        if isinstance(target, EngineTarget):
            Collector(target, OwnerLock(int(descriptor))).run()
