"""The routes of the list of saved views, and of the actions on views."""

from __future__ import annotations

from starlette.responses import Response

from mlrun_cli.actions.views import delete_view, list_views, normalize_view_name, rename_view, save_view
from mlrun_cli.errors import AlreadyExists, MlrunError, UsageError, ViewChanged, ViewNotFound
from mlrun_cli.processes.host import get_user_name
from mlrun_cli.studio.forms import InvalidForm
from mlrun_cli.studio.page_request import PageRequest
from mlrun_cli.studio.runs_table.view import RunsView
from mlrun_cli.views.view import COMPARE_PAGE, RUNS_PAGE, SavedView


def show(page: PageRequest) -> Response:
    """Show the list of saved views."""
    return _show_views(page)


def save(page: PageRequest) -> Response:
    """Save the state of a page as a view; replace an existing view only if the form has its current version."""
    name = page.fields.get("name", "")
    kind, query = _parse_view(page)
    try:
        name = normalize_view_name(name)
        found = page.workspace.views.find(name)
        version = page.fields.get("version")
        if found is not None and str(found.version) != version:
            return _show_name_form(page, 409, _create_conflict_error(found, version), found)
        save_view(page.workspace, name, kind, query, get_user_name(), expected_version=found and found.version)
    except (ViewChanged, ViewNotFound) as error:
        return _show_name_form(page, 409, error, page.workspace.views.find(name))
    except UsageError as error:
        return _show_name_form(page, 400, error)
    return page.redirect(_build_view_url(page, kind, query))


def rename(page: PageRequest) -> Response:
    """Rename a saved view and redirect to the list."""
    name, new_name = page.fields.get("name", ""), page.fields.get("new_name", "")
    try:
        rename_view(page.workspace, name, new_name, get_user_name(), expected_version=_parse_version(page))
    except (ViewChanged, ViewNotFound) as error:
        return _show_views(page, 409, error)
    except UsageError as error:
        return _show_views(page, 400, error)
    return page.redirect(page.urls.views())


def delete(page: PageRequest) -> Response:
    """Delete a saved view and redirect to the list."""
    try:
        delete_view(page.workspace, page.fields.get("name", ""), expected_version=_parse_version(page))
    except (ViewChanged, ViewNotFound) as error:
        return _show_views(page, 409, error)
    return page.redirect(page.urls.views())


def _show_views(page: PageRequest, status: int = 200, problem: MlrunError | None = None) -> Response:
    views = [(view, _build_view_url(page, view.page, view.query)) for view in list_views(page.workspace)]
    return page.render("pages/views/template.html", status, views=views, problem=problem, runs_page=RUNS_PAGE)


def _show_name_form(
    page: PageRequest, status: int, problem: MlrunError, existing_view: SavedView | None = None
) -> Response:
    """Show the form again with an error, and with the option to replace an existing view, if any."""
    kind, query = _parse_view(page)
    return page.render(
        "pages/views/name.html",
        status,
        problem=problem,
        found=existing_view,
        kind=kind,
        query=query,
        name=page.fields.get("name", ""),
        experiment=page.fields.get("experiment", ""),
        back=_build_view_url(page, kind, query),
    )


def _create_conflict_error(existing_view: SavedView, version: str | None) -> MlrunError:
    if version is None:
        return AlreadyExists(f"There is a view '{existing_view.name}' already.", target=existing_view.name)
    return ViewChanged(existing_view.name, existing_view.author)


def _parse_view(page: PageRequest) -> tuple[str, str]:
    """Return the kind of the page to save and its query string."""
    query = page.fields.get("query", "")
    if page.fields.get("page") == COMPARE_PAGE:
        return COMPARE_PAGE, query
    return RUNS_PAGE, RunsView.parse(query).to_saved_view().to_query()


def _build_view_url(page: PageRequest, kind: str, query: str) -> str:
    if kind == COMPARE_PAGE:
        return page.urls.comparison(query)
    return page.urls.runs(query, page.fields.get("experiment"))


def _parse_version(page: PageRequest) -> int:
    text = page.fields.get("version", "")
    if not (text.isascii() and text.isdigit() and len(text) < 10):
        raise InvalidForm("The form has no version of the view.", 400, hint="Reload the page of views.")
    return int(text)
