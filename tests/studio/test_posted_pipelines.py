"""Published pipelines that programs submit by HTTP: what the SDK says of it, and who may."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import pytest

from tests.running import Mlrun
from tests.sdk.driving import drive
from tests.studio.serving import Answer, Studio, serving

PUBLISHING = """
from azureml.core import Dataset
from azureml.core.authentication import InteractiveLoginAuthentication
from azureml.data.dataset_consumption_config import DatasetConsumptionConfig
from azureml.data.datapath import DataPath, DataPathComputeBinding
from azureml.pipeline.core import PipelineEndpoint, PipelineParameter, PublishedPipeline
from azureml.pipeline.core import Pipeline
from azureml.pipeline.steps import PythonScriptStep
import json

workspace = Workspace.from_config()
degree = PipelineParameter("degree", 2)
name = PipelineParameter("name", "none")
path = (PipelineParameter("data", DataPath(workspace.get_default_datastore(), "first")), DataPathComputeBinding())
store = workspace.get_default_datastore()
files = Dataset.File.from_files((store, "first")).register(workspace, "files")
other = Dataset.File.from_files((store, "second")).register(workspace, "other")
files = DatasetConsumptionConfig("files", PipelineParameter("dataset", files)).as_mount()
step = PythonScriptStep(
    "train.py", arguments=[degree, name, path, files], inputs=[path, files], source_directory="src")
