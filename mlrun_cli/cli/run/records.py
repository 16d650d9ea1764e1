"""Results that are records of runs, with the human-readable table of `run list`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from mlrun_cli.cli.command import Result
from mlrun_cli.wire.bookkeeping_tags import drop_bookkeeping_tags
from mlrun_cli.wire.flat_records import RUN_COLUMNS

if TYPE_CHECKING:
    from mlrun_cli.cli.output.columns import Layout


def build_records_result(records: Sequence[dict[str, Any]], *, is_list: bool = True, exit_code: int = 0) -> Result:
    """Return records of runs as a result, with a table that has a line for each.

    Args:
        records: the records.
        is_list: whether a single record is a list, too.
        exit_code: the exit code of the command.
    """
    from datetime import datetime, timezone  # noqa: PLC0415 - start-up: the record of one run does without

    now = datetime.now(timezone.utc)

    def build_layout(encoding: str) -> Layout:
        from mlrun_cli.cli.output.runs_table import build_runs_layout  # noqa: PLC0415 - start-up

        return build_runs_layout(records, encoding, now)

    value = list(records) if is_list or len(records) != 1 else records[0]
    return Result(
        value, layout=build_layout, exit_code=exit_code, rows=list_csv_rows(records), first_columns=RUN_COLUMNS
    )


def list_csv_rows(records: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Return records of runs for `-o csv`, without the tags in which sweeps and MLflow keep documents."""
    return [_omit_document_tags(record) for record in records]


def _omit_document_tags(record: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return a run's record without the tags in which sweeps and MLflow keep documents."""
    tags = record["tags"]
    shown = drop_bookkeeping_tags(record["run_type"], record["run_id"], tags)
    return record if shown is tags else {**record, "tags": shown}
