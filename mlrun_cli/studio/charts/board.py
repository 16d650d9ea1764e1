"""The charts above a table of runs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from hashlib import sha256
from typing import Any
from urllib.parse import urlencode

from mlrun_cli.core.named_tuple import NamedTuple
from mlrun_cli.errors import UsageError
from mlrun_cli.metrics.metric import LAST, SUMMARIES
from mlrun_cli.runs.parameters import Parameters, list_differing_parameter_names
from mlrun_cli.runs.run import Run
from mlrun_cli.studio.charts.chart import (
    CURVE,
    KINDS,
    PARAMETER,
    SCATTER,
    VALUE,
    X_AXES,
    Chart,
    Measure,
    parse_charts,
    replace_charts,
)
from mlrun_cli.studio.charts.run_names import build_run_labels
from mlrun_cli.studio.charts.run_values import RunValues
from mlrun_cli.studio.page_request import PageRequest
from mlrun_cli.workspace import Workspace

MAX_RUNS = 200
_MAX_NAMES = 300
_DEFAULT_CHARTS = 2
_MAX_ROWS = 50
_LEAST_POINTS = 3
_DECADES = 2
"""Positive numbers that span more powers of ten are drawn on a logarithmic axis by default."""


class BoardChart(NamedTuple):
    """A chart on a page, with the table of its values.

    Attributes:
        id: an id that depends only on the chart.
        source: the URL of its figure, without the runs.
        removal: the query string of the page without the chart.
        columns: the header of the table.
        rows: for each run, the run, its label, and for each column a number, a text or None.
    """

    chart: Chart
    id: str
    source: str
    removal: str
    columns: Sequence[str]
    rows: Sequence[tuple[Run, str, Sequence[float | str | None]]]


class ChartBoard(NamedTuple):
    """The charts of a page, with the data for adding and changing charts.

    Attributes:
        charts: the charts in the URL, or suggested ones if it has none.
        problems: the errors of invalid charts in the URL.
        names: the names of metrics that can be drawn.
        parameters: the names of parameters that can be drawn, and by which runs can be coloured.
        runs: the key, id, name and URL of each run that can be drawn, for scripts.
        selected: the ids of the runs to draw; empty for all.
        back: the URL of the page, to which a chart's form returns.
        topic: the topic whose events update the charts.
    """

    charts: Sequence[BoardChart]
    problems: Sequence[UsageError]
    names: Sequence[str]
    parameters: Sequence[str]
    runs: Sequence[Mapping[str, Any]]
    selected: Sequence[str]
    back: str
    topic: str

    @property
    def max_runs(self) -> int:
        """The maximum number of runs in a chart."""
        return MAX_RUNS

    @property
    def kinds(self) -> Mapping[str, str]:
        """A mapping from the kinds of charts to their labels."""
        return KINDS

    @property
    def x_axes(self) -> Mapping[str, str]:
        """A mapping from the horizontal axes of curves to their labels."""
        return X_AXES


def build_board(
    page: PageRequest, runs: Sequence[Run], selected_runs: Sequence[Run] = (), suggested_charts: Sequence[Chart] = ()
) -> ChartBoard:
    """Build the board with the charts in the URL of a page or, if the URL has none, with suggested charts.

    Args:
        page: the request, whose query contains the charts.
        runs: the runs that the page shows.
        selected_runs: the runs to draw, which may be on other pages; empty for the runs that the page shows.
        suggested_charts: the charts to show if the URL has none; empty for those that suit the runs.
    """
    workspace, query = page.workspace, page.request.url.query
    drawn = (selected_runs or runs)[:MAX_RUNS]
    known = {run.key: run for run in (*selected_runs, *runs)}
    labels = build_run_labels(known.values())
    keys = [run.key for run in drawn]
    names = workspace.metric_summaries.list_names(keys, _MAX_NAMES, with_resources=True)
    parameters = workspace.parameters.get_for_runs(keys)
    charts, problems = parse_charts(page.request.query_params.getlist("chart"))
    if charts is None and suggested_charts:
        charts = suggested_charts
    elif charts is None:
        charts = suggest_charts(workspace, keys, _DEFAULT_CHARTS)
        charts = [*charts, *_suggest_scatter(workspace, charts, {key: parameters.get(key, {}) for key in keys})]
    values = RunValues.read(workspace, drawn[:_MAX_ROWS], charts)
    return ChartBoard(
        charts=[_build_board_chart(page, chart, charts, drawn[:_MAX_ROWS], labels, values) for chart in charts],
        problems=problems,
        names=names,
        parameters=sorted({name for own in parameters.values() for name in own})[:_MAX_NAMES],
        runs=[_build_legend_entry(page, run, labels[run.key]) for run in known.values()],
        selected=[run.run_id for run in selected_runs],
        back=_build_page_url(page, replace_charts(query, charts) if charts else query),
        topic=page.build_topic("runs"),
    )


def load_selected_runs(workspace: Workspace, loaded_runs: Sequence[Run], run_ids: Sequence[str]) -> Sequence[Run]:
    """Return the existing runs with the selected ids; the keys of `loaded_runs` are not looked up again."""
    key_of = {run.run_id: run.key for run in loaded_runs}
    keys = [key_of.get(run_id) or workspace.runs.find_key(run_id) for run_id in dict.fromkeys(run_ids[:MAX_RUNS])]
    return workspace.runs.list_by_keys([key for key in keys if key is not None])


def suggest_charts(workspace: Workspace, run_keys: Sequence[int], limit: int) -> Sequence[Chart]:
    """Return charts of up to `limit` metrics, preferring those that most runs have, then those with the most values."""
    common = workspace.metric_summaries.list_most_common_names(run_keys, limit)
    return [Chart(CURVE if longest > 1 else VALUE, (Measure(name),)) for name, longest in common]


def _suggest_scatter(
    workspace: Workspace, charts: Sequence[Chart], parameters: Mapping[int, Parameters]
) -> Sequence[Chart]:
    """Return a list of one scatter chart of the first metric over a parameter that differs between runs, or of none.

    Of the runs that have the metric, most have a number as this parameter.

    Args:
        workspace: the workspace of the runs.
        charts: the charts of metrics.
        parameters: the parameters of each run, keyed by run key.
    """
    if not charts or len(parameters) < _LEAST_POINTS:
        return []
    measured = workspace.metric_summaries.get_for_runs(list(parameters), charts[0].names[:1])
    given = [parameters[key] for key, _ in measured]
    counts = Counter(name for own in given for name, each in own.items() if each.number is not None)
    names = sorted(list_differing_parameter_names(given), key=lambda name: -counts[name])
    if not names:
        return []
    numbers = [own[names[0]].number for own in given if names[0] in own]
    known = [number for number in numbers if number is not None]
    is_log = len(known) == len(numbers) and min(known) > 0 and max(known) / min(known) >= 10**_DECADES
    measures = (Measure(names[0], PARAMETER), Measure(charts[0].names[0], LAST))
    return [Chart(SCATTER, measures, is_x_log=is_log)]


def _build_board_chart(
    page: PageRequest,
    chart: Chart,
    charts: Sequence[Chart],
    runs: Sequence[Run],
    run_labels: Mapping[int, str],
    values: RunValues,
) -> BoardChart:
    measures = [
        measure._replace(which=which)
        for measure in chart.measures
        for which in (SUMMARIES if chart.kind == CURVE else (measure.which,))
    ]
    if chart.colour:
        measures.append(Measure(chart.colour, PARAMETER))
    rows = []
    for run in runs:
        found = [values.find(run, measure) for measure in measures]
        if any(value is not None for value in found):
            rows.append((run, run_labels[run.key], found))
    return BoardChart(
        chart=chart,
        id=sha256(str(chart).encode("utf-8", "surrogatepass")).hexdigest()[:12],
        source=page.urls.chart_data(urlencode({"chart": str(chart)})),
        removal=replace_charts(page.request.url.query, [other for other in charts if other != chart]),
        columns=list(map(str, measures)),
        rows=rows,
    )


def _build_legend_entry(page: PageRequest, run: Run, run_label: str) -> Mapping[str, Any]:
    """Return the template context for the legend entry of a run."""
    return {
        "key": run.key,
        "id": run.run_id,
        "name": run_label,
        "address": page.urls.run(run.run_id),
    }


def _build_page_url(page: PageRequest, query: str) -> str:
    return f"{page.current_path}?{query}" if query else page.current_path
