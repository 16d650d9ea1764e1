from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from mlrun_cli.actions.views import delete_view, get_view, list_views, rename_view, save_view
from mlrun_cli.core.redaction import Redactor
from mlrun_cli.errors import AlreadyExists, UsageError, ViewChanged, ViewNotFound
from mlrun_cli.views.view import COMPARE_PAGE, RUNS_PAGE
from mlrun_cli.workspace import Workspace
from mlrun_cli.workspace_locator import WorkspaceIdentity, locate_workspace

IDENTITY = WorkspaceIdentity("s", "g", "w")


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "home"


@pytest.fixture
def workspace(home: Path) -> Iterator[Workspace]:
    with Workspace.open(locate_workspace(home, IDENTITY), create=True, redactor=Redactor()) as opened:
        yield opened


def test_the_later_of_two_who_save_a_view_is_told(workspace: Workspace, home: Path) -> None:
    seen = save_view(workspace, "mine", RUNS_PAGE, "a=1", "ann")
    with Workspace.open(locate_workspace(home, IDENTITY), create=False, redactor=Redactor()) as other:
        save_view(other, "mine", COMPARE_PAGE, "a=2", "ben", expected_version=seen.version)

    with pytest.raises(ViewChanged, match=r"\bben\b"):
        save_view(workspace, "mine", RUNS_PAGE, "a=3", "ann", expected_version=seen.version)
    with pytest.raises(ViewChanged):
        rename_view(workspace, "mine", "yours", "ann", expected_version=seen.version)
    with pytest.raises(ViewChanged):
        delete_view(workspace, "mine", expected_version=seen.version)
    assert [(view.name, view.page, view.query) for view in list_views(workspace)] == [("mine", COMPARE_PAGE, "a=2")]


def test_a_view_that_was_deleted_meanwhile_is_not_found(workspace: Workspace) -> None:
    seen = save_view(workspace, "mine", RUNS_PAGE, "a=1", "ann")
    delete_view(workspace, "mine", expected_version=seen.version)

    with pytest.raises(ViewNotFound, match="'mine'"):
        save_view(workspace, "mine", RUNS_PAGE, "a=2", "ann", expected_version=seen.version)
    with pytest.raises(ViewNotFound):
        get_view(workspace, "mine")


def test_a_name_that_is_taken_is_refused(workspace: Workspace) -> None:
    save_view(workspace, "first", RUNS_PAGE, "", "ann")
    second = save_view(workspace, " second ", RUNS_PAGE, "", "ann")
    assert second.name == "second"

    with pytest.raises(AlreadyExists, match="'first'"):
        save_view(workspace, "first", RUNS_PAGE, "a=1", "ann")
    with pytest.raises(AlreadyExists, match="'first'"):
        rename_view(workspace, "second", "first", "ann", expected_version=1)
    assert rename_view(workspace, "second", "third", "ben", expected_version=1).version == 2


@pytest.mark.parametrize(
    ("name", "why"), [("", "empty"), (" ", "empty"), ("a" * 101, "101 characters"), ("a\nb", "printed")]
)
def test_a_name_that_cannot_be_is_refused(workspace: Workspace, name: str, why: str) -> None:
    with pytest.raises(UsageError, match=why):
        save_view(workspace, name, RUNS_PAGE, "", "ann")


@pytest.mark.parametrize(
    ("page", "query", "why"),
    [("logs", "", "'logs'"), (RUNS_PAGE, "a" * 16_385, "16385 bytes"), (RUNS_PAGE, "\udcff", "not UTF-8")],
)
def test_a_view_that_cannot_be_is_refused(workspace: Workspace, page: str, query: str, why: str) -> None:
    with pytest.raises(UsageError, match=why):
        save_view(workspace, "mine", page, query, "ann")
