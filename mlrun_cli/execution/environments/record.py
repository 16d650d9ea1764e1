"""What a run keeps of the environment it had, and what it says of it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from mlrun_cli.domain.environment import BuiltEnvironment, EnvironmentBuild

_MOST_LINES = 2_000
_RELAXED = "'--environment relaxed' leaves open the versions that cannot be had"
_CURRENT = "'--environment current' takes the python on PATH as it is"


def environment_document(environment: BuiltEnvironment) -> dict[str, Any]:
    """What was really installed, as the run's `system_logs/environment.json`."""
    return {
        "key": environment.key,
        "builder": environment.build.builder.value,
        "python": environment.python_version,
        "installed": list(environment.installed[:_MOST_LINES]),
        "loosened": list(environment.loosened),
    }


def loosened_warning(environment: BuiltEnvironment) -> tuple[str, ...]:
    """The line of a run in whose environment versions were left open."""
    if not environment.loosened:
        return ()
    return (f"Not to be had as pinned, so that the version was left open: {', '.join(environment.loosened)}.",)


def ways_out(build: EnvironmentBuild) -> str:
    """What to do when an environment cannot be built."""
    if build.is_relaxed:
        return f"({_CURRENT}.)"
    return f"(Change what cannot be had; or {_RELAXED}, {_CURRENT}.)"


def mlflow_warning(work: Path) -> tuple[str, ...]:
    """The line of a run that has left data of MLflow behind in its working folder."""
    folder = work / "mlruns"
    if not folder.is_dir():
        return ()
    return (f"MLflow's data of this run lies in {folder}; it is kept with the run, but is none of its metrics.",)
