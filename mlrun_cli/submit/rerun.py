"""Requests to submit an earlier run again, from its snapshot and environment or from its current folder."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

from mlrun_cli.actions.snapshots import get_snapshot
from mlrun_cli.core.named_tuple import NamedTuple
from mlrun_cli.core.redaction import REDACTED
from mlrun_cli.errors import ConflictingOptions, MlrunError, RunNotEnded, RunNotRepeatable
from mlrun_cli.processes.interruptions import Interruptions
from mlrun_cli.runs.parameters import ABSENT_FLAGS, split_command
from mlrun_cli.runs.run import Run
from mlrun_cli.runs.submission import Submission
from mlrun_cli.runs.submit_options import SubmitOptions, list_redacted_words
from mlrun_cli.snapshots.snapshot import Snapshot, format_first_names
from mlrun_cli.submit.earlier_runs import EarlierRun, compare_folder, get_submission, load_earlier_run
from mlrun_cli.submit.request import SubmitRequest
from mlrun_cli.submit.rerun_arguments import ChangedArguments, change_arguments
from mlrun_cli.submit.script import SHELL
from mlrun_cli.submit.submit import submit
from mlrun_cli.submit.submitted import Progress, Submitted
from mlrun_cli.wire.bookkeeping_tags import drop_bookkeeping_tags
from mlrun_cli.workspace import Workspace

if TYPE_CHECKING:  # start-up
    from mlrun_cli.runconfigs.run_configuration import RunConfiguration


class RerunChanges(NamedTuple):
    """The requested differences of a rerun from the earlier run.

    Attributes:
        arguments: the arguments of the script or command instead of the earlier ones; empty if they stay.
        parameters: the new values of parameters in the earlier arguments, or of a pipeline, keyed by name.
        flags: the names of parameters in the earlier arguments that become options without a value.
        target: the compute target instead of the earlier one.
        variables: environment variables on top of the earlier ones.
        uses_current_code: whether the folder that the run was submitted from is used as it is now.
        resumes: whether the script finds the files in the run's `outputs` folder in its own.
        seed: the seed of a sweep instead of the earlier one.
        regenerate_outputs: whether every step of a pipeline runs, whatever there is of earlier results.
        is_first: whether the run is not submitted if another repeats the earlier one already.
    """

    arguments: Sequence[str] = ()
    parameters: Mapping[str, str] = MappingProxyType({})
    flags: Sequence[str] = ()
    target: str | None = None
    variables: Mapping[str, str] = MappingProxyType({})
    uses_current_code: bool = False
    resumes: bool = False
    seed: int | None = None
    regenerate_outputs: bool = False
    is_first: bool = False

    def check_kind(self, *, is_sweep: bool = False, is_pipeline: bool = False) -> None:
        """Raise if some of the changes do not apply to this kind of run.

        Raises:
            ConflictingOptions: there are.
        """
        if self.seed is not None and not is_sweep:
            raise ConflictingOptions(
                "--seed is that of a sweep, and the run is none.",
                hint="If its script has a parameter of that name: --set seed=N.",
                target="--seed",
            )
        if self.regenerate_outputs and not is_pipeline:
            raise ConflictingOptions(
                "--regenerate-outputs is for pipelines, and the run is none.",
                hint="Leave it out: other runs never use earlier results.",
                target="--regenerate-outputs",
            )


class _Program(NamedTuple):
    """The script or command that a rerun starts instead of the earlier run's; empty if it is unchanged."""

    script: str | None = None
    arguments: Sequence[str] = ()
    command: tuple[str, ...] | str | None = None
    absent_flags: Sequence[str] = ()


class Rerun(NamedTuple):
    """A request to submit an earlier run again, and lines about the differences."""

    request: SubmitRequest
    notes: Sequence[str]

    def submit(
        self,
        workspace: Workspace,
        interruptions: Interruptions,
        *,
        is_streamed: bool = False,
        ends_with_stream: bool = False,
        progress: Progress | None = None,
        report: Callable[[str], None] | None = None,
    ) -> Submitted:
        """Submit the request; see `submit.submit.submit`."""
        request = self.request._replace(ends_with_stream=ends_with_stream)
        return submit(workspace, request, interruptions, is_streamed=is_streamed, progress=progress, report=report)


