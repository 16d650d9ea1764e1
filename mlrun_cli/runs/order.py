"""Sort orders of runs."""

from __future__ import annotations

from mlrun_cli.core.named_tuple import NamedTuple
from mlrun_cli.errors import InvalidFilter
from mlrun_cli.metrics.metric import SUMMARIES

COLUMNS = (
    "created",
    "started",
    "duration",
    "status",
    "display_name",
    "run_number",
    "run_id",
    "experiment",
    "target",
    "submitter",
    "type",
    "description",
)
TAG, PROPERTY, METRIC, PARAMETER = "tag", "property", "metric", "parameter"


class RunOrder(NamedTuple):
    """A sort order by a column, in which runs without a value come last, newest first.

    Attributes:
        column: one of `COLUMNS`, `tag:KEY`, `property:KEY`, `parameter:NAME` or `metric:NAME:last`, `…:min`, `…:max`.
        descending: whether the greatest, or newest, come first.
    """

    column: str = "created"
    descending: bool = True

    @classmethod
    def parse(cls, text: str) -> RunOrder:
        """Parse an order: a column, prefixed with `-` for descending order.

        Raises:
            UsageError: the column does not exist.
        """
        column = text.removeprefix("-")
        kind, _, name = column.partition(":")
        if kind == METRIC:
            name, _, which = name.rpartition(":")
            is_known = bool(name) and which in SUMMARIES
        else:
            is_known = column in COLUMNS or (kind in {TAG, PROPERTY, PARAMETER} and bool(name))
        if not is_known:
            shown = column if len(column) <= 60 else f"{column[:60]}…"
            raise InvalidFilter(
                f"'{shown}' is not a column to sort runs by.",
                hint=f"Use {', '.join(COLUMNS)}, tag:KEY, property:KEY, parameter:NAME"
                f" or metric:NAME:{'|'.join(SUMMARIES)}.",
                target=shown,
            )
        return cls(column, text.startswith("-"))

    def __str__(self) -> str:
        """Return the text from which `parse` recreates this order."""
        return f"-{self.column}" if self.descending else self.column


NEWEST_FIRST = RunOrder()
