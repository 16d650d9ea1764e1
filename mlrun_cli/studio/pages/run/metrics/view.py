"""The panels of a run's Metrics tab."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from mlrun_cli.metrics.metric import MetricSummary
from mlrun_cli.runs.run import Run
from mlrun_cli.studio.charts.chart import MAX_SMOOTHING, STEP, X_AXES
from mlrun_cli.studio.charts.metric_panel import Panel, build_panel
from mlrun_cli.studio.page_request import PageRequest

_ROWS_PER_PANEL = 20


def build_linked_panel(page: PageRequest, run: Run, summary: MetricSummary, rows: int = _ROWS_PER_PANEL) -> Panel:
    """Build a metric's panel with the URLs of its figure and of its page."""
    name = {"metric": summary.name}
    return build_panel(page.workspace, run, summary, rows)._replace(
        source=page.urls.chart_data(urlencode({"runs": run.key, **name, "over": _parse_x_axis(page)})),
        address=f"{page.urls.run(run.run_id, 'metrics')}?{urlencode(name)}",
    )


def read_drawing_options(page: PageRequest) -> dict[str, Any]:
    """Return the options of the tab's curves."""
    try:
        smoothing = min(MAX_SMOOTHING, max(0.0, float(page.query("smooth", "0"))))
    except ValueError:
        smoothing = 0.0
    is_log = "log" in page.request.query_params
    return {"over": _parse_x_axis(page), "x_axes": X_AXES, "is_log": is_log, "smoothing": smoothing}


def _parse_x_axis(page: PageRequest) -> str:
    over = page.query("over", STEP)
    return over if over in X_AXES else STEP
