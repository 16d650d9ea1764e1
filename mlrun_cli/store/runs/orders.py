"""The sort orders of runs in SQL.

An order can be read along an index, or the values of a few runs can be read and sorted.
"""

from __future__ import annotations

from mlrun_cli.core.named_tuple import NamedTuple
from mlrun_cli.core.time import now
from mlrun_cli.runs.order import METRIC, PARAMETER, PROPERTY, TAG, RunOrder
from mlrun_cli.store.db.database import Dialect
from mlrun_cli.store.runs.predicates import METRIC_COLUMNS
from mlrun_cli.store.runs.rows import DURATION, ELAPSED, IS_RUNNING

_COLUMNS = {
    "created": "runs.created_at",
    "started": "runs.started_at",
    "duration": DURATION,
    "status": "runs.status",
    "display_name": "runs.display_name",
    "run_number": "runs.run_number",
    "run_id": "runs.run_id",
    "target": "runs.target",
    "submitter": "runs.user_name",
    "type": "runs.run_type",
    "description": "substr(runs.description, 1, 64)",
}
"""The expressions of the indexes, word for word."""
_SPARSE = {"display_name": "runs.display_name", "description": "runs.description"}
"""The columns whose nulls the index omits."""
_ALWAYS = {"created", "status", "run_number", "run_id", "submitter", "type"}
"""The columns in which every run has a value."""


_PAIRS = {
    TAG: ("run_tags", "key"),
    PROPERTY: ("run_properties", "key"),
    PARAMETER: ("run_parameters", "name"),
}
"""The tables of named values of runs, each with the column of the names."""


class OrderSql(NamedTuple):
    """The SQL of a sort order.

    Attributes:
        source: the tables to select from to read runs along the index.
        table: the table with the values alone, of which the index is.
        key: the run's key, in `table`.
        value: the expression to sort by, in `source`.
        tie: the expression that orders equal values, in `source`.
        has_value: the condition that a run has a value, in `source`.
        lacks_value: the condition that a run has no value; None if every run has one.
        is_lack_indexed: whether the index contains the runs without a value too.
        value_of_run: the value when selecting from `runs` alone, null if there is none.
        parameters: the SQL parameters of all of these.
        is_moving: the condition that a run's value grows with time, so that no index contains it; None if none does.
        moving_value: the value of such a run.
        table_by_key: `table`, read by the keys of runs, if that takes less time than `value_of_run`; otherwise None.
    """

    source: str
    table: str
    key: str
    value: str
    tie: str
    has_value: str
    lacks_value: str | None
    is_lack_indexed: bool
    value_of_run: str
    parameters: dict[str, object]
    is_moving: str | None = None
    moving_value: str = ""
    table_by_key: str | None = None

    @property
    def query(self) -> str:
        """The query for the key and the value of each run with a value, `run_key` and `value`."""
        return f"SELECT {self.key} AS run_key, {self.value} AS value FROM {self.table} WHERE {self.has_value}"  # noqa: S608

    def build_query_by_key(self, places: str) -> str:
        """Return the same query for the runs with the keys in an SQL list; the value may be null if there is none."""
        if self.table_by_key is None:
            return (
                f"SELECT runs.run_key AS run_key, {self.value_of_run} AS value"  # noqa: S608
                f" FROM runs WHERE runs.run_key IN {places}"
            )
        of_table = self._replace(table=self.table_by_key)
        return f"{of_table.query} AND {self.key} IN {places}"


KEY_ORDER = OrderSql(
    "runs", "runs", "runs.run_key", "runs.run_key", "runs.run_key", "1 = 1", None, False, "runs.run_key", {}
)
"""The order of the runs' keys, which increase with time."""


def build_sort_terms(*, descending: bool) -> str:
    """Return the terms of `ORDER BY` that sort the rows of a query for keys and values."""
    direction = "DESC" if descending else "ASC"
    return f"value {direction}, run_key {direction}"


def build_order_sql(order: RunOrder, dialect: Dialect, *, has_numbers: bool = True) -> OrderSql:
    """Return the SQL of a sort order, whose column must be valid.

    If no value of a tag or property is a number, its texts are read along an index, without reading rows.
    """
    kind, _, name = order.column.partition(":")
    if kind == METRIC:
        name, _, which = name.rpartition(":")
        by_table = _build_table_order_sql("metrics", "name", METRIC_COLUMNS[which], name, dialect)
        # Without the hint, SQLite would read all values of the name.
        return by_table._replace(table_by_key=f"{by_table.table} {dialect.metrics_of_run_hint}")
    if kind in _PAIRS:
        column = "sort_value" if has_numbers or kind == PARAMETER else "value"
        return _build_table_order_sql(*_PAIRS[kind], column, name, dialect)
    if kind == "experiment":
        by_name = f"experiments {dialect.ordered_join} runs ON runs.experiment_key = experiments.experiment_key"
        return OrderSql(
            by_name,
            by_name,
            "runs.run_key",
            "experiments.name",
            "runs.run_key",
            "1 = 1",
            None,
            False,
            "(SELECT name FROM experiments WHERE experiments.experiment_key = runs.experiment_key)",
            {},
        )
    value = _COLUMNS[kind]
    if kind in _ALWAYS:
        return OrderSql("runs", "runs", "runs.run_key", value, "runs.run_key", "1 = 1", None, False, value, {})
    if kind == "duration":
        return _build_duration_order_sql()
    given = _SPARSE.get(kind, value)
    is_sparse = kind in _SPARSE
    return OrderSql(
        "runs",
        "runs",
        "runs.run_key",
        value,
        "runs.run_key",
        f"{given} IS NOT NULL",
        f"{given} IS NULL",
        not is_sparse,
        value,
        {},
    )


def _build_duration_order_sql() -> OrderSql:
    """Return the SQL that orders runs by duration, up to now for runs that have not ended."""
    return OrderSql(
        "runs",
        "runs",
        "runs.run_key",
        DURATION,
        "runs.run_key",
        f"{DURATION} IS NOT NULL",
        f"{DURATION} IS NULL AND runs.run_key NOT IN (SELECT run_key FROM runs WHERE {IS_RUNNING})",  # noqa: S608
        True,
        f"coalesce({DURATION}, CASE WHEN {IS_RUNNING} THEN {ELAPSED} END)",
        {"order_now": now()},
        IS_RUNNING,
        ELAPSED,
    )


def _build_table_order_sql(table: str, key_column: str, value_column: str, name: str, dialect: Dialect) -> OrderSql:
    """Return the SQL that orders runs by a value in another table: a tag, property, parameter or metric."""
    its = f"FROM {table} AS its WHERE its.run_key = runs.run_key AND its.{key_column} = :order_name"
    return OrderSql(
        f"{table} AS ordered {dialect.ordered_join} runs ON runs.run_key = ordered.run_key",
        f"{table} AS ordered",
        "ordered.run_key",
        f"ordered.{value_column}",
        "ordered.run_key",
        f"ordered.{key_column} = :order_name AND ordered.{value_column} IS NOT NULL",
        f"NOT EXISTS (SELECT 1 {its} AND its.{value_column} IS NOT NULL)",
        False,
        f"(SELECT its.{value_column} {its})",
        {"order_name": name},
    )
