"""Run templates: submissions that are resolved once, from which any number of runs is started later.

A template is two files of a folder: `submission.json`, as that of a run, and `secrets.json`, which only its user can
read. A third one, `configuration.json`, is for reruns (see `submit.template_record`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from mlrun_cli.core.json_files import read_json, write_json
from mlrun_cli.core.named_tuple import NamedTuple
from mlrun_cli.environments.docker_arguments import Volume
from mlrun_cli.environments.mode import EnvironmentChoice
from mlrun_cli.environments.planned_environment import PlannedEnvironment
from mlrun_cli.errors import StoredFilesLost
from mlrun_cli.runconfigs.run_configuration import RunConfiguration
from mlrun_cli.runs.submission import Submission
from mlrun_cli.snapshots.content_store import SnapshotStore
from mlrun_cli.snapshots.git import read_git_properties
from mlrun_cli.snapshots.snapshot import Snapshot
from mlrun_cli.submit.admission import GpuRequest, build_gpu_request, determine_admission
from mlrun_cli.submit.request import SubmitRequest
from mlrun_cli.submit.resolution import Resolution, build_run_redactor
from mlrun_cli.submit.resolve import Resolver
from mlrun_cli.submit.start import (
    build_environment_here,
    build_submission,
    prepare_source,
)
from mlrun_cli.submit.submit import check_disk_space
from mlrun_cli.submit.submitted import Progress
from mlrun_cli.submit.template_record import TemplateRecord
from mlrun_cli.targets.lookup import get_target
from mlrun_cli.targets.package_copies import ensure_sdk_copy
from mlrun_cli.workspace import Workspace

_PLAIN_FIELDS = (
    "experiment_name",
    "runconfig_name",
    "script",
    "target",
    "display_name",
    "description",
    "time_limit_seconds",
    "keeps_outputs_only",
    "priority",
    "gpu_count",
)


_MAPPINGS = ("environment", "tags", "properties", "variables")


_PATHS = ("path", "source_directory", "conda_dependencies")


class RunTemplate(NamedTuple):
    """A resolved submit without a run.

    Attributes:
        request: the request, without a parent or conditions of its start.
        resolution: the resolved request; placeholders for data are still in it.
        submission: the submission of each run, whose run id is empty.
        snapshot: the snapshot of the source.
        git_properties: the properties that describe the git commit of the source.
        gpus: the GPUs that each run needs.
        notes: lines for stderr about the resolution and the snapshot.
    """

    request: SubmitRequest
    resolution: Resolution
    submission: Submission
    snapshot: Snapshot
    git_properties: Mapping[str, str]
    gpus: GpuRequest
    notes: tuple[str, ...] = ()

    @property
    def target(self) -> str:
        """The name of the runs' compute target."""
        return self.submission.target

    def write(self, folder: Path) -> None:
        """Write the files of the template to an existing folder, and wait until they are on disk.

        Raises:
            OSError: a file cannot be written.
        """
        write_json(get_secrets_file(folder), self._build_secrets(), durable=True)
        record = TemplateRecord(self.resolution.configuration, self.git_properties)
        record.write(folder, self.resolution.redactor)
        write_json(get_submission_file(folder), self.submission.to_json(), durable=True)

    def _build_secrets(self) -> dict[str, Any]:
        request, resolution = self.request, self.resolution
        paths = {name: getattr(request, name) for name in _PATHS}
        mode, retry = request.environment_mode, request.retry
        return {
            "request": {
                **{name: getattr(request, name) for name in _PLAIN_FIELDS},
                **{name: dict(getattr(request, name)) for name in _MAPPINGS},
                **{name: None if path is None else str(path.absolute()) for name, path in paths.items()},
                "arguments": list(request.arguments),
                "command": request.command,
                "notify": list(request.notify),
                "environment_mode": None if mode is None else str(mode),
                "retry": None if retry is None else retry.to_json(),
                "configuration": None if request.configuration is None else request.configuration.to_json(),
            },
            "configuration": resolution.configuration.to_json(),
            "runconfig": None if resolution.runconfig is None else str(resolution.runconfig),
            "source": str(resolution.source),
            "argv": list(resolution.argv),
            "installer": dict(resolution.environment.secrets),
            "variables": dict(resolution.environment.variables),
            "choice": str(resolution.choice),
            "volumes": [list(volume) for volume in resolution.volumes],
            "git": dict(self.git_properties),
            "visible_gpus": self.gpus.visible,
        }


def get_secrets_file(folder: Path) -> Path:
    """Return the path of a template's secrets file, which is needed while runs are started from the template."""
    return folder / "secrets.json"


def get_submission_file(folder: Path) -> Path:
    """Return the path of the file that stores a template's submission."""
    return folder / "submission.json"


