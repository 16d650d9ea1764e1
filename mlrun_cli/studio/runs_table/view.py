"""The state of a page of runs, as represented by its URL."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType
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
FILTERS = tuple(word for word, term in TERMS.items() if term.label)
"""The words of the filter language that are parameters of the URL."""


class RunsView(NamedTuple):
    """The state of a page of runs; each attribute but the filters is the URL parameter of the same name.

    Attributes:
        filters: the values of filters as typed, keyed by URL parameter, which is a word of the filter language;
            `parse_view_filter` interprets them. Without a value, the word is missing.
        children: whether child runs are included.
        open: the ids of runs that are expanded to show their child runs.
        columns: the names of columns, in order; empty for the default columns.
        hide: whether columns that are empty or constant are left out.
        chart: the charts above the table, in the notation of `charts/chart.py`.
        select: the ids of selected runs.
        size: the number of rows per page.
        page: the page number, starting with 1.
    """

    filters: Mapping[str, tuple[str, ...]] = MappingProxyType({})
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
        given = {name: found for name, values in parameters.items() if (found := [each for each in values if each])}
        filters = {word: _parse_filter_values(word, given[word]) for word in FILTERS if word in given}
        values: dict[str, Any] = {
            name: _parse_parameter_value(name, default, given[name])
            for name, default in cls._field_defaults.items()
            if name in given and name != "filters"
        }
        return cls(filters, **values)

    def to_query(self) -> str:
        """Return the query string of the view, omitting default values."""
        return urlencode(self.to_parameters(), safe=":,")

    def to_parameters(self, *excluded: str) -> Sequence[tuple[str, str]]:
        """Return the query parameters whose values are not the defaults, except those in `excluded`."""
        default = self._field_defaults
        return [
            *(pair for pair in self.list_filters() if pair[0] not in excluded),
            *(
                (name, text)
                for name, value in self._asdict().items()
                if name not in {"filters", *excluded} and value != default[name]
                for text in _format_parameter_value(name, value)
            ),
        ]

    def replace(self, **changes: Any) -> RunsView:
        """Return a view with some attributes replaced, on its first page unless `page` is given."""
        return self._replace(**{"page": 1, **changes})

    def get_filter_values(self, word: str) -> tuple[str, ...]:
        """Return the values of a filter."""
        return self.filters.get(word, ())

    def with_filter_values(self, word: str, values: Iterable[str]) -> RunsView:
        """Return a copy of the view in which a filter has these values instead of its own."""
        filters = {**self.filters, word: _limit_distinct_values(values)}
        return self.replace(filters={each: filters[each] for each in FILTERS if filters.get(each)})

    def with_value(self, word: str, value: str) -> RunsView:
        """Return a copy of the view with a value added to a filter."""
        return self.with_filter_values(word, (*self.get_filter_values(word), value))

    def without_value(self, word: str, value: str) -> RunsView:
        """Return a copy of the view without a value of a filter."""
        return self.with_filter_values(word, (each for each in self.get_filter_values(word) if each != value))

    def with_toggled_value(self, word: str, value: str) -> RunsView:
        """Return a copy of the view with a value removed from a filter if it is there, or else added to it."""
        has_value = value in self.get_filter_values(word)
        return self.without_value(word, value) if has_value else self.with_value(word, value)

    def with_toggled_run(self, run_id: str) -> RunsView:
        """Return a copy of the view with a run expanded, or collapsed if it is expanded, on the same page."""
        is_open = run_id in self.open
        runs = [each for each in self.open if each != run_id] if is_open else [*self.open, run_id]
        return self._replace(open=_limit_distinct_values(runs))

    def list_filters(self) -> Sequence[tuple[str, str]]:
        """Return the filters as pairs of a parameter name and a value."""
        return [(word, value) for word, values in self.filters.items() for value in values]

    def without_filters(self) -> RunsView:
        """Return a copy of the view without filters."""
        return self.replace(filters={})

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


def _parse_filter_values(word: str, texts: Sequence[str]) -> tuple[str, ...]:
    term = TERMS[word]
    return _limit_distinct_values(texts) if term.repeats or term.has_menu else (texts[-1],)


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
