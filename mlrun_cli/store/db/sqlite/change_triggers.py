"""Triggers of a connection that report the rows it changes."""

from __future__ import annotations

from collections.abc import Sequence

from mlrun_cli.store.db.watched_table import WatchedTable


def build_change_triggers(function_name: str, tables: Sequence[WatchedTable]) -> list[str]:
    """Return SQL statements for triggers that pass each changed row's keys and its table's report name to a function.

    The triggers are temporary: other connections need not have the function.
    """
    return [
        f"CREATE TEMP TRIGGER IF NOT EXISTS {name}_{event.split()[0].lower()} AFTER {event} ON main.{table.table}"
        f" BEGIN SELECT {', '.join(_build_report_call(function_name, table, row) for row in rows)}; END"
        for table in tables
        for name in [f"watch_{table.report}_by_{table.table}"]
        for event, rows in _list_trigger_events(table)
    ]


def _list_trigger_events(table: WatchedTable) -> Sequence[tuple[str, Sequence[str]]]:
    """Return the SQL events to watch, each with the row aliases (`old`, `new`) whose keys are reported."""
    deletion = ("DELETE", ("old",))
    if table.only_deletions:
        return [deletion]
    update = "UPDATE" if table.updates is None else f"UPDATE OF {', '.join(table.updates)}"
    return [("INSERT", ("new",)), (update, ("old", "new")), deletion]


def _build_report_call(function_name: str, table: WatchedTable, row_alias: str) -> str:
    first, second = ([f"{row_alias}.{key}" for key in table.keys] + ["NULL"])[:2]
    return f"{function_name}('{table.report}', {first}, {second})"