def create_template(
    workspace: Workspace,
    request: SubmitRequest,
    *,
    progress: Progress | None = None,
    report: Callable[[str], None] | None = None,
) -> RunTemplate:
    """Resolve a request, take its snapshot and prepare its environment; return the template, without starting a run.

    Until a row of the store refers to the snapshot, the caller must prevent pruning (see `prevent_pruning`).

    Args:
        workspace: the workspace of the runs.
        request: the request for each run; its conditions of start and its parent are ignored.
        progress: called while the snapshot is taken.
        report: called with a message if the function has to wait for long.

    Raises:
        UsageError: the request is not valid, or the source is too large for a snapshot.
        ComputeTargetNotFound: the target does not exist.
        SeveralProblems: there are several such errors.
        MlrunError: the environment cannot be provided, or a file cannot be stored.
    """
    check_disk_space(workspace)
    resolver = Resolver(workspace, workspace.home, request)
    with resolver.add_notes_to_errors():
        resolution = resolver.resolve()
        if resolution is not None:
            source = prepare_source(workspace, request, resolution, resolver.problems, progress)
            if source is not None:
                target = get_target(workspace, resolution.configuration.target)
                gpus = build_gpu_request(workspace, target.name, request)
                determine_admission(workspace, resolution.configuration, request, gpus)
                build_environment_here(target, request, resolution, report)
                sdk_folder = str(ensure_sdk_copy(workspace.home / "sdk"))
                redactor = resolution.redactor
                planned = resolution.environment._replace(notes=())
                return RunTemplate(
                    request=request,
                    resolution=resolution._replace(environment=planned, notes=()),
                    submission=build_submission(
                        workspace,
                        resolution.redact_request(request),
                        resolution,
                        redactor,
                        "",
                        source.snapshot,
                        sdk_folder,
                    ),
                    snapshot=source.snapshot,
                    git_properties=read_git_properties(resolution.source, request.environment, redactor)
                    if request.earlier is None
                    else request.earlier.get_git_properties(),
                    gpus=gpus,
                    notes=(*resolution.notes, *(resolver.data.notes if resolver.data else ()), *source.notes),
                )
        resolver.preview()
        raise resolver.problems.combine()


def read_template(workspace: Workspace, folder: Path) -> RunTemplate:
    """Read a template from its folder.

    Raises:
        StoredFilesLost: a file of the template, or its snapshot, is gone or damaged.
        OSError: a file cannot be read.
    """
    written, secrets = read_json(get_submission_file(folder)), read_json(get_secrets_file(folder))
    if written is None or secrets is None:
        raise StoredFilesLost(
            f"The files from which runs are started are gone or damaged: {folder}.",
            hint="Submit it again.",
        )
    submission = Submission.from_json(written)
    request = _read_request(secrets["request"])
    runconfig = secrets["runconfig"]
    configuration = RunConfiguration.from_json(secrets["configuration"])
    resolution = Resolution(
        configuration=configuration,
        runconfig=None if runconfig is None else Path(runconfig),
        source=Path(secrets["source"]),
        argv=tuple(secrets["argv"]),
        environment=PlannedEnvironment(
            submission.environment, secrets=secrets["installer"], variables=secrets["variables"]
        ),
        launch=submission.launch,
        choice=EnvironmentChoice.parse(secrets["choice"]),
        redactor=build_run_redactor(request.environment, configuration),
        notes=(),
        volumes=tuple(Volume(*volume) for volume in secrets["volumes"]),
    )
    snapshot = SnapshotStore(workspace.snapshots_folder).read_manifest(submission.snapshot_id)
    gpus = GpuRequest(request.gpu_count, visible=secrets["visible_gpus"])
    return RunTemplate(request, resolution, submission, snapshot, secrets["git"], gpus)


def _read_request(document: Mapping[str, Any]) -> SubmitRequest:
    from mlrun_cli.runs.retry_policy import RetryPolicy  # noqa: PLC0415 - start-up: few runs are started again

    paths = {name: None if document[name] is None else Path(document[name]) for name in _PATHS}
    mode, retry, configuration = document["environment_mode"], document["retry"], document["configuration"]
    command = document.get("command")  # not in templates of older versions
    return SubmitRequest(
        **{
            **{name: document[name] for name in (*_PLAIN_FIELDS, *_MAPPINGS)},
            **paths,
            "arguments": tuple(document["arguments"]),
            "command": tuple(command) if isinstance(command, list) else command,
            "notify": tuple(document["notify"]),
            "environment_mode": None if mode is None else EnvironmentChoice.parse(mode),
            "retry": None if retry is None else RetryPolicy.from_json(retry),
            "configuration": None if configuration is None else RunConfiguration.from_json(configuration),
        }
    )
