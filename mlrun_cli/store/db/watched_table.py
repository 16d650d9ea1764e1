"""Tables with changes that a database reports."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from mlrun_cli.core.named_tuple import NamedTuple


class WatchedTable(NamedTuple):
    """A table whose changes are reported.

    Attributes:
        table: its name.
        report: the name under which its changes are reported.
        keys: the one or two columns whose values are reported.
        updates: the columns whose updates are reported; None for all.
        only_deletions: whether neither new rows nor updates are reported.
    """

    table: str
    report: str
    keys: Sequence[str]
    updates: Sequence[str] | None = None
    only_deletions: bool = False


ReportChange = Callable[[str, Any, Any], None]
"""Receives the `report` of a table and the values of its keys; the second one is None if there is only one key."""
