"""The routes of a run's Details tab, and of cancelling a run."""

from __future__ import annotations

from starlette.responses import Response

from mlrun_cli.actions.run_ends import cancel_run
from mlrun_cli.runs.cancellation import GRACE_SECONDS
from mlrun_cli.runs.filter import format_tag_filter
from mlrun_cli.runs.parameter_filter import format_equality
from mlrun_cli.runs.resources import describe_resources, read_resources
from mlrun_cli.runs.run import Run
from mlrun_cli.serving.urls import build_query
from mlrun_cli.studio.markdown import render_markdown
from mlrun_cli.studio.page_request import PageRequest
from mlrun_cli.studio.pages.run.tabs import get_main_log_name, get_requested_run, render_tab
from mlrun_cli.studio.run_details import (
    compute_status_spans,
    find_failure,
    format_command_line,
    get_shown_tags,
    list_attempt_details,
    list_git_details,
    read_environment_details,
)


def show(page: PageRequest) -> Response:
    """Show the details of a run."""
    run = get_requested_run(page)
    folder = page.workspace.get_run_folder(run.run_id)
    environment, packages = read_environment_details(run, folder)
    resources = read_resources(folder)
    return render_tab(
        page,
        run,
        "details",
        "pages/run/details/template.html",
        spans=compute_status_spans(page.workspace.runs.list_status_changes(run.key)),
        failure=find_failure(run),
        started=format_command_line(run),
        attempts=list_attempt_details(run),
        git=list_git_details(run),
        resources=None if resources is None else describe_resources(resources),
        environment=environment,
        packages=packages,
        description=render_markdown(run.description) if run.description else None,
        log_name=get_main_log_name(page, run),
        filter_by=lambda name, value: _build_similar_runs_url(page, run, name, value),
        tags=get_shown_tags(run),
        pair=format_tag_filter,
        parameters=page.workspace.parameters.get(run.key),
        equality=format_equality,
    )


def cancel(page: PageRequest) -> Response:
    """Cancel the run unless it has ended, and redirect to its page or to the queue.

    The id must match exactly: a prefix could match another run after this one has been deleted.
    """
    run = page.workspace.runs.get(page.get_path_parameter("run_id"))
    if not run.status.is_terminal:
        cancel_run(page.workspace, run, GRACE_SECONDS)
    return page.redirect(page.urls.queue() if page.fields.get("next") == "queue" else page.urls.run(run.run_id))


def _build_similar_runs_url(page: PageRequest, run: Run, filter_name: str, filter_value: str) -> str:
    """Return the URL of the experiment's runs that match a filter, including child runs if the run is one."""
    children = "1" if run.parent_run_id else ""
    return page.urls.experiment(run.experiment_name, build_query({filter_name: filter_value, "children": children}))
