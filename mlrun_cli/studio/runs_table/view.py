"""What a page of runs shows and how, as it stands in the page's address."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple
from urllib.parse import parse_qsl, urlencode

from mlrun_cli.runs.order import NEWEST_FIRST

SIZES = (25, 50, 100, 200)
MOST_VALUES = 200
"""Of one parameter; selected runs are among them."""
_MOST_PAGES = 10**9
_CONSTANT = "constant"
_FILTERS = (
    "search",
    "status",
    "tag",
    "property",
    "metric",
    "target",
    "submitter",
    "experiment",
    "type",
    "since",
    "until",
)


class RunsView(NamedTuple):
    """A page of runs; each attribute is a parameter of the address, under the same name.

    Values are as they were typed: `view_filter` finds out what they mean, and what is wrong with them.

    Attributes:
        children: whether child runs are shown too.
        open: ids of the runs whose child runs are shown below them.
        columns: their names in their order; none means the usual ones.
        hide: whether columns that are empty, or the same in all rows, are left out.
        chart: the charts above the table, as `charts/chart.py` writes them.
        select: ids of the runs that have been selected.
        size: rows of a page.
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
        """The view of a query string; what it does not know, or cannot be, is left out."""
        given: dict[str, list[str]] = {}
        for name, value in parse_qsl(query):
            given.setdefault(name, []).append(value.strip() if name in _FILTERS else value)
        values: dict[str, Any] = {}
        for name, usual in cls._field_defaults.items():
            found = [value for value in given.get(name, ()) if value]
            if found:
                values[name] = _read(name, usual, found)
        return cls(**values)

    def query(self) -> str:
        """The query string that `parse` makes it of; what is as usual is left out."""
        return urlencode(self.pairs(), safe=":,")

    def pairs(self, *but: str) -> Sequence[tuple[str, str]]:
        """The parameters that are not as usual, without some: what a form carries along."""
        usual = self._field_defaults
        return [
            (name, text)
            for name, value in self._asdict().items()
            if name not in but and value != usual[name]
            for text in _written(name, value)
        ]

    def with_(self, **changes: Any) -> RunsView:
        """The same with other values; unless one is told, it is the first page that is shown."""
        return self._replace(**{"page": 1, **changes})

    def without(self, name: str, value: str | None = None) -> RunsView:
        """The same without one of the values of a parameter, or without any."""
        if value is None or not isinstance(self._field_defaults[name], tuple):
            return self.with_(**{name: self._field_defaults[name]})
        return self.with_(**{name: tuple(each for each in getattr(self, name) if each != value)})

    def added(self, name: str, value: str) -> RunsView:
        """The same with one more value of a parameter."""
        return self.with_(**{name: _distinct((*getattr(self, name), value))})

    def toggled(self, name: str, value: str) -> RunsView:
        """The same without this value of a parameter if it has it, else with it."""
        return self.without(name, value) if value in getattr(self, name) else self.added(name, value)

    def filters(self) -> Sequence[tuple[str, str]]:
        """The filters, each a parameter and one of its values."""
        return [(name, value) for name, value in self.pairs() if name in _FILTERS]

    def without_filters(self) -> RunsView:
        """The same for all runs."""
        return self.with_(**{name: self._field_defaults[name] for name in _FILTERS})

    def is_tree(self) -> bool:
        """Whether child runs are shown below their parents: a filter or another order mixes them with the others."""
        return self.children and not self.filters() and self.sort == str(NEWEST_FIRST)

    def to_save(self) -> RunsView:
        """The same as it is worth a name: from its first page on, and with nothing unfolded."""
        return self.with_(open=())


def written_columns(names: Iterable[str]) -> str:
    """The names of columns as one value: a comma within a name is not one between two."""
    return ",".join(name.replace("%", "%25").replace(",", "%2C") for name in names)


def _read_columns(texts: Iterable[str]) -> tuple[str, ...]:
    names = (name for text in texts for name in text.split(","))
    return _distinct(name.replace("%2C", ",").replace("%25", "%") for name in names if name)


def _read(name: str, usual: object, found: Sequence[str]) -> object:
    if name == "columns":
        return _read_columns(found)
    if isinstance(usual, tuple):
        return _distinct(found)
    last = found[-1]
    if isinstance(usual, bool):
        return last == (_CONSTANT if name == "hide" else "1")
    if not isinstance(usual, int):
        return last
    number = int(last) if last.isascii() and last.isdigit() and len(last) < 10 else 0
    is_known = number in SIZES if name == "size" else 1 <= number <= _MOST_PAGES
    return number if is_known else usual


def _written(name: str, value: object) -> Sequence[str]:
    if name == "columns":
        assert isinstance(value, tuple)
        return [written_columns(value)]
    if isinstance(value, tuple):
        return value
    return [_CONSTANT if name == "hide" else "1" if value is True else str(value)]


def _distinct(values: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(values))[:MOST_VALUES]
