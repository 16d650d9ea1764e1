from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from mlrun_cli.core.redaction import Redactor
from mlrun_cli.store.datasets import DatasetStore
from mlrun_cli.store.datastores import DatastoreStore
from mlrun_cli.store.db.database import Database


def _definition(path: str) -> dict[str, Any]:
    return {"kind": "file", "paths": [{"path": path}], "options": {}, "steps": []}


@pytest.fixture
def datasets(database: Database) -> DatasetStore:
    return DatasetStore(database, Redactor())


def test_a_dataset_comes_back_as_it_was_put(datasets: DatasetStore) -> None:
    added = datasets.insert(_definition("/a"), name="n", version=1, description="ä", tags={"k": "v", "bare": None})
    assert datasets.find_by_id(added.dataset_id) == datasets.find("n") == added
    assert (added.definition, added.description, added.tags) == (_definition("/a"), "ä", {"k": "v", "bare": None})


def test_the_latest_version_is_found_and_listed(datasets: DatasetStore) -> None:
    for version in (1, 2, 10):
        datasets.insert(_definition(f"/{version}"), name="many", version=version)
    datasets.insert(_definition("/b"), name="b", version=1)
    datasets.insert(_definition("/unnamed"))
    newest, second = datasets.find("many"), datasets.find("many", 2)
    assert newest is not None and newest.version == 10
    assert second is not None and second.definition == _definition("/2")
    assert datasets.find("many", 3) is None
    assert [(dataset.name, dataset.version) for dataset in datasets.list_latest_versions()] == [("b", 1), ("many", 10)]


def test_an_unnamed_dataset_is_found_by_an_equal_definition(datasets: DatasetStore) -> None:
    datasets.insert(_definition("/a"), name="named", version=1)
    assert datasets.find_unnamed_dataset(_definition("/a")) is None
    added = datasets.insert(_definition("/a"))
    assert datasets.find_unnamed_dataset(dict(reversed(_definition("/a").items()))) == added


def test_a_dataset_without_its_name_is_found_by_id_alone(datasets: DatasetStore) -> None:
    added = datasets.insert(_definition("/a"), name="n", version=1)
    datasets.update(added, "now", {"k": "v"})
    datasets.remove_name("n")
    found = datasets.find_by_id(added.dataset_id)
    assert datasets.find("n") is None
    assert found is not None and (found.name, found.description, found.tags) == (None, "now", {"k": "v"})


def test_a_datastore_is_put_replaced_and_removed(database: Database) -> None:
    datastores = DatastoreStore(database)
    datastores.upsert("b", Path("/b"))
    datastores.upsert("a", Path("/a"))
    datastores.upsert("b", Path("/c"))
    assert [(datastore.name, datastore.folder) for datastore in datastores.list()] == [
        ("a", Path("/a")),
        ("b", Path("/c")),
    ]
    assert datastores.delete("b") and not datastores.delete("b")
    assert datastores.find("b") is None
