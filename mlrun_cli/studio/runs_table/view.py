"""The state of a page of runs, as its URL holds it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any
from urllib.parse import parse_qsl, urlencode

from mlrun_cli.core.named_tuple import NamedTuple
from mlrun_cli.runs.filter import TERMS
from mlrun_cli.runs.order import NEWEST_FIRST

PAGE_SIZES = (25, 50, 100, 200)
MAX_VALUES = 200
"""The number of values that a parameter, or the selection, may have."""
_MAX_PAGES = 10**9
_CONSTANT = "constant"
FILTERS = tuple(word for word in TERMS if word != "parent")
"""The words of the filter language that are parameters of the URL; each needs a field of `RunsView`."""


class RunsView(NamedTuple):
    """The state of a page of runs; each attribute is a parameter of the URL of the same name.

    Values are as typed; `parse_view_filter` interprets them.

    Attributes:
        children: whether child runs are shown too.
        open: ids of runs that are expanded to show their child runs.
        columns: names of columns, in order; empty for the default ones.
        hide: whether columns that are empty or constant are left out.
        chart: the charts above the table, as `charts/chart.py` writes them.
        select: ids of selected runs.
        size: rows per page.
        page: from 1 on.
    """

    search: str = ""
    status: tuple[str, ...] = ()
    tag: tuple[str, ...] = ()
    property: tuple[str, ...] = ()
    metric: tuple[str, ...] = ()
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
        """Parse a query string; unknown parameters and invalid values are ignored."""
        parameters: dict[str, list[str]] = {}
        for name, value in parse_qsl(query):
            parameters.setdefault(name, []).append(value.strip() if name in FILTERS else value)
        values: dict[str, Any] = {}
        for name, default in cls._field_defaults.items():
            found = [value for value in parameters.get(name, ()) if value]
            if found:
                values[name] = _parse_value(name, default, found)
        return cls(**values)

    def to_query(self) -> str:
        """Return the query string of the view, without default values."""
        return urlencode(self.to_parameters(), safe=":,")

    def to_parameters(self, *but: str) -> Sequence[tuple[str, str]]:
        """Return the parameters that differ from their defaults, except `but`: the hidden fields of a form."""
        default = self._field_defaults
        return [
            (name, text)
            for name, value in self._asdict().items()
            if name not in but and value != default[name]
            for text in _format_value(name, value)
        ]

    def replace(self, **changes: Any) -> RunsView:
        """Replace values of the view, which goes to its first page unless `page` is given."""
        return self._replace(**{"page": 1, **changes})

    def remove_value(self, name: str, value: str | None = None) -> RunsView:
        """Remove one value of a parameter, or all."""
        if value is None or not isinstance(self._field_defaults[name], tuple):
            return self.replace(**{name: self._field_defaults[name]})
        return self.replace(**{name: tuple(each for each in getattr(self, name) if each != value)})

    def add_value(self, name: str, value: str) -> RunsView:
        """Add a value of a parameter."""
        return self.replace(**{name: _deduplicate((*getattr(self, name), value))})

    def toggle_value(self, name: str, value: str) -> RunsView:
        """Remove a value of a parameter if it is there, else add it."""
        return self.remove_value(name, value) if value in getattr(self, name) else self.add_value(name, value)

    def list_filters(self) -> Sequence[tuple[str, str]]:
        """Return the filters as pairs of a parameter and one of its values."""
        return [(name, value) for name, value in self.to_parameters() if name in FILTERS]

    def remove_filters(self) -> RunsView:
        """Remove all filters."""
        return self.replace(**{name: self._field_defaults[name] for name in FILTERS})

    def is_tree(self) -> bool:
        """Return whether child runs are shown below their parents, which filters and other orders prevent."""
        return self.children and not self.list_filters() and self.sort == str(NEWEST_FIRST)

    def to_saved_view(self) -> RunsView:
        """Return the view to save: on its first page, with nothing expanded."""
        return self.replace(open=())


def format_columns(names: Iterable[str]) -> str:
    """Format names of columns as one value, with commas in names escaped."""
    return ",".join(name.replace("%", "%25").replace(",", "%2C") for name in names)


def _parse_columns(texts: Iterable[str]) -> tuple[str, ...]:
    names = (name for text in texts for name in text.split(","))
    return _deduplicate(name.replace("%2C", ",").replace("%25", "%") for name in names if name)


def _parse_value(name: str, default: object, found: Sequence[str]) -> object:
    if name == "columns":
        return _parse_columns(found)
    if isinstance(default, tuple):
        return _deduplicate(found)
    last = found[-1]
    if isinstance(default, bool):
        return last == (_CONSTANT if name == "hide" else "1")
    if not isinstance(default, int):
        return last
    number = int(last) if last.isascii() and last.isdigit() and len(last) < 10 else 0
    is_known = number in PAGE_SIZES if name == "size" else 1 <= number <= _MAX_PAGES
    return number if is_known else default


def _format_value(name: str, value: object) -> Sequence[str]:
    if name == "columns":
        assert isinstance(value, tuple)
        return [format_columns(value)]
    if isinstance(value, tuple):
        return value
    return [_CONSTANT if name == "hide" else "1" if value is True else str(value)]


def _deduplicate(values: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(values))[:MAX_VALUES]
