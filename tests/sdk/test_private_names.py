"""Names of Azure's library that begin with an underscore or are its own, and that public scripts use all the same."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.running import Mlrun
from tests.sdk.driving import drive

REFUSED = {
    "run._client": "get_details",
    "ws.get_default_datastore().blob_service": "download",
    "ws.datastores['workspacefilestore'].file_service": "upload",
    "Dataset.File.from_files(['data.csv'])._dataflow": "to_path",
    "Dataset.Tabular.from_delimited_files(['data.csv'])._dataflow": "to_pandas_dataframe",
}


@pytest.fixture
def mlrun(tmp_path: Path) -> Iterator[Mlrun]:
    """A folder with a config as Azure's portal gives it."""
    one = Mlrun(tmp_path, attach=False)
    names = {"subscription_id": "sub", "resource_group": "group", "workspace_name": "ws"}
    (one.folder / "config.json").write_text(json.dumps(names), encoding="utf-8")
    yield one
    one.close()


def test_private_names_of_handles_have_azures_values(mlrun: Mlrun) -> None:
    drive(
        mlrun,
        """
        from azureml.core import Experiment, Run
        ws = Workspace.from_config()
        same((ws._subscription_id, ws._resource_group, ws._workspace_name), ("sub", "group", "ws"))
        assert ws._auth_object.get_authentication_header
        experiment = Experiment(ws, "exp")
        same((experiment._id, experiment._workspace), (experiment.id, ws))
        parent = experiment.start_logging()
        child = parent.child_run("child")
        grandchild = child.child_run()
        same([run._root_run_id for run in (parent, child, grandchild)], [parent.id] * 3)
        same(grandchild._experiment.name, "exp")
        Run(grandchild.experiment, grandchild._root_run_id).tag("from", "below")
        same(parent.tags, {"from": "below"})
        record = grandchild._run_dto
        same((record["run_id"], record["parent_run_id"], record["status"]), (grandchild.id, child.id, "Running"))
        same(record["created_utc"][-1], "Z")
        assert "parent_run_id" not in parent._run_dto and "end_time_utc" not in parent._run_dto
        child.complete()
        parent.complete()
        assert parent._run_dto["end_time_utc"] > parent._run_dto["start_time_utc"] > record["created_utc"][:4]
        """,
    )


def test_clients_of_azures_services_are_refused_with_advice(mlrun: Mlrun) -> None:
    (mlrun.folder / "data.csv").write_text("a\n1\n")
    drive(
        mlrun,
        f"""
        from azureml.core import Dataset, Experiment
        ws = Workspace.from_config()
        run = Experiment(ws, "exp").start_logging()
        for code, words in {REFUSED!r}.items():
            error = error_of(eval, code)
            assert isinstance(error, UserErrorException), (code, repr(error))
            assert code.rpartition(".")[2] in str(error) and words in str(error), (code, error)
        run.complete()
        """,
    )
