"""`run list --deleted`: list the runs in the trash."""

from __future__ import annotations

from mlrun_cli.cli.context import Context
from mlrun_cli.cli.global_options import GlobalOptions
from mlrun_cli.cli.run.filter_options import FilterOptions
from mlrun_cli.errors import ConflictingOptions


def list_deleted_runs(
    global_options: GlobalOptions,
    context: Context,
    experiment_name: str | None,
    filters: FilterOptions,
    *,
    last: int | None,
) -> object:
    """Return the deleted runs of an experiment or of all experiments as a result, last deleted first.

    Raises:
        ConflictingOptions: there are filters.
    """
    from mlrun_cli.actions.trash import list_trash  # noqa: PLC0415 - start-up
    from mlrun_cli.cli.output.record_table import TIME_WIDTH, Field, build_listing, build_time_formatter  # noqa: PLC0415

    if filters:
        raise ConflictingOptions(
            "The runs in the trash cannot be filtered.", hint="Leave the filters out, or --deleted.", target="--deleted"
        )
    with context.workspace as workspace:
        records = list_trash(workspace, experiment_name=experiment_name, limit=last)
    fields = (
        Field("Deleted", build_time_formatter("deletedAt"), TIME_WIDTH),
        Field("Run", "run_id", 24, keeps_end=True, is_id=True),
        Field("Name", "display_name"),
        Field("Experiment", "_experiment_name"),
        Field("Status", "status"),
    )
    return build_listing(global_options, records, fields, empty_message="The trash is empty.")
