"""The page: one run with what it has logged and printed, or several runs side by side."""

from __future__ import annotations

import base64
import hashlib
import os
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from markupsafe import Markup

from mlrun_cli.actions.artifacts import open_file
from mlrun_cli.core.redaction import REDACTED, URL_SECRET
from mlrun_cli.core.time import now
from mlrun_cli.errors import NotFound
from mlrun_cli.runs.run import Run
from mlrun_cli.studio.charts.board import fitting_charts
from mlrun_cli.studio.charts.chart import STEP
from mlrun_cli.studio.charts.figure import figure_of_chart
from mlrun_cli.studio.charts.metric_panel import CURVE_PANEL, PLOT_PANEL, Panel, figure_of_metric, panel_of, values_grid
from mlrun_cli.studio.export import svg_drawing
from mlrun_cli.studio.export.images import pictures_of
from mlrun_cli.studio.export.svg_drawing import Drawing, drawing_of
from mlrun_cli.studio.markdown import render_markdown
from mlrun_cli.studio.pages.compare.comparison import compare
from mlrun_cli.studio.pages.run.logs.log_window import WINDOW_BYTES
from mlrun_cli.studio.pages.run.logs.terminal import Terminal
from mlrun_cli.studio.run_facts import environment_facts, fault_of, git_facts, started_line, status_spans
from mlrun_cli.studio.template_renderer import STATIC_FOLDER, TemplateRenderer
from mlrun_cli.workspace import Workspace

_SHEETS = ("studio", "table", "charts", "run", "files", "compare", "export")
_MOST_METRICS = 100
_MOST_ROWS = 100
_MOST_CHARTS = 12
_COLUMNS = 20


class DrawnPanel(NamedTuple):
    """A metric of a run, with the drawing of those that have one."""

    panel: Panel
    drawing: Drawing | None


class LogEnd(NamedTuple):
    """The last lines of a log, as a terminal would show them."""

    name: str
    lines: Sequence[Markup]
    is_cut: bool


def page_of(workspace: Workspace, runs: Sequence[Run]) -> str:
    """The page of a run, or of several."""
    style = "\n".join((STATIC_FOLDER / f"{name}.css").read_text(encoding="utf-8") for name in _SHEETS)
    digest = base64.b64encode(hashlib.sha256(style.encode("utf-8")).digest()).decode("ascii")
    policy = (
        "default-src 'none'",
        "img-src data:",
        f"style-src 'sha256-{digest}'",
        "base-uri 'none'",
        "form-action 'none'",
    )
    own = _run(workspace, runs[0]) if len(runs) == 1 else _comparison(workspace, runs)
    values = {
        "style": Markup(style),  # noqa: S704 — our own sheets
        "policy": "; ".join(policy),
        "workspace": workspace.identity,
        "exported_at": now(),
        "canvas": svg_drawing,
        **own,
    }
    return TemplateRenderer("", str).render("export/run.html" if len(runs) == 1 else "export/comparison.html", values)


def _run(workspace: Workspace, run: Run) -> Mapping[str, Any]:
    environment, packages = environment_facts(run, workspace.run_folder(run.run_id))
    summaries = workspace.metric_summaries.list(run.key, only_images=False, limit=_MOST_METRICS)
    pictures, picture_count = pictures_of(workspace, run)
    return {
        "run": run,
        "spans": status_spans(workspace.runs.history(run.key)),
        "fault": fault_of(run),
        "started": started_line(run),
        "git": git_facts(run),
        "environment": environment,
        "packages": packages,
        "description": render_markdown(run.description) if run.description else None,
        "panels": [_drawn(workspace, run, panel_of(workspace, run, summary, _MOST_ROWS)) for summary in summaries],
        "further_metrics": workspace.metric_summaries.count(run.key, only_images=False) - len(summaries),
        "pictures": pictures,
        "further_pictures": picture_count - len(pictures),
        "log": _log_end(workspace, run),
    }


def _drawn(workspace: Workspace, run: Run, panel: Panel) -> DrawnPanel:
    if panel.kind not in {CURVE_PANEL, PLOT_PANEL}:
        return DrawnPanel(panel, None)
    figure = figure_of_metric(workspace, run, panel.summary, STEP, None, None)
    if panel.kind == CURVE_PANEL:
        panel = panel._replace(grid=values_grid(workspace, run, panel.summary, _MOST_ROWS))
    return DrawnPanel(panel, drawing_of(figure, {run.key: run.display_name or run.run_id}))


def _log_end(workspace: Workspace, run: Run) -> LogEnd | None:
    """The end of what the script has printed; without what an address in it would give away."""
    name = workspace.run_folder(run.run_id).stdout_name
    try:
        descriptor = open_file(workspace, run, name)
    except NotFound:
        return None
    try:
        start = max(0, os.fstat(descriptor).st_size - WINDOW_BYTES)
        data = os.pread(descriptor, WINDOW_BYTES, start)
    finally:
        os.close(descriptor)
    if start:
        data = data[data.find(b"\n") + 1 :]
    terminal = Terminal()
    terminal.feed(URL_SECRET.sub(REDACTED, data.decode("utf-8", "replace")))
    return LogEnd(name, list(terminal.lines()), start > 0)


def _comparison(workspace: Workspace, runs: Sequence[Run]) -> Mapping[str, Any]:
    keys = [run.key for run in runs]
    names = {run.key: run.display_name or run.run_id for run in runs}
    charts = fitting_charts(workspace, keys, _MOST_CHARTS)
    drawn = [(chart, drawing_of(figure_of_chart(workspace, runs, chart, None, None), names)) for chart in charts]
    first, others = runs[0], runs[1:]
    parts = [[first, *others[at : at + _COLUMNS - 1]] for at in range(0, len(others), _COLUMNS - 1)]
    return {
        "runs": runs,
        "charts": [(chart, shape) for chart, shape in drawn if shape is not None],
        "tables": [(part, compare(workspace, part, with_constant=True)) for part in parts],
    }
