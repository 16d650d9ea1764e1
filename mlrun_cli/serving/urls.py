"""URLs of the studio's pages."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import quote, unquote, urlencode

from mlrun_cli.core.named_tuple import NamedTuple

API_PATH = "/api"
"""The path below the studio's URL of what programs post to; its requests need the API key instead of a cookie."""

DEFAULT_PORT = 8642
"""The default port, which is fixed so that URLs printed earlier remain valid."""


class WorkspaceUrls(NamedTuple):
    """Builds the URLs of a workspace's pages.

    Attributes:
        root: the studio's own URL, a base path, or empty.
    """

    root: str
    subscription_id: str
    resource_group: str
    workspace_name: str

    def __str__(self) -> str:
        names = (self.subscription_id, self.resource_group, self.workspace_name)
        return "/".join([self.root, "w", *(_quote_segment(name) for name in names)])

    def experiments(self) -> str:
        """Return the URL of the workspace's first page, which lists the experiments."""
        return f"{self}/experiments"

    def experiment(self, name: str, query: str = "") -> str:
        """Return the URL of the page with one experiment's runs."""
        return _add_query(f"{self}/experiments/{_quote_segment(name)}", query)

    def runs(self, query: str = "", experiment_name: str | None = None) -> str:
        """Return the URL of the page with an experiment's runs or, without an experiment, with all runs."""
        return self.experiment(experiment_name, query) if experiment_name else _add_query(f"{self}/runs", query)

    def cancel_form(self) -> str:
        """Return the URL to which the form for canceling runs is posted."""
        return f"{self}/cancel"

    def run(self, run_id: str, *segments: str) -> str:
        """Return the URL of a run's page, or of the tab and path given by `segments`."""
        return "/".join([f"{self}/runs/{_quote_segment(run_id)}", *(_quote_segment(each) for each in segments)])

    def file(self, run_id: str, tab: str, path: str) -> str:
        """Return the URL of a run's file in a tab, with the file's folders as path segments."""
        return f"{self.run(run_id, tab)}/{quote_path(path)}"

    def chart_form(self) -> str:
        """Return the URL of a chart's form, which redirects to the page that contains the chart."""
        return f"{self}/chart"

    def chart_data(self, query: str) -> str:
        """Return the URL of a chart's data."""
        return _add_query(f"{self}/chart-data", query)

    def comparison(self, query: str = "") -> str:
        """Return the URL of the page that compares runs."""
        return _add_query(f"{self}/compare", query)

    def views(self, action: str = "") -> str:
        """Return the URL of the page with the saved views, or of an action on a view."""
        return f"{self}/views/{_quote_segment(action)}" if action else f"{self}/views"

    def pipelines(self, pipeline_id: str = "") -> str:
        """Return the URL of the page with the published pipelines, or with one of them."""
        return f"{self}/pipelines/{_quote_segment(pipeline_id)}" if pipeline_id else f"{self}/pipelines"

    def queue(self) -> str:
        """Return the URL of the page with the compute targets and their queues."""
        return f"{self}/queue"

    def submit_form(self, **field_values: str) -> str:
        """Return the URL of the form for a new run, with the given fields filled in."""
        return _add_query(f"{self}/submit", urlencode(field_values))


class ApiUrls(NamedTuple):
    """Builds the URLs to which programs post.

    Attributes:
        workspace: the URLs of the workspace's pages, whose root is an address that programs reach.
    """

    workspace: WorkspaceUrls

    def __str__(self) -> str:
        root = self.workspace.root
        return str(self.workspace._replace(root=f"{root}{API_PATH}"))

    def pipeline_submit(self, pipeline_id: str) -> str:
        """Return the URL to which a request that submits a published pipeline is posted."""
        return f"{self}/pipelines/{_quote_segment(pipeline_id)}"

    def endpoint_submit(self, endpoint_id: str) -> str:
        """Return the URL to which a request that submits a pipeline endpoint's default version is posted."""
        return f"{self}/pipeline-endpoints/{_quote_segment(endpoint_id)}"


def quote_path(path: str) -> str:
    """Quote a path for a URL, preserving bytes that are not UTF-8."""
    return quote(path, safe="/", errors="surrogateescape")


def unquote_path(quoted_path: str) -> str:
    """Return the path that `quote_path` quoted as `quoted_path`."""
    return unquote(quoted_path, errors="surrogateescape")


def build_query(values: Mapping[str, object]) -> str:
    """Return a URL query string of the values that are neither None nor empty strings."""
    return urlencode({name: value for name, value in values.items() if value not in {None, ""}})


def _quote_segment(text: str) -> str:
    # Browsers drop the path segments "." and "..", however they are quoted.
    """Quote a path segment, including one that consists of dots, which browsers would otherwise drop."""
    return quote(text, safe="") if text.strip(".") else text.replace(".", "%252E")


def _add_query(url: str, query: str) -> str:
    return f"{url}?{query}" if query else url
