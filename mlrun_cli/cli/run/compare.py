"""`run compare`: show runs side by side."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, TextIO

from mlrun_cli.cli.command import Result, command
from mlrun_cli.cli.context import open_context
from mlrun_cli.cli.declarations import Option
from mlrun_cli.cli.global_options import GlobalOptions
from mlrun_cli.cli.run import app
from mlrun_cli.cli.run.options import ExperimentName, RunIds
from mlrun_cli.cli.run.selection import add_second_pick, get_runs
from mlrun_cli.errors import InvalidValue

if TYPE_CHECKING:
    from mlrun_cli.cli.output.columns import Layout


@command(
    app,
    "compare",
    query_words=True,
    examples=[
        ("Compare two runs", "mlrun run compare -r ID1 -r ID2 -o table"),
        (
            "Print a parameter of both",
            "mlrun run compare -r ID1 -r ID2 --all --query \"[?name=='lr'].values\"",
        ),
    ],
)
def compare(
    global_options: GlobalOptions,
    run_ids: RunIds,
    experiment_name: ExperimentName = None,
    is_all: Annotated[bool, Option("--all", help="Also list values that are the same in all runs.")] = False,
) -> object:
    """Show what differs between runs: parameters, metrics, tags, settings, packages and source files.

    Each value has a row with its section, its name, and the value of each run, null if the run has none. A metric with
    several values has a row for its last, least and greatest one.
    """
    from mlrun_cli.actions.run_comparison import build_row_record, compare_runs  # noqa: PLC0415

    context = open_context(global_options, only_reads=True)
    with context.workspace as workspace:
        named_ids = add_second_pick(run_ids)
        runs = get_runs(context, named_ids, experiment_name) if len(named_ids) > 1 else ()
        if len(runs) < 2:
            raise InvalidValue(
                "A comparison needs at least two runs.",
                hint="Name another, -r ID1 -r ID2. 'mlrun run show -r ID -o table' shows one run.",
                target="--run",
            )
        rows = [row for row in compare_runs(workspace, runs) if is_all or row.differs]

    def write_table(*, file: TextIO, width: int | None, colour: bool) -> None:
        from mlrun_cli.cli.output.comparison_table import print_comparison  # noqa: PLC0415

        print_comparison(runs, rows, file=file, width=width, colour=colour)

    def build_layout(_encoding: str) -> Layout:
        from mlrun_cli.cli.output.comparison_table import build_comparison_layout  # noqa: PLC0415

        return build_comparison_layout(runs, rows)

    if not rows and global_options.is_human_readable:
        global_options.notes.info("The runs do not differ.")
    return Result(
        [build_row_record(row, runs) for row in rows],
        table=write_table,
        layout=build_layout,
        first_columns=("section", "name", "differs", *(f"values.{run.run_id}" for run in runs)),
    )
