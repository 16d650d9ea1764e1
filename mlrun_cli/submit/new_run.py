"""A new run: its files in the run folder, then its row in the store."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import nullcontext, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mlrun_cli.actions.compute_targets import check_target_exists
from mlrun_cli.compute.slurm_job import build_slurm_properties
from mlrun_cli.core.json_files import write_json
from mlrun_cli.core.named_tuple import NamedTuple
from mlrun_cli.core.redaction import NAMES_VARIABLE, Redactor
from mlrun_cli.core.time import now
from mlrun_cli.errors import RunFileNotFound
from mlrun_cli.experiments.experiment import Experiment
from mlrun_cli.processes.interruptions import Interruptions
from mlrun_cli.runs.folder import RunFolder
from mlrun_cli.runs.lease import compute_lease_end
from mlrun_cli.runs.new_run_fields import build_submitter_fields
from mlrun_cli.runs.parameters import ABSENT_FLAGS
from mlrun_cli.runs.run import RERUN_TAG, SCRIPT_RUN, Run
from mlrun_cli.runs.status import RunStatus
from mlrun_cli.runs.submission import Secrets, Submission
from mlrun_cli.snapshots.git import read_git_properties
from mlrun_cli.snapshots.snapshot import SNAPSHOT_PROPERTY
from mlrun_cli.submit.admission import Admission, GpuRequest, determine_admission
from mlrun_cli.submit.new_run_folder import NewRunFolder
from mlrun_cli.submit.request import SubmitRequest
from mlrun_cli.submit.resolution import Resolution
from mlrun_cli.submit.run_definition import build_run_definition
from mlrun_cli.submit.script_environment import build_script_environment
from mlrun_cli.targets.lookup import get_target
from mlrun_cli.wire.run_folder import OUTPUTS
from mlrun_cli.workspace import Workspace

if TYPE_CHECKING:  # start-up: few runs have a shared folder
    from mlrun_cli.submit.shared_run import SharedLocation


class TemplateAttributes(NamedTuple):
    """The attributes of a run that its template determines.

    Attributes:
        run_type: the type of the run.
        git_properties: the properties that describe the git commit of its source.
        failure: the error for which the run is recorded as Failed and is never started; None for other runs.
        reused: the run whose results stand for those of the run, which is recorded as Completed and never started;
            None for other runs.
    """

    run_type: str
    git_properties: Mapping[str, str]
    failure: Mapping[str, Any] | None = None
    reused: Run | None = None

    @property
    def needs_start(self) -> bool:
        """True if the run is to be started, and not only recorded as failed or reused."""
        return self.failure is None and self.reused is None


class NewRun(NamedTuple):
    """A run that is ready to be recorded.

    `request` has no secrets in what is stored (see `Resolution.redact_request`); `template` is None unless the run is
    started from a template.
    """

    request: SubmitRequest
    resolution: Resolution
    submission: Submission
    redactor: Redactor
    gpus: GpuRequest
    place: SharedLocation | None = None
    template: TemplateAttributes | None = None


class RecordedRun(NamedTuple):
    """A run that has been added to the store, with its key, its admission and the secrets of its script."""

    key: int
    admission: Admission
    secrets: Secrets


def record_run(workspace: Workspace, run: NewRun, folder: NewRunFolder, interruptions: Interruptions) -> RecordedRun:
    """Write the files of a run, add the run to the store, and return its key, admission and secrets.

    The run is admitted within the transaction, since its target may have been changed or deleted in the meantime.
    Interruptions are blocked from then on.

    Raises:
        ComputeTargetNotFound: the target does not exist.
        RunAlreadyRepeated: another run repeats the run of which this one is to be the first rerun.
    """
    _write_files(workspace, run)
    properties, columns = _build_properties(workspace, run), _build_columns(workspace, run)
    with workspace.transaction(durable=True):
        interruptions.block()
        if run.request.first_rerun_of is not None:
            workspace.runs.check_is_not_repeated(run.request.first_rerun_of)
        admission = _determine_admission(workspace, run)
        experiment, run_number = workspace.experiments.reserve_run_numbers(run.request.experiment_name)
        secrets = build_secrets(workspace, run, experiment, run_number)
        if run.place is None and (run.template is None or run.template.needs_start):
            write_json(workspace.get_run_folder(run.submission.run_id).secrets, secrets.to_json())
        run_id = run.submission.run_id
        key = workspace.runs.insert(experiment, run_number, run_id, lease_until=compute_lease_end(), **columns)
        if run.template is not None and not run.template.needs_start:
            _record_end(workspace, key, run.template)
        elif admission.is_queued:
            workspace.runs.change_status(key, {RunStatus.NOT_STARTED}, RunStatus.QUEUED)
            folder.release_lock()
        workspace.runs.add_properties(key, properties)
        workspace.runs.set_tags(key, _build_tags(run.request))
        for dataset in run.resolution.datasets:
            workspace.datasets.insert(dataset.definition, dataset_id=dataset.dataset_id)
    return RecordedRun(key, admission, secrets)


def _record_end(workspace: Workspace, run_key: int, from_template: TemplateAttributes) -> None:
    """Record the end of a run that is not started."""
    before = {RunStatus.NOT_STARTED}
    if from_template.failure is not None:
        workspace.runs.change_status(
            run_key, before, RunStatus.FAILED, ended_at=now(), error=dict(from_template.failure)
        )
    elif from_template.reused is not None:
        moment = now()
        workspace.runs.change_status(run_key, before, RunStatus.COMPLETED, started_at=moment, ended_at=moment)
        workspace.metrics.copy(from_template.reused.key, run_key)


def _determine_admission(workspace: Workspace, run: NewRun) -> Admission:
    """Return the admission of a run; a run from a template is queued unless its target's engine has a queue.

    A queued run needs nobody: whoever looks into the queue starts it, even if this process is killed now.

    Raises:
        ComputeTargetNotFound: the target does not exist.
    """
    if run.template is None:
        return determine_admission(workspace, run.resolution.configuration, run.request, run.gpus)
    if run.template.needs_start:
        check_target_exists(workspace, run.submission.target)
    return Admission(is_queued=run.place is None)


def _build_tags(request: SubmitRequest) -> Mapping[str, str | None]:
    return request.tags if request.rerun_of is None else {**request.tags, RERUN_TAG: request.rerun_of}


def _write_files(workspace: Workspace, run: NewRun) -> None:
    submission = run.submission
    folder = workspace.get_run_folder(submission.run_id)
    with nullcontext() if run.place is None else run.place.convert_errors():
        if len(submission.launch.log_names) > 1:
            folder.create_process_logs(submission.launch.log_names)
        if run.request.resumed_run is not None:
            _copy_outputs(workspace, run.request.resumed_run, folder)
        if run.place is not None:
            _write_submission(run.place.shared.get_run_folder(submission.run_id), submission)
    _write_submission(folder, submission)
    if run.request.notify:
        write_json(folder.notify, {"addresses": list(run.request.notify)})


def _copy_outputs(workspace: Workspace, resumed_run: Run, folder: RunFolder) -> None:
    """Copy the outputs of a resumed run, if there are any, to where the new run's supervisor reads them."""
    from mlrun_cli.actions.artifacts import download_files  # noqa: PLC0415 - start-up: few submissions need it

    folder.resumed.mkdir(mode=0o700)
    with suppress(RunFileNotFound):
        download_files(workspace, resumed_run, [OUTPUTS], folder.resumed)