def build_rerun(workspace: Workspace, run: Run, environ: Mapping[str, str], changes: RerunChanges) -> Rerun:
    """Return the request to rerun a run of a script or command, not one of a sweep or pipeline.

    Raises:
        RunNotRepeatable: the records of the run are not sufficient.
        RunNotEnded: the run is to be resumed, and has not ended.
        UsageError: the changes do not fit the run.
        NotFound: its snapshot no longer exists.
    """
    changes.check_kind()
    if changes.resumes and not run.status.is_terminal:
        raise RunNotEnded(
            f"The run '{run.run_id}' has not ended, so it cannot be resumed.",
            hint=f"Wait for it, or end it: mlrun run cancel -r {run.run_id}",
            target=run.run_id,
        )
    submission = get_submission(workspace, run)
    is_restored = not workspace.get_run_folder(run.run_id).submission.exists()
    if is_restored and changes.resumes:
        raise RunNotRepeatable(
            f"The folder of the run '{run.run_id}' is gone, and with it the files to go on from.",
            hint=f"Start it from its snapshot: mlrun run rerun -r {run.run_id}",
            target=run.run_id,
        )
    rerun = build_script_rerun(
        workspace,
        run,
        submission,
        environ,
        changes,
        lambda: load_earlier_run(workspace, run, variable_names=changes.variables),
    )
    if not is_restored:
        return rerun
    note = f"The folder of '{run.run_id}' is gone: its snapshot and its record in the store say what is submitted."
    return rerun._replace(notes=(note, *rerun.notes))


def build_script_rerun(
    workspace: Workspace,
    run: Run,
    submission: Submission,
    environ: Mapping[str, str],
    changes: RerunChanges,
    load_earlier: Callable[[], EarlierRun],
) -> Rerun:
    """Return the request for submitting a run's script, or that of a sweep's child runs, again.

    Args:
        workspace: the workspace of the run.
        run: the run, or the sweep.
        submission: the submission of the run, or of the sweep's child runs.
        environ: the submitter's variables.
        changes: the requested changes.
        load_earlier: finds the snapshot and the environment, unless those of the folder are used.

    Raises:
        MlrunError: as of `build_rerun`.
    """
    options = submission.get_submit_options()
    program, notes = _change_program(run, submission, changes)
    request = SubmitRequest(
        path=Path(submission.folder or "/"),
        experiment_name=run.experiment_name,
        environment=environ,
        **program._asdict(),
        target=changes.target,
        tags=drop_bookkeeping_tags(run.run_type, run.run_id, options.tags),
        retry=submission.retry,
        keeps_outputs_only=submission.keeps_outputs_only,
        gpu_count=run.gpu_count,
        rerun_of=run.run_id,
        first_rerun_of=run.run_id if changes.is_first else None,
        resumed_run=run if changes.resumes else None,
    )
    if not changes.uses_current_code:
        return Rerun(request._replace(earlier=load_earlier()), notes)
    adapt = _remove_arguments if program.script is not None and not program.arguments else None
    if program.script is None and program.command is None:
        program = _Program(options.script, options.arguments, options.command, program.absent_flags)
    _check_folder(run, submission, request, changes)
    request = request._replace(
        runconfig_name=options.runconfig,
        source_directory=None if options.source_directory is None else Path(options.source_directory),
        conda_dependencies=None if options.conda_file is None else Path(options.conda_file),
        environment_mode=options.environment_mode,
        adapt=adapt,
        **program._asdict(),
        target=changes.target or options.target,
        variables=options.variables,
        time_limit_seconds=options.time_limit_seconds,
    )
    folder = request.source_directory or request.path
    difference = describe_difference(workspace, f"'{run.run_id}'", lambda: get_snapshot(workspace, run), folder)
    return Rerun(request, (*notes, difference))


def describe_folder_obstacle(submission: Submission) -> str | None:
    """Return the reason why a run cannot be submitted again from its current folder, or None if it can."""
    folder, options = submission.folder, submission.get_submit_options()
    if folder is None or not Path(folder).is_dir():
        where = f"'{folder}'" if folder else "that it was submitted from"
        return f"The folder {where} is not there any more."
    if submission.is_command and options.runconfig is None and options.command is None:
        return "The run was a command without a runconfig: name a script, or write the command into a runconfig."
    if not options.is_whole:
        return (
            "The run was submitted from Python, with more than its record holds: what was said there of environment, "
            "variables, data, processes or time limit is not in it. Submit it from there, or write a runconfig."
        )
    return None


