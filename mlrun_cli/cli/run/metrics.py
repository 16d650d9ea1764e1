"""`run metrics`: show the metrics that a run has logged."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Annotated, Any

from mlrun_cli.cli.command import Result, command
from mlrun_cli.cli.context import open_context
from mlrun_cli.cli.declarations import Option
from mlrun_cli.cli.global_options import GlobalOptions
from mlrun_cli.cli.run import app
from mlrun_cli.cli.run.options import ExperimentName, RunIds
from mlrun_cli.cli.run.selection import get_runs, unwrap_single_value
from mlrun_cli.errors import ConflictingOptions
from mlrun_cli.wire.flat_records import flatten_record

if TYPE_CHECKING:
    from mlrun_cli.cli.output.columns import Layout


@command(
    app,
    "metrics",
    query_words=True,
    examples=[
        ("Show the metrics of the newest run", "mlrun run metrics -r @latest"),
        ("Print its last loss", "mlrun run metrics -r @latest --name loss --last --query loss"),
    ],
)
def show_metrics(
    global_options: GlobalOptions,
    run_ids: RunIds,
    experiment_name: ExperimentName = None,
    name: Annotated[str | None, Option("--name", metavar="NAME", help="Only this metric.")] = None,
    last: Annotated[bool, Option("--last", help="Only the newest value of each metric.")] = False,
    from_tensorboard: Annotated[
        bool, Option("--tensorboard", help="The scalars in the run's TensorBoard event files instead.")
    ] = False,
    from_mlruns: Annotated[
        bool, Option("--from-mlruns", help="The metrics in MLflow files, in mlruns/ of its working folder, instead.")
    ] = False,
) -> object:
    """Show a run's logged values, grouped by metric; for several runs, grouped by run id and metric.

    Metrics of several runs of MLflow in mlruns/ are grouped by their ids. With -o csv, each metric is a column, and the
    n-th line of a run has the n-th value of each metric.
    """
    from mlrun_cli.actions.event_metrics import get_event_metrics  # noqa: PLC0415
    from mlrun_cli.actions.metrics import get_metrics, get_mlruns_metrics  # noqa: PLC0415

    if from_tensorboard and from_mlruns:
        raise ConflictingOptions(
            "--tensorboard and --from-mlruns name different files.", hint="Leave one out.", target="--from-mlruns"
        )
    read = get_event_metrics if from_tensorboard else get_mlruns_metrics if from_mlruns else get_metrics
    context = open_context(global_options, only_reads=True)
    with context.workspace as workspace:
        runs = get_runs(context, run_ids, experiment_name)
        metrics = {run.run_id: read(workspace, run, name=name, last=last) for run in runs}

    def build_layout(_encoding: str) -> Layout:
        from mlrun_cli.cli.output.run_details import build_metrics_layout  # noqa: PLC0415

        return build_metrics_layout(metrics)

    if not any(metrics.values()) and global_options.is_human_readable:
        global_options.notes.info("No metrics.")
    return Result(
        unwrap_single_value(metrics),
        layout=build_layout,
        rows=[row for run_id, of_run in metrics.items() for row in _build_rows(run_id, of_run)],
        first_columns=("run_id",),
    )


def _build_rows(run_id: str, metrics: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield a row for each index of the metrics' values; the first row has the first value of each metric."""
    columns = {
        name: values if isinstance(values, list) else [values] for name, values in flatten_record(metrics).items()
    }
    for position in range(max(map(len, columns.values()), default=0)):
        yield {
            "run_id": run_id,
            **{name: values[position] for name, values in columns.items() if position < len(values)},
        }
