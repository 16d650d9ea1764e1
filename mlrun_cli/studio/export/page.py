"""The exported page: one run with its metrics and log, or several runs side by side."""

from __future__ import annotations

import base64
import hashlib
import os
import re
from collections.abc import Mapping, Sequence
from typing import Any

from markupsafe import Markup

from mlrun_cli.actions.artifacts import open_file
from mlrun_cli.core.named_tuple import NamedTuple
from mlrun_cli.core.redaction import REDACTED, URL_SECRET
from mlrun_cli.core.time import now
from mlrun_cli.errors import NotFound
from mlrun_cli.runs.run import Run
from mlrun_cli.studio.charts.board import suggest_charts
from mlrun_cli.studio.charts.chart import STEP
from mlrun_cli.studio.charts.figure import build_chart_figure
from mlrun_cli.studio.charts.run_charts import (
    CURVE_PANEL,
    Panel,
    build_metric_figure,
    build_panel,
    build_values_grid,
)
from mlrun_cli.studio.export import svg_drawing
from mlrun_cli.studio.export.images import read_images
from mlrun_cli.studio.export.svg_drawing import Drawing, draw_figure
from mlrun_cli.studio.markdown import render_markdown
from mlrun_cli.studio.pages.compare.comparison import compare_runs
from mlrun_cli.studio.pages.run.logs.log_window import WINDOW_BYTES
from mlrun_cli.studio.pages.run.logs.terminal import Terminal
from mlrun_cli.studio.run_details import (
    compute_status_spans,
    find_failure,
    format_command_line,
    get_shown_tags,
    list_git_details,
    read_environment_details,
)
from mlrun_cli.studio.template_renderer import STATIC_FOLDER, TemplateRenderer
from mlrun_cli.workspace import Workspace

_STYLE_SHEETS = ("studio", "table", "charts", "run", "files", "compare", "export", "print")
_MAX_METRICS = 100
_MAX_ROWS = 100
_MAX_CHARTS = 12
_COLUMNS = 20


class DrawnPanel(NamedTuple):
    """The panel of a metric, with a drawing if it has a figure."""

    panel: Panel
    drawing: Drawing | None


class LogEnd(NamedTuple):
    """The last lines of a log, rendered as a terminal would show them."""

    name: str
    lines: Sequence[Markup]
    is_cut: bool


def render_page(workspace: Workspace, runs: Sequence[Run]) -> str:
    """Render the exported page of a run, or a comparison if there are several runs."""
    style = "\n".join((STATIC_FOLDER / f"{name}.css").read_text(encoding="utf-8") for name in _STYLE_SHEETS)
    digest = base64.b64encode(hashlib.sha256(style.encode("utf-8")).digest()).decode("ascii")
    policy = (
        "default-src 'none'",
        "img-src data:",
        f"style-src 'sha256-{digest}'",
        "base-uri 'none'",
        "form-action 'none'",
    )
    own = _build_run_values(workspace, runs[0]) if len(runs) == 1 else _build_comparison_values(workspace, runs)
    values = {
        "style": Markup(style),  # noqa: S704 — our own sheets
        "policy": "; ".join(policy),
        "workspace": workspace.identity,
        "exported_at": now(),
        "canvas": svg_drawing,
        **own,
    }
    return TemplateRenderer("", str).render("export/run.html" if len(runs) == 1 else "export/comparison.html", values)


def _build_run_values(workspace: Workspace, run: Run) -> Mapping[str, Any]:
    """Return the template context for the page of a single run."""
    environment, packages = read_environment_details(run, workspace.get_run_folder(run.run_id))
    summaries = workspace.metric_summaries.list(run.key, only_images=False, limit=_MAX_METRICS)
    images, image_count = read_images(workspace, run)
    return {
        "run": run,
        "tags": get_shown_tags(run),
        "spans": compute_status_spans(workspace.runs.list_status_changes(run.key)),
        "failure": find_failure(run),
        "started": format_command_line(run),
        "git": list_git_details(run),
        "parameters": [(name, each.text) for name, each in workspace.parameters.get(run.key).items()],
        "environment": environment,
        "packages": packages,
        "description": render_markdown(run.description) if run.description else None,
        "panels": [
            _draw_panel(workspace, run, build_panel(workspace, run, summary, _MAX_ROWS)) for summary in summaries
        ],
        "further_metrics": workspace.metric_summaries.count(run.key, only_images=False) - len(summaries),
        "images": images,
        "further_images": image_count - len(images),
        "log": _read_log_end(workspace, run),
    }


def _draw_panel(workspace: Workspace, run: Run, panel: Panel) -> DrawnPanel:
    if not panel.has_figure:
        return DrawnPanel(panel, None)
    figure = build_metric_figure(workspace, run, panel.summary, STEP, None, None)
    if panel.kind == CURVE_PANEL:
        panel = panel._replace(grid=build_values_grid(workspace, run, panel.summary, _MAX_ROWS))
    return DrawnPanel(panel, draw_figure(figure, {run.key: run.display_name or run.run_id}))


def _read_log_end(workspace: Workspace, run: Run) -> LogEnd | None:
    """Read the end of the script's log with credentials in URLs redacted, or return None if there is no log."""
    name = workspace.get_run_folder(run.run_id).stdout_name
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
    terminal.write(re.sub(URL_SECRET, REDACTED, data.decode("utf-8", "replace")))
    return LogEnd(name, list(terminal.iterate_lines()), start > 0)


def _build_comparison_values(workspace: Workspace, runs: Sequence[Run]) -> Mapping[str, Any]:
    """Return the template context for a comparison of runs."""
    keys = [run.key for run in runs]
    names = {run.key: run.display_name or run.run_id for run in runs}
    charts = suggest_charts(workspace, keys, _MAX_CHARTS)
    drawn = [(chart, draw_figure(build_chart_figure(workspace, runs, chart, None, None), names)) for chart in charts]
    first, others = runs[0], runs[1:]
    parts = [[first, *others[at : at + _COLUMNS - 1]] for at in range(0, len(others), _COLUMNS - 1)]
    return {
        "runs": runs,
        "charts": [(chart, shape) for chart, shape in drawn if shape is not None],
        "tables": [(part, compare_runs(workspace, part, includes_constant=True)) for part in parts],
    }