def _write_submission(folder: RunFolder, submission: Submission) -> None:
    write_json(folder.submission, submission.to_json())
    write_json(folder.environment_plan, submission.environment.to_json())


def _build_columns(workspace: Workspace, run: NewRun) -> dict[str, Any]:
    request, resolution, submission = run.request, run.resolution, run.submission
    parent_key, root_key = (None, None)
    if request.parent_run_id is not None:
        parent_key, root_key = workspace.runs.get_key_and_root_key(request.parent_run_id)
    return {
        "run_type": SCRIPT_RUN if run.template is None else run.template.run_type,
        "status": RunStatus.NOT_STARTED,
        "parent_key": parent_key,
        "root_key": root_key,
        "display_name": request.display_name or None,
        "description": request.description,
        "script_name": None if submission.is_command else submission.argv[0],
        "target": submission.target,
        "definition": _build_definition(run),
        **build_submitter_fields(),
        "node_count": resolution.configuration.node_count,
        "gpu_count": run.gpus.gpu_count,
        "visible_gpus": run.gpus.visible,
        "predecessor_key": None if request.predecessor is None else request.predecessor.key,
        "begin_at": request.begin_at,
        "priority": request.priority,
    }


def _build_definition(run: NewRun) -> Mapping[str, Any] | None:
    if run.template is not None and run.template.reused is not None:  # its data are those of the other run
        return run.template.reused.definition
    definition = build_run_definition(run.resolution.configuration, run.submission, run.redactor)
    absent = list(run.request.absent_flags)
    return {**definition, **run.resolution.data, **({ABSENT_FLAGS: absent} if absent else {})}


def _build_properties(workspace: Workspace, run: NewRun) -> Mapping[str, str]:
    request = run.request
    if run.template is not None:
        git = run.template.git_properties
    elif request.earlier is None:
        git = read_git_properties(run.resolution.source, request.environment, run.redactor)
    else:
        git = request.earlier.get_git_properties()
    target = get_target(workspace, run.submission.target)
    return {
        SNAPSHOT_PROPERTY: run.submission.snapshot_id,
        "_azureml.ComputeTargetType": target.azure_type,
        "azureml.runsource": "experiment",
        **request.properties,
        **git,
        **(build_slurm_properties(request.environment) if target.job_property is None else {}),
    }


def build_secrets(workspace: Workspace, run: NewRun, experiment: Experiment, run_number: int) -> Secrets:
    """Return the secrets with which the script of a new run is started."""
    resolution, submission = run.resolution, run.submission
    submitter = run.request.environment
    if run.place is not None and run.place.shared.is_mirror:  # those of this machine mean nothing on another
        submitter = {name: value for name, value in submitter.items() if name == NAMES_VARIABLE}
    environment = build_script_environment(
        submitter,
        resolution.configuration.environment_variables,
        identity=workspace.identity,
        home=workspace.home,
        sdk_folder=Path(submission.sdk_folder),
        run_id=submission.run_id,
        run_number=run_number,
        folder=workspace.get_run_folder(submission.run_id) if run.place is None else None,
        experiment_name=experiment.name,
        experiment_id=experiment.experiment_id,
        client_variables=get_target(workspace, submission.target).client_variables,
    )
    return Secrets(environment, resolution.argv, resolution.environment.secrets)
