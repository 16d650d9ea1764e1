from __future__ import annotations

import pytest

from mlrun_cli.compute.compute_target import AML_COMPUTE, COMPUTE_INSTANCE, ComputeTarget
from mlrun_cli.store.compute_targets import ComputeTargetStore
from mlrun_cli.store.db.database import Database
from mlrun_cli.store.settings import SettingStore

CLUSTER = ComputeTarget("cpu", AML_COMPUTE, 1, 2, "for nights", {"team": "a"}, {"scaleSettings": {"maxNodeCount": 4}})


@pytest.fixture
def targets(database: Database) -> ComputeTargetStore:
    return ComputeTargetStore(database)


def test_a_target_comes_back_as_it_was(targets: ComputeTargetStore) -> None:
    assert targets.find("cpu") is None
    assert targets.insert(CLUSTER)
    assert targets.find("cpu") == CLUSTER


def test_a_target_without_tags_has_none(targets: ComputeTargetStore) -> None:
    bare = ComputeTarget("bare", COMPUTE_INSTANCE, 1, 1)
    targets.insert(bare)

    assert targets.find("bare") == bare


def test_a_name_is_taken_once(targets: ComputeTargetStore) -> None:
    targets.insert(CLUSTER)

    assert not targets.insert(CLUSTER._replace(description="another"))
    assert targets.list() == [CLUSTER]


def test_targets_are_listed_by_name(targets: ComputeTargetStore) -> None:
    for name in ("b", "c", "a"):
        targets.insert(CLUSTER._replace(name=name))

    assert [target.name for target in targets.list()] == ["a", "b", "c"]


def test_a_change_leaves_kind_and_creation_as_they_were(targets: ComputeTargetStore) -> None:
    targets.insert(CLUSTER)
    targets.insert(CLUSTER._replace(name="other"))

    targets.replace(ComputeTarget("cpu", COMPUTE_INSTANCE, 8, 9, "for days", None, {"vmSize": "V"}))

    assert targets.find("cpu") == ComputeTarget("cpu", AML_COMPUTE, 1, 9, "for days", None, {"vmSize": "V"})
    assert targets.find("other") == CLUSTER._replace(name="other")


def test_what_is_deleted_is_gone_and_was_there(targets: ComputeTargetStore) -> None:
    targets.insert(CLUSTER)

    assert targets.delete("cpu")
    assert not targets.delete("cpu")
    assert targets.list() == []


def test_a_setting_has_the_value_it_was_given_last(database: Database) -> None:
    settings = SettingStore(database)
    assert settings.get("key") is None
    settings.set("key", "first")
    settings.set("other", "its own")
    settings.set("key", "second")

    assert settings.get("key") == "second"
    assert settings.get("other") == "its own"
