"""List, save, rename and delete the views of a workspace."""

from __future__ import annotations

from collections.abc import Sequence

from mlrun_cli.core.names import check_text
from mlrun_cli.errors import (
    AlreadyExists,
    InvalidName,
    InvalidValue,
    LimitExceeded,
    UsageError,
    ViewChanged,
    ViewNotFound,
)
from mlrun_cli.views.view import VIEW_PAGES, SavedView
from mlrun_cli.workspace import Workspace

MAX_NAME_CHARACTERS = 100
MAX_QUERY_BYTES = 16_384


def list_views(workspace: Workspace, page: str | None = None) -> Sequence[SavedView]:
    """Return the views of a page, or all views, sorted by name."""
    return [view for view in workspace.views.list() if page in {None, view.page}]


def get_view(workspace: Workspace, name: str) -> SavedView:
    """Return the view with this name.

    Raises:
        ViewNotFound: it does not exist.
    """
    found = workspace.views.find(name)
    if found is None:
        raise ViewNotFound(name)
    return found


def save_view(
    workspace: Workspace, name: str, page: str, query: str, author: str, *, expected_version: int | None = None
) -> SavedView:
    """Save the current state of a page as a view and return the view.

    Args:
        workspace: the workspace of the view.
        name: 1 to 100 printable characters.
        page: one of `VIEW_PAGES`.
        query: the query string of the page's URL.
        author: the user.
        expected_version: the version to replace; None for a new view.

    Raises:
        UsageError: the name or the query is not valid, or a new view has the name of another.
        ViewChanged: another user has changed it since.
        ViewNotFound: another user has deleted or renamed it since.
    """
    name = normalize_view_name(name)
    _check_page_and_query(page, query)
    with workspace.transaction():
        if expected_version is None:
            if not workspace.views.add(name, page, query, author):
                raise _build_name_error(name)
        elif not workspace.views.replace(name, expected_version, page, query, author):
            raise _build_conflict_error(workspace, name)
    return get_view(workspace, name)


def rename_view(workspace: Workspace, name: str, new_name: str, author: str, *, expected_version: int) -> SavedView:
    """Rename a view, unless another user has changed it since the expected version, and return it.

    Raises:
        UsageError: the new name is not valid, or taken.
        ViewChanged: another user has changed it since.
        ViewNotFound: it does not exist, or no longer.
    """
    new_name = normalize_view_name(new_name)
    with workspace.transaction():
        if new_name != name and workspace.views.find(new_name) is not None:
            raise _build_name_error(new_name)
        if not workspace.views.rename(name, expected_version, new_name, author):
            raise _build_conflict_error(workspace, name)
    return get_view(workspace, new_name)


def delete_view(workspace: Workspace, name: str, *, expected_version: int) -> None:
    """Delete a view, unless another user has changed it since the expected version.

    Raises:
        ViewChanged: another user has changed it since.
        ViewNotFound: it does not exist, or no longer.
    """
    with workspace.transaction():
        if not workspace.views.delete(name, expected_version):
            raise _build_conflict_error(workspace, name)


def normalize_view_name(name: str) -> str:
    """Validate the name of a view and return it without surrounding spaces.

    Raises:
        UsageError: it is empty, too long, or has unprintable characters.
    """
    name = name.strip()
    reason = None
    if not name:
        reason = "it is empty"
    elif len(name) > MAX_NAME_CHARACTERS:
        reason = f"it has {len(name)} characters, {MAX_NAME_CHARACTERS} are allowed"
    elif not name.isprintable():
        reason = "it holds a character that cannot be printed"
    if reason is not None:
        shown = name if len(name) <= 60 else f"{name[:60]}…"
        quoted = f"'{shown}'" if shown.isprintable() else ascii(shown)
        raise InvalidName(
            f"{quoted} is not a name for a view: {reason}.", hint="Use a short name in plain text.", target=name
        )
    return name


def _check_page_and_query(page: str, query: str) -> None:
    if page not in VIEW_PAGES:
        raise InvalidValue(
            f"'{page}' is not a page that has views.", hint=f"Use {' or '.join(VIEW_PAGES)}.", target="page"
        )
    check_text("the query of the view", query)
    size = len(query.encode())
    if size > MAX_QUERY_BYTES:
        raise LimitExceeded(
            f"The view is too long to be saved: its query has {size} bytes; {MAX_QUERY_BYTES} are allowed.",
            hint="Show fewer columns, charts or chosen runs.",
        )


def _build_name_error(name: str) -> UsageError:
    return AlreadyExists(
        f"The view '{name}' already exists.", hint="Overwrite it, or choose another name.", target=name
    )


def _build_conflict_error(workspace: Workspace, name: str) -> ViewChanged | ViewNotFound:
    """Return the error for a view that another user has changed or deleted in the meantime."""
    found = workspace.views.find(name)
    return ViewNotFound(name) if found is None else ViewChanged(name, found.author)
