"""The routes of the form for a new run: show it, dry-run it and submit it."""

from __future__ import annotations

import os
import shlex
from typing import Any

from starlette.responses import Response

from mlrun_cli.actions.attached_folders import (
    FolderChoices,
    list_attached_folders,
    read_folder_choices,
    read_submission,
)
from mlrun_cli.actions.compute_targets import list_target_names
from mlrun_cli.actions.runs import get_predecessor, get_runs
from mlrun_cli.environments.mode import EnvironmentMode
from mlrun_cli.errors import InvalidValue, MlrunError
from mlrun_cli.processes.interruptions import Interruptions
from mlrun_cli.runs.run import Run
from mlrun_cli.studio.page_request import PageRequest
from mlrun_cli.studio.pages.submit.rerun_route import show_rerun_form, submit_rerun_form, uses_rerun_form
from mlrun_cli.studio.pages.submit.source_changes import SourceChanges, compare_with_snapshot
from mlrun_cli.studio.pages.submit.submit_form import FOLDER, SNAPSHOT, SubmitForm
from mlrun_cli.submit.dry_run import dry_run
from mlrun_cli.submit.earlier_runs import EarlierRun, get_submission, load_earlier_run
from mlrun_cli.submit.rerun import describe_folder_obstacle
from mlrun_cli.submit.submit import submit


def show(page: PageRequest) -> Response:
    """Show the form with the values from the URL, or filled in to resubmit a run."""
    form = SubmitForm.from_fields(page.request.query_params)
    if not form.like:
        return _show_form(page, form)
    run = get_runs(page.workspace, [form.like])[0]
    if uses_rerun_form(run):
        try:
            return show_rerun_form(page, run)
        except MlrunError as error:
            return _show_form(page, form._replace(like=""), note=error.one_line)
    submission = read_submission(page.workspace, run)
    if submission is None:
        try:
            submission = get_submission(page.workspace, run)
        except MlrunError as error:
            return _show_form(page, form._replace(like=""), note=error.one_line)
    form = SubmitForm.from_run(run, submission)
    obstacle = describe_folder_obstacle(submission)
    try:
        load_earlier_run(page.workspace, run)
    except MlrunError as error:
        note = " ".join(filter(None, (error.message, error.hint, obstacle)))
        return _show_form(page, form._replace(source=FOLDER), note=note, problem=form.find_secret_error())
    warning = f"Of the folder as it is now: {obstacle}" if obstacle else None
    return _show_form(page, form._replace(source=SNAPSHOT), note=warning, problem=form.find_secret_error())


def submit_form(page: PageRequest) -> Response:
    """Submit the form and redirect to the new run, or show the form again with a dry run, choices or an error."""
    form = SubmitForm.from_fields(page.fields)
    if form.like and page.workspace.runs.find_key(form.like) is not None:
        run = page.workspace.runs.get(form.like)
        if uses_rerun_form(run):
            return submit_rerun_form(page, run)
    try:
        if page.fields.get("do") == "choices":
            form.resolve_folder()
            return _show_form(page, form)
        request = form.build_request(_find_earlier_run(page, form))
        if form.after:
            request = request._replace(predecessor=_get_predecessor(page, form.after))
        if page.fields.get("do") != "submit":
            return _show_form(page, form, record=dry_run(page.workspace, request))
        with Interruptions() as interruptions:
            submitted = submit(page.workspace, request, interruptions)
    except MlrunError as error:
        return _show_form(page, form, problem=error, status=400)
    return page.redirect(page.urls.run(submitted.run.run_id))


def _get_predecessor(page: PageRequest, run_id: str) -> Run:
    """Return the run after which the new one starts.

    Raises:
        InvalidValue: there is none, or it has ended otherwise; the message starts with the field's label.
    """
    try:
        return get_predecessor(page.workspace, run_id)
    except MlrunError as error:
        raise InvalidValue(f"After: {error.message}", hint=error.hint) from error


def _find_earlier_run(page: PageRequest, form: SubmitForm) -> EarlierRun | None:
    """Return the run whose snapshot the form uses, or None if it uses the folder."""
    if not form.like or form.source != SNAPSHOT:
        return None
    return load_earlier_run(page.workspace, get_runs(page.workspace, [form.like])[0])


def _show_form(page: PageRequest, form: SubmitForm, status: int = 200, **values: Any) -> Response:
    folders = list_attached_folders(page.workspace)
    if not form.folder and len(folders) == 1:
        form = form._replace(folder=folders[0])
    shown = {"note": None, "record": None, "problem": None, **values}
    record, problem = shown["record"], shown["problem"]
    return page.render(
        "pages/submit/template.html",
        status,
        form=form,
        folders=folders,
        choices=_list_folder_choices(form),
        changes=_find_changes(page, form),
        problem_field=None if problem is None else form.find_invalid_field(problem),
        targets=list_target_names(page.workspace),
        experiments=[experiment.name for experiment in page.workspace.experiments.list()],
        modes=[mode.value for mode in EnvironmentMode],
        command_line=None if record is None else shlex.join(record["command_line"]),
        **shown,
    )


def _find_changes(page: PageRequest, form: SubmitForm) -> SourceChanges | None:
    """Return the changes in the folder since the resubmitted run's snapshot, or None for a new run."""
    return compare_with_snapshot(page.workspace, form.like, form.find_source_path()) if form.like else None


def _list_folder_choices(form: SubmitForm) -> FolderChoices | None:
    """Return the runconfigs and scripts in the form's folder, or None if the form has no valid folder."""
    folder, source = form.find_folder_path(), form.find_source_path()
    if folder is None or source is None or not os.path.isdir(source):
        return None
    choices = read_folder_choices(folder)
    return choices if source == folder else choices._replace(scripts=read_folder_choices(source).scripts)
