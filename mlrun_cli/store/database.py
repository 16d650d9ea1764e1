"""What every store needs of a database; `sqlite.py` is the first dialect of it.

Statements have `:name` parameters. A dialect brings a connection, the words of the schema that differ (`Dialect`), and
a bulk insert. SQLite's alone are so far the search for texts (`page_schema.py`, `run_texts.py`), the numbers that tags
are sorted by (`page_schema.py`) and hints for planning.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Any, NamedTuple, Protocol

Row = Mapping[str, Any]

_AT_ONCE = 500
"""How many values a statement names at most."""


class Dialect(NamedTuple):
    """The words of the schema that differ between databases."""

    rising_key: str
    """Type of an integer primary key that rises with every insert."""
    integer: str
    """Type of a 64-bit integer."""
    real: str
    """Type of a 64-bit floating-point number."""
    clustered: str
    """What stands behind a table whose rows are kept in the order of its primary key."""


class Database(Protocol):
    """An open connection. Statements outside `transaction` commit by themselves."""

    dialect: Dialect

    def row(self, sql: str, **parameters: object) -> Row | None:
        """The first row, or None."""

    def rows(self, sql: str, **parameters: object) -> list[Row]:
        """All rows."""

    def execute(self, sql: str, **parameters: object) -> int:
        """Run a statement; the number of rows it changed."""

    def insert_many(self, table: str, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
        """Insert many rows at once, each a sequence in the order of `columns`."""

    def transaction(self, *, durable: bool = False) -> AbstractContextManager[None]:
        """One write transaction: all or nothing; `durable` ones have reached the disk when it ends."""

    def watch(self, function: str, note: Callable[..., None], statements: Callable[[], Sequence[str]]) -> None:
        """Have `note` called by an SQL function, of which statements make use; once for each connection."""

    def version(self) -> int:
        """A number that differs from the last one when another connection has written meanwhile; costs no read.

        What this connection wrote does not change it, and numbers of two connections do not compare.
        """

    def wait_at_most(self, seconds: float) -> None:
        """How long a statement waits for another process before it fails; from now on."""

    def keep_log_short(self) -> None:
        """For who is about to end: leave little for whoever opens the database next to catch up with."""

    def empty_log(self) -> None:
        """Have what has been written where it stays, so that what is written next needs little room."""

    def close(self) -> None:
        """Give the connection back; the object is of no use afterwards."""


def in_list(name: str, values: Sequence[object]) -> tuple[str, dict[str, object]]:
    """`(:name_0, :name_1, …)` and its parameters, for `IN`."""
    parameters = {f"{name}_{number}": value for number, value in enumerate(values)}
    return f"({', '.join(f':{key}' for key in parameters)})", parameters


def in_lists(name: str, values: Sequence[object]) -> Iterator[tuple[str, dict[str, object]]]:
    """The same for any number of values: a list for each few hundred."""
    for start in range(0, len(values), _AT_ONCE):
        yield in_list(name, values[start : start + _AT_ONCE])
