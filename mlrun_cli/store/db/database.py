"""The interface of a database, which a dialect implements so that the stores' statements work on every database.

A dialect is a folder beside this file, and a line in `registry.LOCATORS`; no other module names it. It has

- a `DatabaseLocator`: locates a database, opens it with its schema up to date, and repairs and copies it as a whole;
- a `Database`: a connection, on which `:name` marks a parameter;
- a `Dialect`: the SQL that is not standard (hints for the query planner, full-text search);
- its schema, with the tables and columns that the stores use, in migrations. The database itself keeps derived data
  (`run_texts`, `experiment_outcomes`, `sort_value` of tags and properties) up to date.

The stores' statements may use what SQLite and PostgreSQL share beyond the standard: `RETURNING`, `ON CONFLICT` and
`LIMIT`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Protocol

from mlrun_cli.core.named_tuple import NamedTuple

if TYPE_CHECKING:  # start-up: reading commands watch no table
    from mlrun_cli.store.db.watched_table import ReportChange, WatchedTable

Row = Mapping[str, Any]

_LONGEST_LIST = 500
"""The maximum number of values in one list."""


class TextCondition(NamedTuple):
    """The SQL of the condition that a row of `run_texts` contains each of some words.

    Attributes:
        found: the condition by which rows are found, which may hold for more rows.
        checked: the condition for rows that are read by their keys.
        parameters: the SQL parameters of both.
        is_indexed: whether an index finds the rows; otherwise each is read.
        is_exact: whether `found` holds for no more rows than `checked`.
        is_check_slow: whether `checked` uses the index, which takes a tenth of a millisecond for a row.
        terms: the terms of the index, keyed by word, by which `found` finds words that are not in the index.
        is_common: whether many rows are known to contain the words.
    """

    found: str
    checked: str
    parameters: Mapping[str, object]
    is_indexed: bool
    is_exact: bool
    is_check_slow: bool
    terms: Mapping[str, Sequence[str]] = MappingProxyType({})
    is_common: bool = False


class Dialect(Protocol):
    """The SQL that differs between databases."""

    ordered_join: str
    """The keyword of a join that reads the first table first, along its index, if the database has such a hint."""

    text_key: str
    """The column of `run_texts` that contains the key of the run."""

    metrics_of_run_hint: str
    """The clause that makes a query find metrics by run and name, if the database has such a hint."""

    next_run_key: str
    """The key that the next run will have, as an expression; it is certain in the caller's transaction."""

    def build_unindexed_column(self, column: str) -> str:
        """Return an SQL expression for a column that prevents the use of an index; it may be the column itself."""

    def build_index_hint(self, index: str) -> str:
        """Return the SQL clause that makes a query use an index, or an empty string if there is no such clause."""

    def build_integer_concatenation(self, column: str) -> str:
        """Return the SQL aggregate that concatenates the integers of a column, separated by commas.

        It is NULL without rows.
        """

    def build_flag_condition(self, flags: str, column: str) -> str:
        """Return the SQL condition that `flags[column]` is 1, where `flags` names a parameter of one byte per index.

        It does not hold at positions beyond the end.
        """

    def list_unindexed_words(self, text: str) -> Sequence[str]:
        """Return the words of `text` that the index of `run_texts` does not find directly, such as short ones."""

    def list_index_terms(self, database: Database, word: str, limit: int) -> Sequence[str] | None:
        """Return index terms of which every text with this unindexed word contains at least one, or None.

        None if there are more than `limit`, or if there are no such terms for this word.
        """

    def list_existing_terms(self, database: Database, terms: Sequence[str]) -> Sequence[str]:
        """Return the given terms from `list_index_terms` that the index contains, or one if it contains none."""

    def build_text_condition(self, text: str, terms: Mapping[str, Sequence[str]]) -> TextCondition:
        """Return the SQL condition that a row of `run_texts` contains every word of `text`, case-insensitively.

        Args:
            text: the words, separated by white space.
            terms: the terms of the index for unindexed words; those without terms are searched in each row.
        """

    def defer_text_update(self, database: Database, run_key: int) -> AbstractContextManager[None]:
        """Return a context manager that defers the update of a run's `run_texts` row to the end of its block.

        Within the block, a changed tag does not change the row. If the block raises, the caller must roll back.
        """


class Database(Protocol):
    """An open connection. Statements outside of `transaction` are committed immediately."""

    dialect: Dialect

    def row(self, sql: str, **parameters: object) -> Row | None:
        """Execute a query and return its first row, or None if there is none."""

    def rows(self, sql: str, **parameters: object) -> list[Row]:
        """Execute a query and return all its rows."""

    def column(self, sql: str, **parameters: object) -> list[Any]:
        """Execute a query and return the first value of each row; this is faster than `rows`."""

    def execute(self, sql: str, **parameters: object) -> int:
        """Execute a statement and return the number of changed rows, not counting changes made by triggers."""

    def insert_many(self, table: str, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
        """Insert rows into a table, each a sequence of values in the order of `columns`."""

    def transaction(self, *, durable: bool = False) -> AbstractContextManager[None]:
        """Return a context manager for a write transaction; a durable transaction is on disk when the block ends."""

    def list_columns(self, table: str) -> Sequence[str]:
        """Return the names of a table's columns, except generated columns."""

    def watch(self, list_tables: Callable[[], Sequence[WatchedTable]], report: ReportChange) -> None:
        """Register a function to call, in the same transaction, for each watched row that this connection changes.

        Further calls for the same connection do nothing, and do not call `list_tables`.
        """

    def replace_connection(self, other: Database) -> None:
        """Take over the connection of another object of the same dialect; the other object is unusable afterwards."""

    def get_data_version(self) -> int:
        """Return a number that changes when another connection has written; this needs no disk access.

        This connection's own writes do not change it, and numbers of different connections are not comparable.
        """

    def set_busy_timeout(self, seconds: float) -> None:
        """Set the time that a statement waits for another process before it fails."""

    def checkpoint(self) -> None:
        """Move writes from the write-ahead log into the database file, so that the log can be reused."""

    def enable_frequent_checkpoints(self) -> None:
        """Checkpoint the database's write-ahead log often from now on, so that it stays short."""

    def close(self) -> None:
        """Release the connection; the object is unusable afterwards."""


def is_driver_error(error: BaseException) -> bool:
    """Return whether an error is a `DatabaseError` of a database driver, as defined in PEP 249."""
    return any(kind.__name__ == "DatabaseError" for kind in type(error).__mro__)


def build_in_list(name: str, values: Sequence[object]) -> tuple[str, dict[str, object]]:
    """Return the SQL list `(:name_0, :name_1, …)` for an `IN` condition, and its parameters."""
    parameters = {f"{name}_{number}": value for number, value in enumerate(values)}
    return f"({', '.join(f':{key}' for key in parameters)})", parameters


def build_in_lists(name: str, values: Sequence[object]) -> Iterator[tuple[str, dict[str, object]]]:
    """Split values into batches of a few hundred; yield the result of `build_in_list` for each batch."""
    for start in range(0, len(values), _LONGEST_LIST):
        yield build_in_list(name, values[start : start + _LONGEST_LIST])
