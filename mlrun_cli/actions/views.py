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
    """All views, or those of a page, by name."""
    return [view for view in workspace.views.list() if page in {None, view.page}]


def get_view(workspace: Workspace, name: str) -> SavedView:
    """The view of this name.

    Raises:
        ViewNotFound: there is none.
    """
    found = workspace.views.find(name)
    if found is None:
        raise ViewNotFound(name)
    return found


def save_view(
    workspace: Workspace, name: str, page: str, query: str, author: str, *, expected_version: int | None = None
) -> SavedView:
    """Save what a page shows under a name.

    Args:
        workspace: where to.
        name: 1 to 100 printable characters.
        page: one of `VIEW_PAGES`.
        query: the query string of the page's address.
        author: who saves it.
        expected_version: the version to overwrite; None for a new view.

    Raises:
        UsageError: the name or the query is not valid, or a new view was to have the name of another.
        ViewChanged: somebody else has changed it since.
        ViewNotFound: somebody else has deleted or renamed it since.
    """
    name = check_view_name(name)
    _check_query(page, query)
    with workspace.transaction():
        if expected_version is None:
            if not workspace.views.add(name, page, query, author):
                raise _taken(name)
        elif not workspace.views.replace(name, expected_version, page, query, author):
            raise _changed(workspace, name)
    return get_view(workspace, name)


def rename_view(workspace: Workspace, name: str, new_name: str, author: str, *, expected_version: int) -> SavedView:
    """Give a view another name.

    Raises:
        UsageError: the new name is not valid or is another view's.
        ViewChanged: somebody else has changed it since.
        ViewNotFound: there is none, or not any more.
    """
    new_name = check_view_name(new_name)
    with workspace.transaction():
        if new_name != name and workspace.views.find(new_name) is not None:
            raise _taken(new_name)
        if not workspace.views.rename(name, expected_version, new_name, author):
            raise _changed(workspace, name)
    return get_view(workspace, new_name)


def delete_view(workspace: Workspace, name: str, *, expected_version: int) -> None:
    """Delete a view.

    Raises:
        ViewChanged: somebody else has changed it since.
        ViewNotFound: there is none, or not any more.
    """
    with workspace.transaction():
        if not workspace.views.delete(name, expected_version):
            raise _changed(workspace, name)


def check_view_name(name: str) -> str:
    """The name without the spaces around it.

    Raises:
        UsageError: it is empty, longer than 100 characters, or holds one that cannot be printed.
    """
    name = name.strip()
    why = None
    if not name:
        why = "it is empty"
    elif len(name) > MAX_NAME_CHARACTERS:
        why = f"it has {len(name)} characters, {MAX_NAME_CHARACTERS} are allowed"
    elif not name.isprintable():
        why = "it holds a character that cannot be printed"
    if why is not None:
        shown = name if len(name) <= 60 else f"{name[:60]}…"
        quoted = f"'{shown}'" if shown.isprintable() else ascii(shown)
        raise InvalidName(
            f"{quoted} is not a name for a view: {why}.", hint="Use a short name in plain text.", target=name
        )
    return name


def _check_query(page: str, query: str) -> None:
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


def _taken(name: str) -> UsageError:
    return AlreadyExists(
        f"The view '{name}' already exists.", hint="Overwrite it, or choose another name.", target=name
    )


def _changed(workspace: Workspace, name: str) -> ViewChanged | ViewNotFound:
    """Why a change of a view was refused."""
    found = workspace.views.find(name)
    return ViewNotFound(name) if found is None else ViewChanged(name, found.author)
