"""`run diff`: show the difference between two runs."""

from __future__ import annotations

from typing import Annotated

from mlrun_cli.cli.command import Result, command
from mlrun_cli.cli.context import open_context
from mlrun_cli.cli.declarations import Option
from mlrun_cli.cli.global_options import GlobalOptions
from mlrun_cli.cli.run import app
from mlrun_cli.cli.run.options import ExperimentName, RunIds
from mlrun_cli.cli.run.selection import add_second_pick, get_runs
from mlrun_cli.errors import InvalidValue


@command(
    app,
    "diff",
    examples=[
        ("Show what differs between two runs", "mlrun run diff -r ID1 -r ID2"),
        ("Change this folder as the code changed from ID1 to ID2", "mlrun run diff -r ID1 -r ID2 --code | patch -p1"),
    ],
    default_output="table, which is text and the patch",
)
def diff(
    global_options: GlobalOptions,
    run_ids: RunIds,
    experiment_name: ExperimentName = None,
    code: Annotated[bool, Option("--code", help="Show the source files, as a patch.")] = False,
    parameters: Annotated[bool, Option("--params", help="Show the parameters.")] = False,
    environment: Annotated[
        bool, Option("--environment", help="Show the settings, variables, Python and packages.")
    ] = False,
    metrics: Annotated[bool, Option("--metrics", help="Show the metrics.")] = False,
    has_exit_code: Annotated[
        bool, Option("--exit-code", help="Exit with 1 if there are differences, as diff does.")
    ] = False,
) -> object:
    """Show how a run differs from another: parameters, environment, metrics, and the source files as a patch.

    The first run is the old one. Without options for parts, all are shown. `patch -p1` and `git apply` take the output;
    binary files are only named in it. If a file became a folder, or a folder a file, only `git apply` takes it.
    With -o json, other formats than table, or --query, the result is data instead.
    """
    from mlrun_cli.actions.run_difference import CODE, PARTS, read_difference  # noqa: PLC0415
    from mlrun_cli.cli.output.difference import print_difference  # noqa: PLC0415

    context = open_context(global_options, only_reads=True)
    with context.workspace as workspace:
        named_ids = add_second_pick(run_ids)
        if len(named_ids) != 2:
            raise InvalidValue(
                f"A difference is between two runs; named here: {len(named_ids)}.",
                hint="Name two, -r ID1 -r ID2. 'mlrun run compare' takes two or more runs.",
                target="--run",
            )
        runs = get_runs(context, named_ids, experiment_name)  # one, if it is named twice
        flags = (parameters, environment, metrics, code)
        named = [part for part, is_named in zip(PARTS, flags, strict=True) if is_named]
        difference = read_difference(workspace, runs[0], runs[-1], named or PARTS, needs_code=CODE in named)
    for note in difference.notes:
        global_options.notes.warning(note)
    exit_code = int(has_exit_code and difference.is_different)
    if global_options.wants_structured_output:
        return Result(difference.build_record(), exit_code=exit_code)
    if global_options.metadata_file is not None:
        global_options.metadata_file.write(difference.build_record())
    print_difference(difference)
    if not difference.is_different:
        global_options.notes.info(f"No difference in {', '.join(named or PARTS)}.")
    return Result(None, exit_code=exit_code)
