"""Dry runs: the run that a submission would start, as JSON with redacted secrets."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from mlrun_cli.core.named_tuple import NamedTuple
from mlrun_cli.core.redaction import Redactor
from mlrun_cli.environments.docker_section import get_shared_memory_size, list_engine_arguments
from mlrun_cli.environments.folder import EnvironmentFolder
from mlrun_cli.processes.launchers.registry import get_launcher
from mlrun_cli.snapshots.plan import PlannedSnapshot
from mlrun_cli.snapshots.snapshot import OmittedPath
from mlrun_cli.submit.admission import Admission
from mlrun_cli.submit.request import SubmitRequest
from mlrun_cli.submit.resolution import Resolution
from mlrun_cli.submit.resolve import Resolver
from mlrun_cli.workspace import Workspace

if TYPE_CHECKING:  # start-up: few runs have data
    from mlrun_cli.submit.run_data import RunData

_MAX_LEFT_OUT = 100


class PlannedRun(NamedTuple):
    """A run that a submission would start, as far as it is known in advance.

    Attributes:
        resolution: the resolved request; placeholders for data are still in it.
        data: the values for these; None if there are no data.
        admission: whether the run would go through the queue.
        snapshot: a preview of the snapshot.
    """

    resolution: Resolution
    data: RunData | None
    admission: Admission
    snapshot: PlannedSnapshot


def dry_run(workspace: Workspace, request: SubmitRequest) -> dict[str, Any]:
    """Return a record of the run that `submit` would start, without starting or storing anything.

    Raises:
        MlrunError: any error that `submit` would raise before it starts the run.
    """
    return build_dry_run_record(plan_run(workspace, request), request.experiment_name)


def build_dry_run_record(planned: PlannedRun, experiment_name: str) -> dict[str, Any]:
    """Return a JSON-compatible record of a planned run, without secrets."""
    resolution = planned.resolution
    if planned.data is not None:
        resolution = resolution.replace_data_placeholders(planned.data)
    redactor, configuration = resolution.redactor, resolution.configuration
    is_command = configuration.command is not None
    shown = redactor.redact_arguments(resolution.argv)
    environment = resolution.environment.plan
    starter = [] if is_command else environment.starter or [environment.interpreter]
    return {
        "experiment_name": experiment_name,
        "runconfig": None if resolution.runconfig is None else str(resolution.runconfig),
        "target": configuration.target,
        "waits_for_its_place": planned.admission.is_queued,
        "source_directory": str(resolution.source),
        "script": None if is_command else shown[0],
        "arguments": [] if is_command else shown[1:],
        "command": None if configuration.command is None else redactor.redact_command(configuration.command),
        "command_line": [*get_launcher(resolution.launch).build_command_prefix(), *starter, *shown],
        "framework": configuration.framework,
        "communicator": configuration.communicator,
        "node_count": configuration.node_count,
        "process_count": resolution.launch.process_count,
        "max_run_duration_seconds": configuration.max_run_duration_seconds,
        "environment": _build_environment_record(resolution, redactor),
        "environment_variables": redactor.redact_variables(configuration.environment_variables),
        "data": [redactor.redact_document(entry) for entry in resolution.data.get("data", ())],
        "output_data": [redactor.redact_document(entry) for entry in resolution.data.get("outputData", ())],
        "snapshot": _build_snapshot_record(planned.snapshot),
        "notes": [
            redactor.redact_text(note)
            for note in (*resolution.notes, *planned.admission.notes, *planned.snapshot.notes)
        ],
    }


def plan_run(workspace: Workspace, request: SubmitRequest) -> PlannedRun:
    """Return the run that `submit` would start, without starting or storing anything.

    Raises:
        MlrunError: any error that `submit` would raise before it starts the run.
    """
    resolver = Resolver(workspace, workspace.home, request)
    with resolver.add_notes_to_errors():
        resolution = resolver.resolve()
        resolver.preview()
        resolver.problems.raise_if_any()
    admission, snapshot = resolver.admission, resolver.snapshot
    assert resolution is not None and admission is not None and snapshot is not None
    return PlannedRun(resolution, resolver.data, admission, snapshot)


def _build_environment_record(resolution: Resolution, redactor: Redactor) -> dict[str, Any]:
    environment = resolution.environment.plan
    build = environment.build
    container: dict[str, Any] = {}
    if environment.container is not None:
        container = {
            "image": environment.container.image,
            "shm_size": get_shared_memory_size(resolution.configuration),
            "arguments": list_engine_arguments(resolution.configuration),
        }
    if build is None:
        return {"kind": environment.kind.value, "interpreter": environment.interpreter, **container}
    return {
        **container,
        "kind": environment.kind.value,
        "interpreter": environment.interpreter,
        "is_there": EnvironmentFolder(Path(build.folder)).is_complete(),
        "folder": build.folder,
        "python": build.python,
        "day": build.day,
        "day_source": build.day_source or None,
        "builder": build.builder.value,
        "requirements": [redactor.redact_text(line) for line in build.requirements],
        "packages": list(build.packages),
        "channels": [redactor.redact_text(channel) for channel in build.channels],
        "options": [redactor.redact_text(line) for line in build.options],
        "dockerfile": None if build.image is None else redactor.redact_value(build.image.dockerfile),
        "context": None if build.image is None else build.image.context,
    }


def _build_snapshot_record(snapshot: PlannedSnapshot) -> dict[str, Any]:
    reason = f"named in {snapshot.ignore_file}"
    left_out = [*snapshot.left_out, *(OmittedPath(path, reason) for path in snapshot.ignored)]
    return {
        "files": len(snapshot.files),
        "bytes": snapshot.size,
        "ignore_file": snapshot.ignore_file,
        "left_out": [{"path": one.path, "reason": one.reason} for one in left_out[:_MAX_LEFT_OUT]],
        "left_out_count": len(left_out),
    }
