"""The charts above runs: which there are, which runs they draw, and where the links lead that change them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from hashlib import sha256
from typing import Any, NamedTuple
from urllib.parse import urlencode

from mlrun_cli.metrics.metric import SUMMARIES, MetricSummary
from mlrun_cli.runs.run import Run
from mlrun_cli.studio.charts.chart import CURVE, KINDS, OVER, VALUE, Chart, Measure, query_with, read_charts
from mlrun_cli.studio.charts.run_names import names_of_runs
from mlrun_cli.studio.page_request import PageRequest
from mlrun_cli.workspace import Workspace

MOST_RUNS = 200
_MOST_NAMES = 300
_DEFAULT_CHARTS = 2
_MOST_ROWS = 50


class BoardChart(NamedTuple):
    """A chart of the board.

    Attributes:
        id: tells it from the others, for as long as it is the same.
        source: the address of what it draws, but for the runs.
        removal: the query string of the page without it.
        columns: the head of its values as a table.
        rows: a run, what it is called, and what stands in each column, or None.
    """

    chart: Chart
    id: str
    source: str
    removal: str
    columns: Sequence[str]
    rows: Sequence[tuple[Run, str, Sequence[float | None]]]


class ChartBoard(NamedTuple):
    """The charts of a page.

    Attributes:
        charts: those that the address names, or those that fit the runs.
        problems: what is wrong with the others that it names.
        names: of metrics that can be drawn.
        runs: for the scripts: key, id, name and address of each run that may be drawn.
        selected: the ids of those that are; all when it is empty.
        back: the address of the page, to which a form of a chart returns.
        topic: of the news by which the charts are drawn anew.
    """

    charts: Sequence[BoardChart]
    problems: Sequence[str]
    names: Sequence[str]
    runs: Sequence[Mapping[str, Any]]
    selected: Sequence[str]
    back: str
    topic: str

    @property
    def most_runs(self) -> int:
        """How many runs are drawn at most."""
        return MOST_RUNS

    @property
    def kinds(self) -> Mapping[str, str]:
        """What kinds of charts there are, and what they are called."""
        return KINDS

    @property
    def overs(self) -> Mapping[str, str]:
        """What curves can be drawn over, and what that is called."""
        return OVER


def chart_board(page: PageRequest, runs: Sequence[Run], chosen: Sequence[Run] = ()) -> ChartBoard:
    """The board of a page.

    Args:
        page: its query names the charts.
        runs: those that the page shows.
        chosen: those that are to be drawn, on this page or another; without any, those that it shows.
    """
    workspace, query = page.workspace, page.request.url.query
    drawn = (chosen or runs)[:MOST_RUNS]
    known = {run.key: run for run in (*chosen, *runs)}
    called = names_of_runs(known.values())
    keys = [run.key for run in drawn]
    names = workspace.metric_summaries.names(keys, _MOST_NAMES)
    charts, problems = read_charts(page.request.query_params.getlist("chart"))
    if charts is None:
        charts = fitting_charts(workspace, keys, _DEFAULT_CHARTS)
    summaries = workspace.metric_summaries.of_runs(
        keys[:_MOST_ROWS], list({name for chart in charts for name in chart.names})
    )
    return ChartBoard(
        charts=[_placed(page, chart, charts, drawn[:_MOST_ROWS], called, summaries) for chart in charts],
        problems=problems,
        names=names,
        runs=[_described(page, run, called[run.key]) for run in known.values()],
        selected=[run.run_id for run in chosen],
        back=_own_address(page, query_with(query, charts) if charts else query),
        topic=page.topic("runs"),
    )


def chosen_runs(workspace: Workspace, shown: Sequence[Run], selected: Sequence[str]) -> Sequence[Run]:
    """The runs of these ids; they may be among those that are shown, on other pages, or gone."""
    key_of = {run.run_id: run.key for run in shown}
    keys = [key_of.get(run_id) or workspace.runs.find_key(run_id) for run_id in dict.fromkeys(selected[:MOST_RUNS])]
    return workspace.runs.of_keys([key for key in keys if key is not None])


def fitting_charts(workspace: Workspace, keys: Sequence[int], most: int) -> Sequence[Chart]:
    """At most so many charts of the metrics that most of the runs have, those first that were logged most often."""
    common = workspace.metric_summaries.most_common(keys, most)
    return [Chart(CURVE if longest > 1 else VALUE, (Measure(name),)) for name, longest in common]


def _placed(
    page: PageRequest,
    chart: Chart,
    charts: Sequence[Chart],
    runs: Sequence[Run],
    called: Mapping[int, str],
    summaries: Mapping[tuple[int, str], MetricSummary],
) -> BoardChart:
    measures = [
        (measure.name, which)
        for measure in chart.measures
        for which in (SUMMARIES if chart.kind == CURVE else (measure.which,))
    ]
    rows = []
    for run in runs:
        found = [(summaries.get((run.key, name)), which) for name, which in measures]
        if any(summary is not None for summary, _ in found):
            rows.append(
                (
                    run,
                    called[run.key],
                    [None if summary is None else summary.measured(which) for summary, which in found],
                )
            )
    return BoardChart(
        chart=chart,
        id=sha256(str(chart).encode("utf-8", "surrogatepass")).hexdigest()[:12],
        source=page.urls.chart_data(urlencode({"chart": str(chart)})),
        removal=query_with(page.request.url.query, [other for other in charts if other != chart]),
        columns=[f"{name} ({which})" for name, which in measures],
        rows=rows,
    )


def _described(page: PageRequest, run: Run, name: str) -> Mapping[str, Any]:
    return {
        "key": run.key,
        "id": run.run_id,
        "name": name,
        "address": page.urls.run(run.run_id),
    }


def _own_address(page: PageRequest, query: str) -> str:
    return f"{page.current_path}?{query}" if query else page.current_path
