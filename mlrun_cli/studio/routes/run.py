"""A run's page: its toolbar and its details."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any
from urllib.parse import quote

from starlette.responses import Response

from mlrun_cli.actions.addresses import shown_record
from mlrun_cli.actions.attached_folders import submission_of
from mlrun_cli.actions.logs import telling_log
from mlrun_cli.actions.runs import cancel_run, get_runs
from mlrun_cli.core.urls import query_of
from mlrun_cli.runs.run import GRACE_SECONDS, Run
from mlrun_cli.studio.markdown import markdown
from mlrun_cli.studio.page import Page
from mlrun_cli.studio.run_command import command_of
from mlrun_cli.studio.run_facts import (
    environment_facts,
    fault_of,
    git_facts,
    started_line,
    status_spans,
)
from mlrun_cli.studio.view_filter import written_pair
from mlrun_cli.workspace import Workspace

TABS: Sequence[tuple[str, str]] = (
    ("details", "Details"),
    ("metrics", "Metrics"),
    ("images", "Images"),
    ("children", "Child runs"),
    ("logs", "Outputs + logs"),
    ("snapshot", "Snapshot"),
    ("json", "Raw JSON"),
)


def run_of(page: Page) -> Run:
    """The run that the address names, with its true status.

    Raises:
        RunNotFound: there is none.
    """
    return get_runs(page.workspace, [page.part("run_id")])[0]


def log_name(page: Page, run: Run) -> str:
    """The name of the log that is looked at first."""
    return telling_log(page.workspace, run).relative_to(page.workspace.run_folder(run.run_id).artifacts).as_posix()


def render_tab(page: Page, run: Run, tab: str, template: str, status: int = 200, **values: Any) -> Response:
    """A tab of a run's page within the frame that all of them have."""
    return page.render(
        template,
        status,
        run=run,
        run_topic=page.topic("run", run.run_id),
        command_line=command_of(run, submission_of(page.workspace, run)),
        tabs=TABS,
        current_tab=tab,
        **values,
    )


def show(page: Page) -> Response:
    """What there is to know of a run at a glance."""
    run = run_of(page)
    folder = page.workspace.run_folder(run.run_id)
    environment, packages = environment_facts(run, folder)
    return render_tab(
        page,
        run,
        "details",
        "run_details.html",
        spans=status_spans(page.workspace.runs.history(run.key)),
        fault=fault_of(run),
        started=started_line(run),
        git=git_facts(run),
        environment=environment,
        packages=packages,
        description=markdown(run.description) if run.description else None,
        log_name=log_name(page, run),
        filter_by=lambda name, value: _runs_like(page, run, name, value),
        pair=written_pair,
    )


def _runs_like(page: Page, run: Run, name: str, value: str) -> str:
    """The page of the experiment's runs that have this too; with child runs when this is one."""
    children = "1" if run.parent_run_id else ""
    return page.pages.experiment(run.experiment_name, query_of({name: value, "children": children}))


def show_json(page: Page) -> Response:
    """The record, as `run show` prints it."""
    run = run_of(page)
    return render_tab(page, run, "json", "run_json.html", text=_as_printed(page.workspace, run))


def send_json(page: Page) -> Response:
    """The record itself."""
    run = run_of(page)
    return Response(
        f"{_as_printed(page.workspace, run)}\n",
        headers={"content-disposition": f"attachment; filename*=utf-8''{quote(run.run_id, safe='')}.json"},
        media_type="application/json",
    )


def cancel(page: Page) -> Response:
    """Ask the run to stop: this very one, not another whose id begins like that of a run that is gone."""
    run = page.workspace.runs.get(page.part("run_id"))
    if not run.status.is_terminal:
        cancel_run(page.workspace, run, GRACE_SECONDS)
    return page.go_to(page.pages.queue() if page.fields.get("next") == "queue" else page.pages.run(run.run_id))


def _as_printed(workspace: Workspace, run: Run) -> str:
    return json.dumps(shown_record(workspace, run), indent=2, sort_keys=True, ensure_ascii=False)