def _change_program(run: Run, submission: Submission, changes: RerunChanges) -> tuple[_Program, Sequence[str]]:
    """Return the changed script or command, or an empty program if unchanged, and notes about appended parameters."""
    if not changes.arguments and not changes.parameters and not changes.flags:
        return _Program(absent_flags=_list_absent_flags(run, submission)), ()
    if submission.is_command:
        return _change_command(run, submission, changes)
    if changes.arguments:
        return _Program(submission.argv[0], changes.arguments), ()
    earlier = submission.get_submit_options().arguments or submission.argv[1:]
    changed = _set_parameters(run, submission, earlier, changes)
    return _Program(submission.argv[0], changed.words, absent_flags=changed.absent_flags), changed.notes


def _change_command(run: Run, submission: Submission, changes: RerunChanges) -> tuple[_Program, Sequence[str]]:
    earlier = submission.get_submit_options().command
    if isinstance(earlier, str) or submission.argv[: len(SHELL)] == SHELL:
        raise ConflictingOptions(
            f"The command of '{run.run_id}' is text for a shell, in which no argument can be changed.",
            hint="Submit the changed text: mlrun run submit-script --command",
            target="--set" if changes.parameters or changes.flags else "--",
        )
    start, arguments = split_command(submission.argv if earlier is None else earlier)
    if changes.arguments:
        return _Program(command=(*start, *changes.arguments)), ()
    changed = _set_parameters(run, submission, arguments, changes)
    return _Program(command=(*start, *changed.words), absent_flags=changed.absent_flags), changed.notes


def _set_parameters(
    run: Run, submission: Submission, arguments: Sequence[str], changes: RerunChanges
) -> ChangedArguments:
    absent = _list_absent_flags(run, submission)
    return change_arguments(run.run_id, arguments, absent, changes.parameters, changes.flags)


def _list_absent_flags(run: Run, submission: Submission) -> Sequence[str]:
    """Return the flags that a run's arguments omit because their parameters are false."""
    # Runs of an older version have them in the definition alone.
    return submission.get_submit_options().absent_flags or (run.definition or {}).get(ABSENT_FLAGS) or ()


def _remove_arguments(configuration: RunConfiguration) -> RunConfiguration:
    return configuration.replace_fields(arguments=())


def _check_folder(run: Run, submission: Submission, request: SubmitRequest, changes: RerunChanges) -> None:
    """Raise if a run cannot be submitted again from its folder as it is now.

    Raises:
        RunNotRepeatable: it cannot.
    """
    options = submission.get_submit_options()
    hidden = [name for name, value in options.variables.items() if REDACTED in value and name not in changes.variables]
    obstacle = describe_folder_obstacle(submission)
    words = list_redacted_words(_list_arguments(request, options))
    if obstacle is None and (hidden or words):
        obstacle = f"No record holds the secret in {shlex.join([*words, *hidden])}."
    if obstacle is not None:
        raise RunNotRepeatable(
            f"'{run.run_id}' cannot be submitted from its folder as it is now: {obstacle}",
            hint="Leave --current-code out to use the run's snapshot, or give what is missing with --set and --env.",
            target=run.run_id,
        )


def _list_arguments(request: SubmitRequest, options: SubmitOptions) -> Sequence[str]:
    """Return the script's arguments, or the command, for a rerun from the current folder."""
    if request.script is not None:
        return request.arguments
    command = request.command or options.command
    if command is None:
        return options.arguments
    return [command] if isinstance(command, str) else command


def describe_difference(
    workspace: Workspace, owner_name: str, find_snapshot: Callable[[], Snapshot], folder: Path
) -> str:
    """Return a line about the differences between a folder and the snapshot of the run or step `owner_name`.

    If there is no snapshot any more, the line says so.
    """
    try:
        found = compare_folder(workspace, find_snapshot(), folder)
    except MlrunError as error:
        return f"What differs from {owner_name} is not known: {error.message}"
    changes = {
        "changed": [entry.path for entry in found.changed],
        "added": found.added,
        "removed": found.removed,
    }
    texts = [f"{word} {format_first_names(paths)}" for word, paths in changes.items() if paths]
    what = "; ".join(texts) if texts else "nothing"
    return f"In the folder, compared with the snapshot of {owner_name}: {what}."