published = Pipeline(workspace, steps=[step]).publish("cars")
endpoint = PipelineEndpoint.publish(workspace, "all cars", pipeline=published)
print(json.dumps({
    "header": InteractiveLoginAuthentication().get_authentication_header(),
    "pipeline": published.endpoint,
    "endpoint": endpoint.endpoint,
    "id": published.id,
    "other": other.id,
}))
"""
TRAIN = """
import os, sys
from azureml.core import Run
run = Run.get_context()
run.log("degree", int(sys.argv[1]))
run.log("name", sys.argv[2])
run.log("files", " ".join(name for folder in sys.argv[3:] for name in sorted(os.listdir(folder))))
"""


class Published(NamedTuple):
    """What a publisher hands on: where to post, and with which header."""

    studio: Studio
    mlrun: Mlrun
    header: Mapping[str, str]
    pipeline: str
    endpoint: str
    pipeline_id: str
    other_dataset_id: str

    def post(self, url: str, body: object, **headers: str) -> Answer:
        """Return the response to JSON that a program posts, without any cookie."""
        parts = urlsplit(url)
        sent = {"Content-Type": "application/json", "Host": parts.netloc, **headers}
        text = body if isinstance(body, str) else json.dumps(body)
        return self.studio.ask("POST", parts.path, body=text, cookie="", headers=sent)

    def submit(self, url: str, body: Mapping[str, Any]) -> dict[str, Any]:
        """Return what the studio responds to a submit that it accepts."""
        answer = self.post(url, body, **self.header)
        assert answer.status == 200, answer.text
        accepted: dict[str, Any] = json.loads(answer.text)
        return accepted


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Published]:
    """Yield a published pipeline in a workspace whose studio is running."""
    mlrun = Mlrun(tmp_path_factory.mktemp("posted"))
    mlrun.script(TRAIN, "src/train.py")
    for name in ("first", "second"):
        mlrun.script("x", f"{name}/of-{name}.txt")
        mlrun("datastore", "upload", "-n", "workspaceblobstore", "-p", name, "--target-path", name)
    with serving(mlrun) as studio:
        said = json.loads(drive(mlrun, PUBLISHING).splitlines()[-1])
        yield Published(studio, mlrun, said["header"], said["pipeline"], said["endpoint"], said["id"], said["other"])
    mlrun.close()


def get_metrics(mlrun: Mlrun, run_id: str) -> dict[str, Any]:
    """Return the metrics of the only step of a pipeline run, once it has ended well."""
    drive(
        mlrun,
        f"""
        from azureml.pipeline.core import PipelineRun
        run = PipelineRun.get(Workspace.from_config(), {run_id!r})
        same(run.wait_for_completion(show_output=False), "Finished")
        """,
    )
    (step,) = mlrun.json("run", "list", "--parent-run-id", run_id)
    metrics: dict[str, Any] = mlrun.json("run", "metrics", "-r", step["run_id"])
    return metrics


def test_a_post_submits_with_parameters_and_data_paths(published: Published) -> None:
    body = {
        "ExperimentName": "posted",
        "ParameterAssignments": {"degree": "7", "name": 5, "unknown": 1},
        "DataPathAssignments": {"data": {"DataStoreName": "workspaceblobstore", "RelativePath": "second"}},
        "DataSetDefinitionValueAssignments": {"dataset": {"SavedDataSetReference": {"Id": published.other_dataset_id}}},
        "RunSource": "API",
        "Tags": {"by": "http"},
        "Description": "of a program",
    }
    accepted = published.submit(published.pipeline, body)
    assert [note.split(",")[0] for note in accepted["Notes"]] == ["The pipeline has no parameter 'unknown'"]
    assert accepted["ExperimentName"] == "posted"
    run = published.mlrun.json("run", "show", "-r", accepted["Id"])
    assert (run["_experiment_name"], run["tags"], run["description"]) == ("posted", {"by": "http"}, "of a program")
    assert (run["properties"]["runSource"], run["properties"]["runType"]) == ("API", "HTTP")
    assert run["properties"]["azureml.pipelineid"] == published.pipeline_id
    metrics = get_metrics(published.mlrun, accepted["Id"])
    assert metrics == {"degree": 7, "name": "5", "files": "of-second.txt of-second.txt"}


def test_an_endpoint_submits_its_default_version_and_keys_have_any_case(published: Published) -> None:
    body = {
        "experimentName": "posted",
        "parameterAssignments": {"name": "two"},
        "dataSetDefinitionValueAssignments": {"dataset": {"dataSetReference": {"name": "other", "version": "1"}}},
    }
    accepted = published.submit(published.endpoint, body)
    assert get_metrics(published.mlrun, accepted["Id"]) == {
        "degree": 2,
        "name": "two",
        "files": "of-first.txt of-second.txt",
    }


@pytest.mark.parametrize(
    ("body", "status", "word"),
    [
        ({}, 400, "ExperimentName"),
        ("", 400, "ExperimentName"),
        ("{", 400, "not JSON"),
        ("[" * 100_000, 400, "not JSON"),
        ("[]", 400, "not an object"),
        (" " * (1 << 20) + "{}", 413, "too long"),
        ({"ExperimentName": "posted", "ParameterAssignments": {"degree": "many"}}, 400, "'many' is not of type int"),
        ({"ExperimentName": "posted", "ParameterAssignments": {"degree": [1]}}, 400, "degree"),
        ({"ExperimentName": "posted", "ParameterAssignments": []}, 400, "ParameterAssignments"),
        ({"ExperimentName": "posted", "DataPathAssignments": {"data": "second"}}, 400, "DataPathAssignments.data"),
        ({"ExperimentName": "posted", "DataSetDefinitionValueAssignments": {"data": {}}}, 400, "SavedDataSetReference"),
        ({"ExperimentName": "a/b"}, 400, "a/b"),
    ],
)
def test_what_is_wrong_in_a_post_is_said_as_json(published: Published, body: object, status: int, word: str) -> None:
    answer = published.post(published.pipeline, body, **published.header)
    assert (answer.status, answer.headers["content-type"]) == (status, "application/json"), answer.text
    assert word in json.loads(answer.text)["error"]["message"]


def test_nothing_is_submitted_without_the_key(published: Published) -> None:
    studio = published.studio
    (key,) = (value.removeprefix("Bearer ") for value in published.header.values())
    body = {"ExperimentName": "refused"}
    for header in ("", "Bearer ", f"Basic {key}", f"Bearer {key[:-1]}", f"Bearer {studio.token}", "Bearer ä"):
        refused = published.post(published.pipeline, body, Authorization=header)
        assert (refused.status, json.loads(refused.text)["error"]["code"]) == (401, "AccessDenied"), header
    path = urlsplit(published.pipeline).path
    with_cookie = studio.ask("POST", path, body=json.dumps(body), headers={"Origin": studio.origin})
    assert with_cookie.status == 401
    foreign = published.post(published.pipeline, body, **published.header, Origin="http://elsewhere.test")
    assert foreign.status == 403
    bent = published.post(published.pipeline, body, **{**published.header, "Host": "elsewhere.test"})
    assert bent.status == 421
    assert "refused" not in {
        run["_experiment_name"] for run in published.mlrun.json("run", "list", "--include-children")
    }


def test_the_key_opens_no_page_and_the_address_takes_posts_only(published: Published) -> None:
    studio, header = published.studio, dict(published.header)
    assert studio.ask("GET", studio.urls.runs(), cookie="", headers=header).status == 401
    assert studio.ask("POST", f"{studio.urls}/cancel", cookie="", headers=header).status == 401
    (key,) = (value.removeprefix("Bearer ") for value in header.values())
    assert studio.ask("GET", f"/?token={key}", cookie="").status == 403
    got = studio.ask("GET", urlsplit(published.pipeline).path, cookie="", headers=header)
    assert (got.status, json.loads(got.text)["error"]["code"]) == (405, "MethodNotAllowed")
    lost = published.post(published.pipeline.replace(published.pipeline_id, "none"), {"ExperimentName": "a"}, **header)
    assert (lost.status, json.loads(lost.text)["error"]["code"]) == (404, "PipelineNotFound")


def test_what_is_disabled_is_not_submitted(published: Published) -> None:
    for kind, url in (("PublishedPipeline", published.pipeline), ("PipelineEndpoint", published.endpoint)):
        change = f"""
        from azureml.pipeline.core import {kind}
        found = {kind}.list(Workspace.from_config(), active_only=False)[0]
        """
        drive(published.mlrun, f"{change}found.disable()")
        answer = published.post(url, {"ExperimentName": "a"}, **published.header)
        drive(published.mlrun, f"{change}found.enable()")
        assert answer.status == 400
        assert "is disabled" in json.loads(answer.text)["error"]["message"]


def test_without_a_studio_the_header_says_what_to_start(tmp_path: Path) -> None:
    mlrun = Mlrun(tmp_path)
    drive(
        mlrun,
        """
        from azureml.core.authentication import AzureCliAuthentication
        header = AzureCliAuthentication().get_authentication_header
        refused(AuthenticationException, "none is running; mlrun studio; submit(", header)
        """,
    )
    with serving(mlrun):
        drive(
            mlrun,
            """
            from azureml.core.authentication import *
            classes = [AzureCliAuthentication(), InteractiveLoginAuthentication(),
                       ServicePrincipalAuthentication("tenant", "id", "password"), Workspace.from_config()._auth]
            (value,) = {one.get_authentication_header()["Authorization"] for one in classes}
            assert value.startswith("Bearer "), value
            """,
        )
