"""The form to submit a sweep or a pipeline again: show it, and submit it."""

from __future__ import annotations

import os
from typing import Any

from starlette.responses import Response

from mlrun_cli.actions.compute_targets import list_target_names
from mlrun_cli.errors import MlrunError
from mlrun_cli.pipelines.run_types import PIPELINE_RUN
from mlrun_cli.processes.interruptions import Interruptions
from mlrun_cli.runs.run import Run
from mlrun_cli.studio.page_request import PageRequest
from mlrun_cli.studio.pages.submit.rerun_form import RerunForm
from mlrun_cli.submit.pipeline import read_pipeline_plan
from mlrun_cli.submit.pipeline_rerun import build_pipeline_rerun
from mlrun_cli.submit.rerun import RerunChanges
from mlrun_cli.submit.sweep_rerun import build_sweep_rerun
from mlrun_cli.wire.bookkeeping_tags import SWEEP_RUN


def is_rerun_by_this_form(run: Run) -> bool:
    """Return whether a run is a sweep or a pipeline, rather than one with a script of its own."""
    return run.controller is not None and run.run_type in {SWEEP_RUN, PIPELINE_RUN}


def show_rerun(page: PageRequest, run: Run) -> Response:
    """Show the form that submits a sweep or a pipeline again.

    Raises:
        MlrunError: files of the run are gone or damaged.
    """
    form = RerunForm.from_run(page.workspace, run)
    try:
        _build(page, run, RerunChanges())
    except MlrunError as error:
        return _show_form(page, run, form, note=error.one_line)
    return _show_form(page, run, form)


def handle_rerun(page: PageRequest, run: Run) -> Response:
    """Submit a sweep or a pipeline again and redirect to the new run, or show the form with an error."""
    form = RerunForm.from_fields(page.fields)
    try:
        changes = form.build_changes(RerunForm.from_run(page.workspace, run))
        rerun = form.describe(_build(page, run, changes))
        with Interruptions() as interruptions:
            submitted = rerun.submit(page.workspace, interruptions)
    except MlrunError as error:
        return _show_form(page, run, form, problem=error, status=400)
    return page.redirect(page.urls.run(submitted.run.run_id))


def _build(page: PageRequest, run: Run, changes: RerunChanges) -> Any:
    build = build_pipeline_rerun if run.run_type == PIPELINE_RUN else build_sweep_rerun
    return build(page.workspace, run, dict(os.environ), changes)


def _show_form(page: PageRequest, run: Run, form: RerunForm, status: int = 200, **values: Any) -> Response:
    is_pipeline = run.run_type == PIPELINE_RUN
    graph = read_pipeline_plan(page.workspace.run_folder(run.run_id)).graph if is_pipeline else None
    return page.render(
        "pages/submit/rerun_template.html",
        status,
        run=run,
        form=form,
        is_pipeline=is_pipeline,
        parameters=[] if graph is None else [(name, one.kind) for name, one in graph.parameters.items()],
        targets=list_target_names(page.workspace),
        **{"note": None, "problem": None, "problem_field": None, **values},
    )
