"""The views that have been saved, and what can be done with them."""

from __future__ import annotations

from starlette.responses import Response

from mlrun_cli.actions.views import check_view_name, delete_view, list_views, rename_view, save_view
from mlrun_cli.errors import UsageError, ViewChanged, ViewNotFound
from mlrun_cli.processes.host import user_name
from mlrun_cli.studio.page_request import PageRequest
from mlrun_cli.studio.runs_table.view import RunsView
from mlrun_cli.views.view import COMPARE_PAGE, RUNS_PAGE, SavedView


def show(page: PageRequest) -> Response:
    """List the views."""
    return _show(page)


def save(page: PageRequest) -> Response:
    """Save what a page shows under a name; that of another view is overwritten when its version is told too."""
    name = page.fields.get("name", "")
    kind, query = _shown(page)
    try:
        name = check_view_name(name)
        found = page.workspace.views.find(name)
        version = page.fields.get("version")
        if found is not None and str(found.version) != version:
            return _ask(page, 409, _taken(found, version), found)
        save_view(page.workspace, name, kind, query, user_name(), expected_version=found and found.version)
    except (ViewChanged, ViewNotFound) as error:
        return _ask(page, 409, error.message, page.workspace.views.find(name))
    except UsageError as error:
        return _ask(page, 400, f"{error.message} {error.hint or ''}")
    return page.redirect(_address(page, kind, query))


def rename(page: PageRequest) -> Response:
    """Give a view another name."""
    name, new_name = page.fields.get("name", ""), page.fields.get("new_name", "")
    try:
        rename_view(page.workspace, name, new_name, user_name(), expected_version=_version(page))
    except (ViewChanged, ViewNotFound) as error:
        return _show(page, 409, error.message)
    except UsageError as error:
        return _show(page, 400, f"{error.message} {error.hint or ''}")
    return page.redirect(page.urls.views())


def delete(page: PageRequest) -> Response:
    """Forget a view."""
    try:
        delete_view(page.workspace, page.fields.get("name", ""), expected_version=_version(page))
    except (ViewChanged, ViewNotFound) as error:
        return _show(page, 409, error.message)
    return page.redirect(page.urls.views())


def _show(page: PageRequest, status: int = 200, problem: str | None = None) -> Response:
    views = [(view, _address(page, view.page, view.query)) for view in list_views(page.workspace)]
    return page.render("pages/views/template.html", status, views=views, problem=problem, runs_page=RUNS_PAGE)


def _ask(page: PageRequest, status: int, problem: str, found: SavedView | None = None) -> Response:
    """The form again, with what is wrong, and how to overwrite the view that is there."""
    kind, query = _shown(page)
    return page.render(
        "pages/views/name.html",
        status,
        problem=problem,
        found=found,
        kind=kind,
        query=query,
        name=page.fields.get("name", ""),
        experiment=page.fields.get("experiment", ""),
        back=_address(page, kind, query),
    )


def _taken(found: SavedView, version: str | None) -> str:
    if version is None:
        return f"There is a view '{found.name}' already."
    return f"Somebody else has saved the view '{found.name}' meanwhile."


def _shown(page: PageRequest) -> tuple[str, str]:
    """The kind of the page that is to be saved, and its query."""
    query = page.fields.get("query", "")
    if page.fields.get("page") == COMPARE_PAGE:
        return COMPARE_PAGE, query
    return RUNS_PAGE, RunsView.parse(query).to_save().query()


def _address(page: PageRequest, kind: str, query: str) -> str:
    if kind == COMPARE_PAGE:
        return page.urls.compare(query)
    return page.urls.runs(query, page.fields.get("experiment"))


def _version(page: PageRequest) -> int:
    text = page.fields.get("version", "")
    if not (text.isascii() and text.isdigit() and len(text) < 10):
        raise UsageError("The form names no version of the view.", hint="Load the page of views anew.")
    return int(text)
