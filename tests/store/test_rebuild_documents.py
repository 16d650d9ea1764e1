from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from mlrun_cli.core.redaction import Redactor
from mlrun_cli.runs.run import SCRIPT_RUN
from mlrun_cli.runs.status import RunStatus
from mlrun_cli.store.rebuild_documents import RebuildDocumentStore
from mlrun_cli.workspace import Workspace
from mlrun_cli.workspace_locator import WorkspaceIdentity, locate_workspace


@pytest.fixture
def workspaces(tmp_path: Path) -> Iterator[list[Workspace]]:
    opened = [
        Workspace.open(
            locate_workspace(tmp_path / "home", WorkspaceIdentity("s", "g", name)), create=True, redactor=Redactor()
        )
        for name in ("old", "new")
    ]
    yield opened
    for workspace in opened:
        workspace.close()


def add_run(workspace: Workspace, run_id: str, predecessor_key: int | None = None) -> int:
    with workspace.transaction():
        experiment, number = workspace.experiments.reserve_run_numbers("exp")
        columns = {"run_type": SCRIPT_RUN, "user_name": "someone", "predecessor_key": predecessor_key}
        return workspace.runs.insert(experiment, number, run_id, status=RunStatus.QUEUED, **columns)


def test_a_run_that_gets_another_key_keeps_its_relatives(workspaces: list[Workspace]) -> None:
    old, new = workspaces
    first = add_run(old, "first")
    keys = [first, add_run(old, "second", first)]
    documents = json.loads(json.dumps(list(RebuildDocumentStore(old._database).read_documents(keys))))
    assert [document["predecessor"] for document in documents] == [None, "first"]
    add_run(new, "other")
    records = RebuildDocumentStore(new._database)
    with new.transaction():
        added = [records.insert_run(document) for document in documents]
        for key, document in zip(added, documents, strict=True):
            records.set_relatives(key, document)
    assert added[0] != first
    assert new.runs.get("second").predecessor_key == added[0]

    with new.transaction():
        records.set_relatives(added[1], {**documents[1], "predecessor": "gone"})
    assert new.runs.get("second").predecessor_key == 0
