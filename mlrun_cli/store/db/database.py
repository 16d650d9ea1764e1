"""The contract of a database: what a dialect brings, so that the statements about nouns are the same on each.

A dialect is a folder beside this file, and a line in `registry.LOCATORS`; no other module names it. It has

- a `DatabaseLocator`: says where a database is, opens it with its schema up to date, and repairs and copies it as a
  whole;
- a `Database`: a connection, on which `:name` marks a parameter;
- a `Dialect`: the words of SQL that are no standard (hints for the planner, the search in texts);
- its schema, with the tables and columns that the stores name, in migrations. What is derived (`run_texts`,
  `experiment_outcomes`, `sort_value` of tags and properties) the database itself keeps up to date.

Statements about nouns may use what SQLite and PostgreSQL share beyond the standard: `RETURNING`, `ON CONFLICT` and
`LIMIT`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:  # start-up: reading commands watch no table
    from mlrun_cli.store.db.watched_table import ReportChange, WatchedTable

Row = Mapping[str, Any]

_LONGEST_LIST = 500
"""How many values a statement names at most."""


TextCondition = tuple[str, Mapping[str, object], bool]
"""The condition that a row of `run_texts` holds each of some words: its SQL, its parameters, and whether an index finds
any of the words, without which all rows are read."""


class Dialect(Protocol):
    """The words of SQL that differ between databases."""

    ordered_join: str
    """Joins two tables so that the first is read first, along its index: a hint where the database takes hints."""

    text_key: str
    """The key of the run in a row of `run_texts`."""

    def disable_index(self, column: str) -> str:
        """Return the column as an expression that no index is used for, where the database has such hints."""

    def build_text_condition(self, text: str) -> TextCondition:
        """Return the condition that `run_texts` contains each word of a text, case-insensitively."""


class Database(Protocol):
    """An open connection. Statements outside `transaction` commit by themselves."""

    dialect: Dialect

    def row(self, sql: str, **parameters: object) -> Row | None:
        """Return the first row, or None."""

    def rows(self, sql: str, **parameters: object) -> list[Row]:
        """Return all rows."""

    def execute(self, sql: str, **parameters: object) -> int:
        """Run a statement; return the number of rows that it changed, without those that triggers changed."""

    def insert_many(self, table: str, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
        """Insert many rows at once, each a sequence in the order of `columns`."""

    def transaction(self, *, durable: bool = False) -> AbstractContextManager[None]:
        """Begin a write transaction: all or nothing; a durable one has reached the disk when it ends."""

    def list_columns(self, table: str) -> Sequence[str]:
        """Return the columns of a table, without those that the database computes."""

    def watch(self, tables: Callable[[], Sequence[WatchedTable]], report: ReportChange) -> None:
        """Report each row that this connection changes, within the transaction that changes it.

        Further calls for the same connection do nothing, and call `tables` not at all.
        """

    def replace_connection(self, other: Database) -> None:
        """Take over the connection of another object of the same dialect, which is unusable afterwards."""

    def version(self) -> int:
        """Return a number that differs from the last one if another connection has written meanwhile; costs no read.

        Own writes do not change it, and numbers of two connections do not compare.
        """

    def set_busy_timeout(self, seconds: float) -> None:
        """Set how long a statement waits for another process before it fails."""

    def checkpoint(self) -> None:
        """Move logged writes into the database file, so that the next write needs little space."""

    def checkpoint_often(self) -> None:
        """Checkpoint at short intervals from now on, so that the log is short when this process ends."""

    def close(self) -> None:
        """Release the connection; the object is unusable afterwards."""


def is_driver_error(error: BaseException) -> bool:
    """Return whether an error is one of a database's driver, as PEP 249 names them."""
    return any(kind.__name__ == "DatabaseError" for kind in type(error).__mro__)


def build_in_list(name: str, values: Sequence[object]) -> tuple[str, dict[str, object]]:
    """Return `(:name_0, :name_1, …)` for `IN`, and its parameters."""
    parameters = {f"{name}_{number}": value for number, value in enumerate(values)}
    return f"({', '.join(f':{key}' for key in parameters)})", parameters


def build_in_lists(name: str, values: Sequence[object]) -> Iterator[tuple[str, dict[str, object]]]:
    """Yield what `build_in_list` returns, for any number of values: a list for each few hundred."""
    for start in range(0, len(values), _LONGEST_LIST):
        yield build_in_list(name, values[start : start + _LONGEST_LIST])
