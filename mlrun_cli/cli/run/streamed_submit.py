"""Submission of runs by commands that stream them, or in a dry run only show what they would start."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from typing import TYPE_CHECKING, TextIO

from mlrun_cli.cli.ci.ci_name import CiName
from mlrun_cli.cli.command import Result
from mlrun_cli.cli.global_options import GlobalOptions
from mlrun_cli.cli.option_values import OnInterrupt
from mlrun_cli.cli.run.exit_code import get_exit_code
from mlrun_cli.cli.run.records import list_csv_rows
from mlrun_cli.core.sizes import format_size
from mlrun_cli.errors import MlrunError

if TYPE_CHECKING:
    from mlrun_cli.processes.interruptions import Interruptions
    from mlrun_cli.runs.run import Run
    from mlrun_cli.runs.script_input import ScriptInput
    from mlrun_cli.submit.pipeline import PipelineRequest
    from mlrun_cli.submit.request import SubmitRequest
    from mlrun_cli.submit.submitted import Progress, Submitted
    from mlrun_cli.workspace import Workspace


def submit_script_and_stream(
    workspace: Workspace,
    request: SubmitRequest,
    global_options: GlobalOptions,
    on_interrupt: OnInterrupt,
    *,
    is_async: bool,
    ci: CiName = CiName.AUTO,
    describe_failure: Callable[[Workspace, Run], str | None] | None = None,
) -> object:
    """Submit a script and stream its run, or with `is_async` return the run's record immediately.

    If the streamed run ends with another exit code than 0, `describe_failure` may return a hint to show.
    """

    def submit(interruptions: Interruptions, progress: Progress) -> Submitted:
        from mlrun_cli.submit.submit import submit  # noqa: PLC0415

        return submit(
            workspace,
            request,
            interruptions,
            is_streamed=not is_async,
            progress=progress,
            report=global_options.notes.info,
        )

    return submit_and_stream(
        workspace, submit, global_options, on_interrupt, is_async=is_async, ci=ci, describe_failure=describe_failure
    )


def submit_and_stream(
    workspace: Workspace,
    submit_run: Callable[[Interruptions, Progress], Submitted],
    global_options: GlobalOptions,
    on_interrupt: OnInterrupt,
    *,
    is_async: bool,
    ci: CiName = CiName.AUTO,
    describe_failure: Callable[[Workspace, Run], str | None] | None = None,
) -> object:
    """Submit a run by calling `submit_run`, and stream it or, with `is_async`, return its record immediately."""
    from mlrun_cli.cli.output.progress import Spinner  # noqa: PLC0415
    from mlrun_cli.processes.interruptions import Interruptions  # noqa: PLC0415

    with workspace, Interruptions() as interruptions, ExitStack() as stack:
        with Spinner(enabled=global_options.shows_progress) as spinner:
            submitted = submit_run(
                interruptions,
                lambda files, size: spinner.update(f"Snapshot: {files} files, {format_size(size)}"),
            )
        if submitted.stream_lock is not None:
            stack.enter_context(submitted.stream_lock)
        for note in submitted.notes:
            global_options.notes.warning(note)
        run = submitted.run
        for detail in submitted.details:
            global_options.notes.detail(detail)
        if is_async:
            return build_async_result(workspace, run, global_options, interruptions)
        if submitted.redactor is not None:
            workspace.adopt_redactor(submitted.redactor)
        result, streamed = stream_to_end(
            workspace, run, global_options, on_interrupt, interruptions, script_input=submitted.script_input, ci=ci
        )
        if streamed.exit_code and describe_failure is not None:
            hint = describe_failure(workspace, streamed)
            if hint is not None:
                global_options.notes.warning(hint)
        return result


def stream_to_end(
    workspace: Workspace,
    run: Run,
    global_options: GlobalOptions,
    on_interrupt: OnInterrupt,
    interruptions: Interruptions,
    *,
    script_input: ScriptInput | None = None,
    ci: CiName = CiName.AUTO,
) -> tuple[Result, Run]:
    """Stream a newly submitted run to its end; return the command's result, with its exit code, and the ended run."""
    from mlrun_cli.actions.studio_urls import build_run_show_record  # noqa: PLC0415 - meanwhile, the supervisor loads
    from mlrun_cli.cli.ci.systems import find_ci_system  # noqa: PLC0415
    from mlrun_cli.cli.run.stream import stream_submitted_run  # noqa: PLC0415

    if global_options.metadata_file is not None:
        # Whatever happens to the streaming, the next step of a pipeline finds the file.
        try:
            global_options.metadata_file.write(build_run_show_record(workspace, run))
        except MlrunError as error:  # it is tried again when the run has ended
            global_options.notes.warning(error.message)
    streamed = stream_submitted_run(
        workspace,
        run,
        global_options,
        on_interrupt,
        interruptions,
        script_input=script_input,
        ci=find_ci_system(ci),
    )
    exit_code = get_exit_code([streamed.run], streamed.signal)
    return build_run_result(workspace, streamed.run, global_options)._replace(exit_code=exit_code), streamed.run


def build_async_result(
    workspace: Workspace, run: Run, global_options: GlobalOptions, interruptions: Interruptions
) -> Result:
    """Return a newly submitted run's record as a result; warn with the run's id if a signal will end the command."""
    result = build_run_result(workspace, run, global_options)
    if interruptions.have_arrived():  # they end this command before it prints the result
        global_options.notes.warning(f"The run {run.run_id} has been submitted and goes on.")
    return result


def build_run_result(workspace: Workspace, run: Run, global_options: GlobalOptions) -> Result:
    """Return the record of a run as a result, with the page of `run show` if the output is human-readable."""
    if global_options.is_human_readable:
        from mlrun_cli.cli.run.page import build_runs_result  # noqa: PLC0415 - only a table needs it

        return build_runs_result(workspace, [run], is_human_readable=True)
    from mlrun_cli.actions.studio_urls import build_run_show_record  # noqa: PLC0415 - start-up

    record = build_run_show_record(workspace, run)
    return Result(record, rows=list_csv_rows([record]))


def build_pipeline_dry_run_result(workspace: Workspace, request: PipelineRequest) -> Result:
    """Return the record of the steps that a request would start, with a human-readable table; close the workspace."""
    from mlrun_cli.cli.output.pipeline_dry_run import print_pipeline_dry_run  # noqa: PLC0415
    from mlrun_cli.submit.pipeline_dry_run import dry_run_pipeline  # noqa: PLC0415

    with workspace:
        record = dry_run_pipeline(workspace, request)

    def write_table(*, file: TextIO, width: int | None, colour: bool) -> None:  # noqa: ARG001 - as a table is printed
        print_pipeline_dry_run(record, file=file)

    return Result(record, table=write_table)


def build_dry_run_result(workspace: Workspace, request: SubmitRequest) -> Result:
    """Return the record of the run that a request would start, with a human-readable table; close the workspace."""
    from mlrun_cli.cli.output.dry_run import print_dry_run  # noqa: PLC0415
    from mlrun_cli.submit.dry_run import dry_run  # noqa: PLC0415

    with workspace:
        record = dry_run(workspace, request)

    def write_table(*, file: TextIO, width: int | None, colour: bool) -> None:  # noqa: ARG001 - as a table is printed
        print_dry_run(record, file=file, width=width)

    return Result(record, table=write_table)
