"""The routes of a run's Raw JSON tab."""

from __future__ import annotations

import json
from urllib.parse import quote

from starlette.responses import Response

from mlrun_cli.actions.studio_urls import build_run_show_record
from mlrun_cli.runs.run import Run
from mlrun_cli.studio.page_request import PageRequest
from mlrun_cli.studio.pages.run.tabs import get_requested_run, render_tab
from mlrun_cli.workspace import Workspace


def show(page: PageRequest) -> Response:
    """Show the record of a run, like `run show`."""
    run = get_requested_run(page)
    text = _format_record(page.workspace, run)
    return render_tab(page, run, "json", "pages/run/raw_json/template.html", text=text)


def send_record(page: PageRequest) -> Response:
    """Send the record of a run as a JSON file."""
    run = get_requested_run(page)
    return Response(
        f"{_format_record(page.workspace, run)}\n",
        headers={"content-disposition": f"attachment; filename*=utf-8''{quote(run.run_id, safe='')}.json"},
        media_type="application/json",
    )


def _format_record(workspace: Workspace, run: Run) -> str:
    return json.dumps(build_run_show_record(workspace, run), indent=2, sort_keys=True, ensure_ascii=False)
