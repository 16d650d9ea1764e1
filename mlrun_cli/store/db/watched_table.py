"""What of a database's changes is reported."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from mlrun_cli.core.named_tuple import NamedTuple


class WatchedTable(NamedTuple):
    """A table whose changes are reported.

    Attributes:
        table: its name.
        report: what it is reported as.
        keys: the one or two columns that are reported.
        updates: the columns whose updates are reported; None for all.
        only_deletions: whether neither new rows nor updates are reported.
    """

    table: str
    report: str
    keys: Sequence[str]
    updates: Sequence[str] | None = None
    only_deletions: bool = False


ReportChange = Callable[[str, Any, Any], None]
"""Takes the `report` of a table, and the values of its keys: None for a second one where there is one key."""
