"""The addresses of the studio's pages, relative to the root of the studio."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple
from urllib.parse import quote, unquote, urlencode

DEFAULT_PORT = 8642
"""The port of the studio unless it is told another one, so that an address that was once printed opens again."""


class Pages(NamedTuple):
    """The pages of one workspace; `root` is what stands in front: nothing, a base path or a whole address."""

    root: str
    subscription_id: str
    resource_group: str
    workspace_name: str

    def __str__(self) -> str:
        names = (self.subscription_id, self.resource_group, self.workspace_name)
        return "/".join([self.root, "w", *(_segment(name) for name in names)])

    def experiments(self) -> str:
        """The list of experiments, where a workspace begins."""
        return f"{self}/experiments"

    def experiment(self, name: str, query: str = "") -> str:
        """The runs of one experiment."""
        return _with_query(f"{self}/experiments/{_segment(name)}", query)

    def runs(self, query: str = "", experiment_name: str | None = None) -> str:
        """Return the URL of the runs of an experiment, or of all runs."""
        return self.experiment(experiment_name, query) if experiment_name else _with_query(f"{self}/runs", query)

    def cancel(self) -> str:
        """Where a form sends the runs that are to be cancelled."""
        return f"{self}/cancel"

    def run(self, run_id: str, *places: str) -> str:
        """A run's page; `places` lead to one of its tabs and further into it."""
        return "/".join([f"{self}/runs/{_segment(run_id)}", *(_segment(place) for place in places)])

    def file(self, run_id: str, tab: str, path: str) -> str:
        """A file of a run, which keeps its folders in the address."""
        return f"{self.run(run_id, tab)}/{quoted(path)}"

    def chart(self) -> str:
        """Where the form of a chart leads, which returns to the page that it is on."""
        return f"{self}/chart"

    def chart_data(self, query: str) -> str:
        """The numbers that a chart draws."""
        return _with_query(f"{self}/chart-data", query)

    def compare(self, query: str = "") -> str:
        """Runs side by side."""
        return _with_query(f"{self}/compare", query)

    def views(self, deed: str = "") -> str:
        """The views that have been saved; with a deed, where a form sends what is to be done with one."""
        return f"{self}/views/{_segment(deed)}" if deed else f"{self}/views"

    def queue(self) -> str:
        """What runs and waits on each compute target."""
        return f"{self}/queue"

    def submit(self, **values: str) -> str:
        """The form of a new run, filled in with what is known."""
        return _with_query(f"{self}/submit", urlencode(values))


def quoted(path: str) -> str:
    """A path as an address has it; bytes that are no UTF-8, which names of files may hold, are kept."""
    return quote(path, safe="/", errors="surrogateescape")


def unquoted(text: str) -> str:
    """The path that `quoted` has written."""
    return unquote(text, errors="surrogateescape")


def query_of(values: Mapping[str, object]) -> str:
    """A query string of those that are not empty."""
    return urlencode({name: value for name, value in values.items() if value not in {None, ""}})


def _segment(text: str) -> str:
    # A browser takes the segments "." and ".." of an address away, however they are written.
    return quote(text, safe="") if text.strip(".") else text.replace(".", "%252E")


def _with_query(address: str, query: str) -> str:
    return f"{address}?{query}" if query else address
