"""The form to submit a sweep or a pipeline again: show it, and submit it."""

from __future__ import annotations

import os
from typing import Any

from starlette.responses import Response

from mlrun_cli.actions.compute_targets import list_target_names
from mlrun_cli.errors import MlrunError
from mlrun_cli.pipelines.plan import read_pipeline_plan
from mlrun_cli.pipelines.run_types import PIPELINE_RUN
from mlrun_cli.processes.interruptions import Interruptions
from mlrun_cli.runs.run import Run
from mlrun_cli.studio.page_request import PageRequest
from mlrun_cli.studio.pages.submit.rerun_form import RerunForm
from mlrun_cli.submit.pipeline_rerun import build_pipeline_rerun
from mlrun_cli.submit.rerun import RerunChanges
from mlrun_cli.submit.sweep_rerun import build_sweep_rerun
from mlrun_cli.wire.bookkeeping_tags import SWEEP_RUN


def uses_rerun_form(run: Run) -> bool:
    """Return whether a run is resubmitted with the rerun form, as sweeps and pipelines are."""
    return run.controller is not None and run.run_type in {SWEEP_RUN, PIPELINE_RUN}


def show_rerun_form(page: PageRequest, run: Run) -> Response:
    """Show the form for resubmitting a sweep or a pipeline.

    Raises:
        MlrunError: files of the run are gone or damaged.
    """
    form = RerunForm.from_run(page.workspace, run)
    try:
        _build_rerun(page, run, RerunChanges())
    except MlrunError as error:
        return _show_form(page, run, form, note=error.one_line)
    return _show_form(page, run, form)


def submit_rerun_form(page: PageRequest, run: Run) -> Response:
    """Submit a sweep or a pipeline again and redirect to the new run, or show the form with an error."""
    form = RerunForm.from_fields(page.fields)
    try:
        changes = form.build_changes(RerunForm.from_run(page.workspace, run))
        rerun = form.apply_name_and_tags(_build_rerun(page, run, changes))
        with Interruptions() as interruptions:
            submitted = rerun.submit(page.workspace, interruptions)
    except MlrunError as error:
        return _show_form(page, run, form, problem=error, status=400)
    return page.redirect(page.urls.run(submitted.run.run_id))


def _build_rerun(page: PageRequest, run: Run, changes: RerunChanges) -> Any:
    """Return the rerun of a sweep or a pipeline with the given changes."""
    build = build_pipeline_rerun if run.run_type == PIPELINE_RUN else build_sweep_rerun
    return build(page.workspace, run, dict(os.environ), changes)


def _show_form(page: PageRequest, run: Run, form: RerunForm, status: int = 200, **values: Any) -> Response:
    is_pipeline = run.run_type == PIPELINE_RUN
    graph = read_pipeline_plan(page.workspace.get_run_folder(run.run_id)).graph if is_pipeline else None
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
