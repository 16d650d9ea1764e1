"""The state of a page of runs, as represented by its URL."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any
from urllib.parse import parse_qsl, urlencode

from mlrun_cli.core.named_tuple import NamedTuple
from mlrun_cli.runs.filter import TERMS
from mlrun_cli.runs.order import NEWEST_FIRST

PAGE_SIZES = (25, 50, 100, 200)
MAX_VALUES = 200
"""The maximum number of values of a parameter, and of selected runs."""
_MAX_PAGES = 10**9
_CONSTANT = "constant"
FILTERS = tuple(word for word in TERMS if word != "parent")
"""The words of the filter language that are parameters of the URL; each needs a field of `RunsView`."""


class RunsView(NamedTuple):
    """The state of a page of runs; each attribute corresponds to the URL parameter of the same name.

    Values are as typed; `parse_view_filter` interprets them.

    Attributes:
        children: whether child runs are included.
        open: the ids of runs that are expanded to show their child runs.
        columns: the names of columns, in order; empty for the default columns.
        hide: whether columns that are empty or constant are left out.
        chart: the charts above the table, in the notation of `charts/chart.py`.
        select: the ids of selected runs.
        size: the number of rows per page.
        page: the page number, starting with 1.
    """

    where: tuple[str, ...] = ()
    search: str = ""
    status: tuple[str, ...] = ()
    tag: tuple[str, ...] = ()
    property: tuple[str, ...] = ()
    metric: tuple[str, ...] = ()
    parameter: tuple[str, ...] = ()
    target: tuple[str, ...] = ()
    submitter: tuple[str, ...] = ()
    experiment: tuple[str, ...] = ()
    type: tuple[str, ...] = ()
    since: str = ""
    until: str = ""
    children: bool = False
    open: tuple[str, ...] = ()
    columns: tuple[str, ...] = ()
    hide: bool = False
    sort: str = str(NEWEST_FIRST)
    chart: tuple[str, ...] = ()
    select: tuple[str, ...] = ()
    size: int = 50
    page: int = 1

    @classmethod
    def parse(cls, query: str) -> RunsView:
        """Parse the query string of a URL, ignoring unknown parameters and invalid values."""
        parameters: dict[str, list[str]] = {}
        for name, value in parse_qsl(query):
            parameters.setdefault(name, []).append(value.strip() if name in FILTERS else value)
        values: dict[str, Any] = {}
        for name, default in cls._field_defaults.items():
            found = [value for value in parameters.get(name, ()) if value]
            if found:
                values[name] = _parse_parameter_value(name, default, found)
        return cls(**values)

    def to_query(self) -> str:
        """Return the query string of the view, omitting default values."""
        return urlencode(self.to_parameters(), safe=":,")

    def to_parameters(self, *excluded: str) -> Sequence[tuple[str, str]]:
        """Return the query parameters whose values are not the defaults, except those in `excluded`."""
        default = self._field_defaults
        return [
            (name, text)
            for name, value in self._asdict().items()
            if name not in excluded and value != default[name]
            for text in _format_parameter_value(name, value)
        ]

    def replace(self, **changes: Any) -> RunsView:
        """Return a view with some values replaced, on its first page unless `page` is given."""
        return self._replace(**{"page": 1, **changes})

    def without_value(self, name: str, value: str | None = None) -> RunsView:
        """Return a copy of the view without a value of a parameter, or without all its values if `value` is None."""
        if value is None or not isinstance(self._field_defaults[name], tuple):
            return self.replace(**{name: self._field_defaults[name]})
        return self.replace(**{name: tuple(each for each in getattr(self, name) if each != value)})

    def with_value(self, name: str, value: str) -> RunsView:
        """Return a copy of the view with a value added to one of its parameters."""
        return self.replace(**{name: _limit_distinct_values((*getattr(self, name), value))})

    def with_toggled_value(self, name: str, value: str) -> RunsView:
        """Return a copy of the view with a value removed from a parameter if it is there, or else added to it."""
        return self.without_value(name, value) if value in getattr(self, name) else self.with_value(name, value)

    def list_filters(self) -> Sequence[tuple[str, str]]:
        """Return the filters as pairs of a parameter name and a value."""
        return [(name, value) for name, value in self.to_parameters() if name in FILTERS]

    def without_filters(self) -> RunsView:
        """Return a copy of the view without filters."""
        return self.replace(**{name: self._field_defaults[name] for name in FILTERS})

    def is_tree(self) -> bool:
        """Return whether child runs are shown as a tree, which requires the default order and no filters."""
        return self.children and not self.list_filters() and self.sort == str(NEWEST_FIRST)

    def to_saved_view(self) -> RunsView:
        """Return the view to save, which is on its first page and has no expanded runs."""
        return self.replace(open=())


def format_columns(names: Iterable[str]) -> str:
    """Return the names of columns as a comma-separated value, with commas in names escaped."""
    return ",".join(name.replace("%", "%25").replace(",", "%2C") for name in names)


def _parse_columns(texts: Iterable[str]) -> tuple[str, ...]:
    names = (name for text in texts for name in text.split(","))
    return _limit_distinct_values(name.replace("%2C", ",").replace("%25", "%") for name in names if name)


def _parse_parameter_value(name: str, default: object, texts: Sequence[str]) -> object:
    if name == "columns":
        return _parse_columns(texts)
    if isinstance(default, tuple):
        return _limit_distinct_values(texts)
    last = texts[-1]
    if isinstance(default, bool):
        return last == (_CONSTANT if name == "hide" else "1")
    if not isinstance(default, int):
        return last
    number = int(last) if last.isascii() and last.isdigit() and len(last) < 10 else 0
    is_known = number in PAGE_SIZES if name == "size" else 1 <= number <= _MAX_PAGES
    return number if is_known else default


def _format_parameter_value(name: str, value: object) -> Sequence[str]:
    if name == "columns":
        assert isinstance(value, tuple)
        return [format_columns(value)]
    if isinstance(value, tuple):
        return value
    return [_CONSTANT if name == "hide" else "1" if value is True else str(value)]


def _limit_distinct_values(values: Iterable[str]) -> tuple[str, ...]:
    """Return distinct values in order of first appearance, up to the limit for a parameter."""
    return tuple(dict.fromkeys(values))[:MAX_VALUES]
