"""Requests to submit an earlier sweep again, from the snapshot and environment of its runs or from its folder."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from mlrun_cli.actions.snapshots import get_snapshot
from mlrun_cli.core.named_tuple import NamedTuple
from mlrun_cli.errors import ConflictingOptions, RunNotRepeatable, StoredFilesLost
from mlrun_cli.processes.interruptions import Interruptions
from mlrun_cli.runs.filter import RunFilter
from mlrun_cli.runs.parameters import interpret_flag
from mlrun_cli.runs.run import RERUN_TAG, Run
from mlrun_cli.runs.submission import Submission
from mlrun_cli.submit.earlier_runs import EarlierRun, check_is_not_pipeline_step, check_variables
from mlrun_cli.submit.earlier_templates import load_earlier_template, read_template_submission
from mlrun_cli.submit.lost_submissions import restore_submission
from mlrun_cli.submit.request import SubmitRequest
from mlrun_cli.submit.rerun import RerunChanges, build_script_rerun
from mlrun_cli.submit.submitted import Progress, Submitted
from mlrun_cli.submit.sweep import read_submitted_tags, read_sweep_plan, submit_sweep
from mlrun_cli.sweeps.definition import SweepDefinition
from mlrun_cli.sweeps.run_tags import find_child_definition, find_definition, get_submitted_tags
from mlrun_cli.workspace import Workspace

_DATA = ("data", "dataReferences", "outputData")


class _EarlierSweep(NamedTuple):
    """An earlier sweep: its definition, the submission of its runs, its tags, and how to find what these reuse."""

    definition: SweepDefinition
    submission: Submission
    tags: Mapping[str, str | None]
    load_earlier: Callable[[], EarlierRun]
    notes: Sequence[str] = ()


class SweepRerun(NamedTuple):
    """A request to submit an earlier sweep again, and lines about the differences."""

    request: SubmitRequest
    definition: SweepDefinition
    notes: Sequence[str]

    def submit(
        self,
        workspace: Workspace,
        interruptions: Interruptions,
        *,
        is_streamed: bool = False,  # noqa: ARG002 - as of all reruns: a controller starts by itself
        ends_with_stream: bool = False,
        progress: Progress | None = None,
        report: Callable[[str], None] | None = None,
    ) -> Submitted:
        """Submit the sweep; see `submit.sweep.submit_sweep`."""
        request = self.request._replace(ends_with_stream=ends_with_stream)
        return submit_sweep(workspace, request, self.definition, interruptions, progress=progress, report=report)


def build_sweep_rerun(workspace: Workspace, run: Run, environ: Mapping[str, str], changes: RerunChanges) -> SweepRerun:
    """Return the request for submitting a sweep again, which samples the same values unless a new seed is given.

    Raises:
        RunNotRepeatable: the files of the sweep are gone or not sufficient, or it is that of a pipeline's step.
        UsageError: the changes do not fit the sweep.
        NotFound: its snapshot no longer exists.
    """
    changes.check_kind(is_sweep=True)
    _check_run(workspace, run, changes)
    earlier = _read_sweep(workspace, run)
    definition, submission = earlier.definition, earlier.submission
    _check_parameters(run, definition, changes)

    def load_earlier() -> EarlierRun:
        found = earlier.load_earlier()
        check_variables(run, found.restore_configuration().environment_variables, changes.variables)
        return found

    rerun = build_script_rerun(workspace, run, submission, environ, changes, load_earlier)
    request = rerun.request
    if request.source_directory is None and submission.get_submit_options().source_directory is not None:
        request = request._replace(source_directory=Path(submission.get_submit_options().source_directory or ""))
    if changes.seed is not None:
        definition = definition._replace(sampling=definition.sampling._replace(seed=changes.seed))
    tags = {**earlier.tags, RERUN_TAG: run.run_id}
    return SweepRerun(request._replace(tags=tags, rerun_of=None), definition, (*earlier.notes, *rerun.notes))


def _read_sweep(workspace: Workspace, run: Run) -> _EarlierSweep:
    """Return a sweep, read from its folder or, if the folder is gone, rebuilt from its record.

    Raises:
        RunNotRepeatable: its folder is gone or damaged, and its record is not sufficient.
    """
    folder = workspace.get_run_folder(run.run_id)
    try:
        definition = read_sweep_plan(folder).definition
    except StoredFilesLost as error:
        found = _restore_sweep(workspace, run)
        if found is None:
            raise _build_lost_error(run) from error
        return found
    return _EarlierSweep(
        definition,
        read_template_submission(run, folder.template),
        read_submitted_tags(folder),
        lambda: load_earlier_template(workspace, run, folder.template),
    )


def _restore_sweep(workspace: Workspace, run: Run) -> _EarlierSweep | None:
    """Return a sweep rebuilt from its tags, or None if they are insufficient, for example for runs that read data."""
    definition, child_definition = find_definition(run.tags), find_child_definition(run.tags)
    children = workspace.runs.list(RunFilter(parent_run_id=run.run_id, last=1))
    if definition is None or child_definition is None or not children:
        return None
    if any((children[0].definition or {}).get(key) for key in _DATA):
        return None
    of_child = run._replace(definition=child_definition)
    submission = restore_submission(workspace, of_child)
    if submission is None:
        return None
    note = f"The folder of '{run.run_id}' is gone: its snapshot and its tags say what is submitted."
    return _EarlierSweep(
        definition,
        submission,
        get_submitted_tags(run.run_id, run.tags),
        lambda: EarlierRun(of_child, submission, get_snapshot(workspace, run)),
        (note,),
    )


def _build_lost_error(run: Run) -> RunNotRepeatable:
    return RunNotRepeatable(
        f"The folder of the sweep '{run.run_id}' is gone or damaged, and its record does not hold all of what its runs "
        "are made from.",
        hint=f"'mlrun run snapshot -r {run.run_id} -d FOLDER' writes its source, to submit it from there; "
        f"'mlrun run show -r {run.run_id}' has its search space and policy among the tags. "
        f"'mlrun run list --parent-run-id {run.run_id}' lists its runs; 'mlrun run rerun -r RUN' repeats one.",
        target=run.run_id,
    )


def _check_run(workspace: Workspace, run: Run, changes: RerunChanges) -> None:
    """Raise if a sweep belongs to a pipeline, or if the changes ask to resume it from outputs."""
    if run.parent_run_id is not None:
        check_is_not_pipeline_step(workspace.runs.get(run.parent_run_id))
    if changes.resumes:
        raise RunNotRepeatable(
            f"'{run.run_id}' is a sweep, which has no outputs of its own to go on from.",
            hint=f"Submit it again: mlrun run rerun -r {run.run_id}. "
            f"Or count its runs as earlier ones of another: mlrun run sweep --resume-from {run.run_id} …",
            target=run.run_id,
        )


def _check_parameters(run: Run, definition: SweepDefinition, changes: RerunChanges) -> None:
    """Raise if a value is given for a parameter that the sweep samples."""
    sampled = {_normalize_parameter_name(name) for name in definition.sampling.space}
    for name in (*changes.parameters, *changes.flags):
        if _normalize_parameter_name(name) in sampled:
            raise ConflictingOptions(
                f"--set: '{name}' is drawn by the sweep '{run.run_id}' for each of its runs.",
                hint="Leave it out, or submit another sweep: mlrun run sweep.",
                target="--set",
            )


def _normalize_parameter_name(name: str) -> str:
    """Return a parameter name without its prefix on a command line: dashes, Hydra's signs, or the `no-` of a flag."""
    return interpret_flag(name.lstrip("-+"))[0]
