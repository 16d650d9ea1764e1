from __future__ import annotations

import pytest

from mlrun_cli.store.db.database import Database
from mlrun_cli.store.views import ViewStore
from mlrun_cli.views.view import RUNS_PAGE


@pytest.fixture
def views(database: Database) -> ViewStore:
    return ViewStore(database)


def test_views_come_back_by_name(views: ViewStore) -> None:
    assert views.add("second", RUNS_PAGE, "status=Failed", "ann")
    assert views.add("first", RUNS_PAGE, "", "ben")

    assert [view.name for view in views.list()] == ["first", "second"]
    view = views.find("second")
    assert view is not None
    assert (view.page, view.query, view.author, view.version) == (RUNS_PAGE, "status=Failed", "ann", 1)
    assert view.created_at == view.changed_at
    assert views.find("third") is None


def test_a_name_is_given_once(views: ViewStore) -> None:
    assert views.add("first", RUNS_PAGE, "a=1", "ann")
    assert not views.add("first", RUNS_PAGE, "a=2", "ben")

    assert [view.query for view in views.list()] == ["a=1"]


def test_only_who_saw_the_newest_version_changes_it(views: ViewStore) -> None:
    views.add("first", RUNS_PAGE, "a=1", "ann")

    assert views.replace("first", 1, RUNS_PAGE, "a=2", "ben")
    assert not views.replace("first", 1, RUNS_PAGE, "a=3", "ann")
    assert not views.rename("first", 1, "other", "ann")
    assert not views.delete("first", 1)
    assert [(view.query, view.author, view.version) for view in views.list()] == [("a=2", "ben", 2)]

    assert views.rename("first", 2, "other", "ann")
    assert views.delete("other", 3)
    assert views.list() == []
