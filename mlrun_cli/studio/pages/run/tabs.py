"""The frame of a run's page, with its toolbar and tabs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from starlette.responses import Response

from mlrun_cli.actions.attached_folders import read_submission
from mlrun_cli.actions.logs import find_decisive_log
from mlrun_cli.actions.runs import get_runs
from mlrun_cli.pipelines.run_types import PIPELINE_RUN, STEP_RUN
from mlrun_cli.runs.run import Run
from mlrun_cli.studio.page_request import PageRequest
from mlrun_cli.studio.pages.run.resubmit_command import build_resubmit_command
from mlrun_cli.wire.bookkeeping_tags import SWEEP_RUN

TABS: Sequence[tuple[str, str]] = (
    ("details", "Details"),
    ("sweep", "Sweep"),
    ("graph", "Graph"),
    ("step", "Step"),
    ("metrics", "Metrics"),
    ("images", "Images"),
    ("children", "Child runs"),
    ("logs", "Outputs + logs"),
    ("snapshot", "Snapshot"),
    ("json", "Raw JSON"),
)

_RUN_TYPES = {"sweep": SWEEP_RUN, "graph": PIPELINE_RUN, "step": STEP_RUN}
"""The types of runs that a tab is for; other tabs are for all runs."""


def get_requested_run(page: PageRequest) -> Run:
    """Return the run in the URL, with its status reconciled.

    Raises:
        RunNotFound: the run does not exist.
    """
    return get_runs(page.workspace, [page.get_path_parameter("run_id")])[0]


def get_main_log_name(page: PageRequest, run: Run) -> str:
    """Return the name of the log to show first, as a path relative to the run's files."""
    return (
        find_decisive_log(page.workspace, run)
        .relative_to(page.workspace.get_run_folder(run.run_id).artifacts)
        .as_posix()
    )


def _has_tab(run: Run, tab: str) -> bool:
    return run.run_type == _RUN_TYPES.get(tab, run.run_type)


def render_tab(page: PageRequest, run: Run, tab: str, template: str, status: int = 200, **values: Any) -> Response:
    """Render a tab of a run's page in the frame shared by all tabs."""
    return page.render(
        template,
        status,
        run=run,
        run_topic=page.build_topic("run", run.run_id),
        command_line=build_resubmit_command(run, read_submission(page.workspace, run)),
        tabs=[(name, title) for name, title in TABS if name == tab or _has_tab(run, name)],
        current_tab=tab,
        can_be_resubmitted=run.run_type != STEP_RUN,
        **values,
    )
