"""Dry runs: the run that a submission would start, as JSON with redacted secrets."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from mlrun_cli.core.named_tuple import NamedTuple
from mlrun_cli.core.redaction import Redactor
from mlrun_cli.environments.docker_section import get_shared_memory, list_engine_arguments
from mlrun_cli.environments.folder import EnvironmentFolder
from mlrun_cli.environments.planned_environment import PlannedEnvironment
from mlrun_cli.processes.launch import Launch
from mlrun_cli.processes.launchers.registry import get_launcher
from mlrun_cli.runconfigs.run_configuration import RunConfiguration
from mlrun_cli.snapshots.plan import PlannedSnapshot
from mlrun_cli.submit.admission import Admission
from mlrun_cli.submit.request import SubmitRequest
from mlrun_cli.submit.resolve import Resolver
from mlrun_cli.workspace import Workspace

_MOST_LEFT_OUT = 100


class PlannedRun(NamedTuple):
    """A run that a submission would start, as far as it is known in advance.

    Attributes:
        configuration: the runconfig's configuration, with the request's replacements and the paths of the data.
        runconfig: the runconfig file, if any.
        source: the folder that the snapshot would be taken of.
        argv: the command line, as in a submission.
        environment: the plan of the environment.
        launch: the processes.
        redactor: the redactor of the run's secrets.
        admission: whether the run would go through the queue.
        data: `data` and `outputData` of the run's definition.
        snapshot: a preview of the snapshot.
        notes: lines about settings that are skipped or handled differently.
    """

    configuration: RunConfiguration
    runconfig: Path | None
    source: Path
    argv: tuple[str, ...]
    environment: PlannedEnvironment
    launch: Launch
    redactor: Redactor
    admission: Admission
    data: Mapping[str, Sequence[Mapping[str, Any]]]
    snapshot: PlannedSnapshot
    notes: tuple[str, ...]


def dry_run(workspace: Workspace, request: SubmitRequest) -> dict[str, Any]:
    """Return a record of the run that `submit` would start, without starting or storing anything.

    Raises:
        MlrunError: any error that `submit` would raise before it starts the run.
    """
    planned = _plan_run(workspace, request)
    redactor = planned.redactor
    configuration = planned.configuration
    is_command = configuration.command is not None
    shown = redactor.redact_arguments(planned.argv)
    environment = planned.environment.plan
    starter = [] if is_command else environment.starter or [environment.interpreter]
    return {
        "experiment_name": request.experiment_name,
        "runconfig": None if planned.runconfig is None else str(planned.runconfig),
        "target": configuration.target,
        "waits_for_its_place": planned.admission.is_queued,
        "source_directory": str(planned.source),
        "script": None if is_command else shown[0],
        "arguments": [] if is_command else shown[1:],
        "command": None if configuration.command is None else redactor.redact_command(configuration.command),
        "command_line": [*get_launcher(planned.launch).build_command_prefix(), *starter, *shown],
        "framework": configuration.framework,
        "communicator": configuration.communicator,
        "node_count": configuration.node_count,
        "process_count": planned.launch.process_count,
        "max_run_duration_seconds": configuration.max_run_duration_seconds,
        "environment": _build_environment_record(planned, redactor),
        "environment_variables": redactor.redact_variables(configuration.environment_variables),
        "data": [redactor.redact_document(entry) for entry in planned.data["data"]],
        "output_data": [redactor.redact_document(entry) for entry in planned.data["outputData"]],
        "snapshot": _build_snapshot_record(planned),
        "notes": [redactor.redact_text(note) for note in planned.notes],
    }


def _plan_run(workspace: Workspace, request: SubmitRequest) -> PlannedRun:
    resolver = Resolver(workspace, workspace.home, request)
    with resolver.add_notes_to_errors():
        resolution = resolver.resolve()
        resolver.preview()
        resolver.problems.raise_if_any()
    data, admission, snapshot = resolver.data, resolver.admission, resolver.snapshot
    assert resolution is not None and admission is not None and snapshot is not None
    if data is not None:
        resolution = resolution.replace_data_placeholders(data)
    return PlannedRun(
        configuration=resolution.configuration,
        runconfig=resolution.runconfig,
        source=resolution.source,
        argv=resolution.argv,
        environment=resolution.environment,
        launch=resolution.launch,
        redactor=resolution.redactor,
        admission=admission,
        data=resolution.data or {"data": [], "outputData": []},
        snapshot=snapshot,
        notes=(*resolution.notes, *admission.notes, *snapshot.notes),
    )


def _build_environment_record(planned: PlannedRun, redactor: Redactor) -> dict[str, Any]:
    environment = planned.environment.plan
    build = environment.build
    container: dict[str, Any] = {}
    if environment.container is not None:
        container = {
            "image": environment.container.image,
            "shm_size": get_shared_memory(planned.configuration),
            "arguments": list_engine_arguments(planned.configuration),
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


def _build_snapshot_record(planned: PlannedRun) -> dict[str, Any]:
    left_out = planned.snapshot.left_out
    return {
        "files": len(planned.snapshot.files),
        "bytes": planned.snapshot.size,
        "ignore_file": planned.snapshot.ignore_file,
        "left_out": [{"path": one.path, "reason": one.reason} for one in left_out[:_MOST_LEFT_OUT]],
        "left_out_count": len(left_out),
    }
