"""A new run: chosen, tried dry, and submitted."""

from __future__ import annotations

import shlex
from typing import Any

from starlette.responses import Response

from mlrun_cli.actions.attached_folders import attached_folders, folder_choices, submission_of
from mlrun_cli.actions.compute_targets import list_compute_targets
from mlrun_cli.actions.dry_run import dry_run
from mlrun_cli.actions.runs import get_runs
from mlrun_cli.actions.submit import submit
from mlrun_cli.domain.compute_target import LOCAL_TARGET
from mlrun_cli.domain.environment_mode import EnvironmentMode
from mlrun_cli.errors import MlrunError
from mlrun_cli.execution.interruptions import Interruptions
from mlrun_cli.studio.page import Page
from mlrun_cli.studio.submit_form import SubmitForm


def show(page: Page) -> Response:
    """The form: empty, with what the address has, or as it would submit a run again."""
    form = SubmitForm.typed(page.request.query_params)
    note = None
    if like := page.query("like"):
        run = get_runs(page.workspace, [like])[0]
        submission = submission_of(page.workspace, run)
        if submission is None:
            note = f"The run '{run.run_id}' was not submitted: a script opened it itself. Start that script again."
        else:
            form = SubmitForm.like(run, submission)
            note = _gone(form, submission.is_command)
    return _show(page, form, note=note)


def act(page: Page) -> Response:
    """Submit what was chosen, or show what would happen."""
    form = SubmitForm.typed(page.fields)
    try:
        request = form.request()
        if page.fields.get("do") != "submit":
            return _show(page, form, record=dry_run(page.workspace, request))
        with Interruptions() as interruptions:
            submitted = submit(page.workspace, request, interruptions)
    except MlrunError as error:
        return _show(page, form, problem=error, status=400)
    return page.go_to(page.pages.run(submitted.run.run_id))


def _show(page: Page, form: SubmitForm, status: int = 200, **values: Any) -> Response:
    folders = attached_folders(page.workspace)
    if not form.folder and len(folders) == 1:
        form = form._replace(folder=folders[0])
    shown = {"note": None, "record": None, "problem": None, **values}
    record = shown["record"]
    return page.render(
        "submit.html",
        status,
        form=form,
        folders=folders,
        choices=None if (folder := form.path()) is None else folder_choices(folder),
        targets=[LOCAL_TARGET, *(target.name for target in list_compute_targets(page.workspace))],
        experiments=[experiment.name for experiment in page.workspace.experiments.list()],
        modes=[mode.value for mode in EnvironmentMode],
        command_line=None if record is None else shlex.join(record["command_line"]),
        **shown,
    )


def _gone(form: SubmitForm, is_command: bool) -> str | None:
    folder = form.path()
    if folder is None or not folder.is_dir():
        where = f"'{form.folder}'" if form.folder else "that it was submitted from"
        return f"The folder {where} is not there any more. Its snapshot can be downloaded and attached elsewhere."
    if is_command and not form.runconfig:
        return "The run was a command without a runconfig: name a script, or write the command into a runconfig."
    return None
