"""Scripts that log with MLflow: everything is in their run, with the values that MLflow's own store has."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.running import Mlrun
from tests.sdk.mlflow_environments import VERSIONS, find_mlflow_python, read_result, run_alone_in, submit_in

STORY = """
import json, math, os, tempfile, warnings
import mlflow
from mlflow.entities import Metric, Param, RunTag
from mlflow.tracking import MlflowClient

warnings.simplefilter("ignore")
client = MlflowClient()

def texts(tags):
    return {key: value for key, value in tags.items() if not key.startswith("mlflow.")}

def plain(number):
    return number if math.isfinite(number) else str(number)

def describe(run_id):
    run = client.get_run(run_id)
    def history(name):
        return [[one.step, plain(one.value)] for one in client.get_metric_history(run_id, name)]
    def files(path=None):
        listed = client.list_artifacts(run_id, path)
        here = [[one.path, one.file_size] for one in listed if not one.is_dir]
        return here + [file for one in listed if one.is_dir for file in files(one.path)]
    return {
        "metrics": {name: plain(value) for name, value in run.data.metrics.items()},
        "histories": {name: history(name) for name in sorted(run.data.metrics)},
        "params": run.data.params,
        "tags": texts(run.data.tags),
        "files": [one for one in files() if "_logs/" not in one[0]],
        "name": run.data.tags["mlflow.runName"],
        "note": run.data.tags.get("mlflow.note.content"),
    }

with mlflow.start_run(run_name="first", description="a note", tags={"given": "1"}) as run:
    for epoch in range(5):
        mlflow.log_metric("val/loss", 1 / (epoch + 1), step=epoch)
    mlflow.log_metric("val/loss", 0.5, step=2)
    for place, value in enumerate((3, float("nan"), float("inf"), -0.0, 1e308)):
        client.log_metric(run.info.run_id, "unstepped", value, timestamp=1700000000000 + place)
    mlflow.log_metrics({"a": 1, "b": 2.5}, step=7)
    mlflow.log_param("lr", 0.10)
    mlflow.log_params({"layers": [64, 32], "long": "x" * 450, "name": "ünï", "empty": ""})
    mlflow.log_param("lr", 0.1)
    try:
        mlflow.log_param("lr", 0.2)
        error = None
    except mlflow.exceptions.MlflowException as raised:
        error = raised.error_code
    mlflow.set_tag("team", "vision")
    mlflow.set_tags({"number": 3, "gone": "soon"})
    mlflow.delete_tag("gone")
    mlflow.log_text("first", "texts/a.txt")
    mlflow.log_text("second, longer", "texts/a.txt")
    mlflow.log_dict({"a": [1]}, "a.json")
    several = tempfile.mkdtemp()
    os.mkdir(os.path.join(several, "inner"))
    for name in ("one", "inner/two"):
        with open(os.path.join(several, name), "w") as file:
            file.write(name)
    mlflow.log_artifacts(several, "kept")
    mlflow.log_artifact(os.path.join(several, "one"), "single")
    client.log_batch(
        run.info.run_id,
        metrics=[Metric("batched", step / 3, 1700000000000 + step, step) for step in range(20)],
        params=[Param("batched", "yes")],
        tags=[RunTag("batched", "too")],
    )
    with mlflow.start_run(nested=True, run_name="inner") as child:
        mlflow.log_metric("loss", 4)
        mlflow.log_param("lr", 5)
def error_of(function, *arguments, **named):
    try:
        function(*arguments, **named)
        return None
    except mlflow.exceptions.MlflowException as error:
        return error.error_code

def message_of(call, *values, **named):
    try:
        call(*values, **named)
    except mlflow.exceptions.MlflowException as raised:
        return raised.message.split(" (timestamp=")[0]

now = 1700000000000
with mlflow.start_run(nested=True, run_name="refused") as refused:
    errors = [
        error_of(mlflow.log_metric, "text", "apple"),
        *(
            error_of(client.log_batch, refused.info.run_id, metrics=metrics)
            for metrics in (
                [Metric("good", 1.0, now, 0), Metric("text", "apple", now, 0)],
                [Metric("good", 1.0, now, 0), Metric("none", None, now, 0)],
                [Metric("good", 1.0, now, 0), Metric("bool", True, now, 0)],
                [Metric("good", 1.0, now, 0), Metric("at", 1.0, "now", 0)],
                [Metric("good", 1.0, now, 0), Metric("at", 1.0, -1, 0)],
                [Metric("good", 1.0, now, 0), Metric("step", 1.0, now, "first")],
                [Metric("good", 1.0, now, 0), Metric(None, 1.0, now, 0)],
            )
        ),
        error_of(client.log_batch, refused.info.run_id, params=[Param("a", "1"), Param("a", "2")]),
        error_of(client.log_batch, refused.info.run_id, params=[Param("b", "1"), Param("b", "1")]),
        error_of(client.log_batch, refused.info.run_id, params=[Param("c", "1"), Param(None, "2")]),
        error_of(client.log_batch, refused.info.run_id, tags=[RunTag("d", "1"), RunTag(None, "2")]),
        error_of(client.set_tag, refused.info.run_id, None, "1"),
        *(error_of(client.create_experiment, name) for name in (None, "", 123, -1.2, ["x"], {})),
        error_of(client.rename_experiment, run.info.experiment_id, None),
    ]
    messages = [
        message_of(mlflow.log_metric, "text", "apple"),
        message_of(mlflow.log_metric, "../outside", 1.0),
        message_of(mlflow.log_param, "a(b)", 1),
        message_of(mlflow.set_tag, "/top", 1),
        message_of(client.log_batch, refused.info.run_id, metrics=[Metric("b//c", 1.0, now, 0)]),
        message_of(client.log_batch, refused.info.run_id, params=[Param("a", "1"), Param("b//c", "1")]),
        message_of(client.log_batch, refused.info.run_id, tags=[RunTag("a", "1"), RunTag("b//c", "1")]),
        *(message_of(client.create_experiment, name) for name in (None, "", 123)),
    ]
copied = client.create_run(run.info.experiment_id, tags={"mlflow.parentRunId": "of-elsewhere", "copied": "yes"})
moved = client.create_run(run.info.experiment_id)
client.set_tag(moved.info.run_id, "mlflow.parentRunId", child.info.run_id)
for one in (copied, moved):
    client.set_terminated(one.info.run_id)
whole = mlflow.artifacts.download_artifacts(artifact_uri=run.info.artifact_uri)
local = client.download_artifacts(run.info.run_id, "kept") if hasattr(client, "download_artifacts") else (
    mlflow.artifacts.download_artifacts(run_id=run.info.run_id, artifact_path="kept")
)
found = {
    "error": error,
    "errors": errors,
    "messages": messages,
    "refused": describe(refused.info.run_id),
    "parents": [
        client.get_run(copied.info.run_id).data.tags["mlflow.parentRunId"],
        client.get_run(moved.info.run_id).data.tags["mlflow.parentRunId"] == child.info.run_id,
    ],
    "whole": sorted(name for name in os.listdir(whole) if not name.endswith("_logs")),
    "run": describe(run.info.run_id),
    "child": describe(child.info.run_id),
    "parent": client.get_run(child.info.run_id).data.tags["mlflow.parentRunId"] == run.info.run_id,
    "status": client.get_run(child.info.run_id).info.status,
    "downloaded": open(os.path.join(local, "inner", "two")).read(),
    "at": [one.timestamp for one in client.get_metric_history(run.info.run_id, "batched")],
}
print(json.dumps(found))
"""

FIGURES = """
import hashlib, json
import matplotlib, mlflow
matplotlib.use("Agg")
from matplotlib.figure import Figure
import plotly.graph_objects as plotly

def draw(values):
    figure = Figure(figsize=(2, 1))
    figure.subplots().plot(values)
    return figure

def describe(run_id):
    digests = {}
    for file in mlflow.MlflowClient().list_artifacts(run_id, "figures"):
        address = f"{mlflow.get_run(run_id).info.artifact_uri}/{file.path}"
        local = mlflow.artifacts.download_artifacts(artifact_uri=address)
        with open(local, "rb") as stream:
            content = stream.read()
        digests[file.path] = hashlib.sha256(content).hexdigest() if local.endswith("png") else b"plotly" in content
    return digests

with mlflow.start_run() as run:
    mlflow.log_figure(draw([1, 2, 4]), "figures/curve.png")
    mlflow.log_figure(plotly.Figure(plotly.Scatter(y=[1, 2, 4])), "figures/page.html")
    mlflow.log_figure(draw([3, 2, 1]), "figures/again.png")
    mlflow.log_figure(draw([1, 1, 1]), "figures/again.png")
    with mlflow.start_run(nested=True) as child:
        mlflow.log_figure(draw([5, 6]), "figures/child.png")
    try:
        mlflow.log_figure("no figure", "figures/none.png")
        error = None
    except (TypeError, mlflow.exceptions.MlflowException) as raised:
        error = type(raised).__name__
print(json.dumps({"run": describe(run.info.run_id), "child": describe(child.info.run_id), "error": error}))
"""


@pytest.fixture
def mlrun(tmp_path: Path) -> Iterator[Mlrun]:
    """A folder attached to the experiment `exp`."""
    one = Mlrun(tmp_path)
    yield one
    one.close()


@pytest.fixture(scope="module")
def python() -> str:
    """The Python of an environment with MLflow 3."""
    return find_mlflow_python("3")


@pytest.mark.parametrize("version", VERSIONS)
def test_what_a_script_logs_is_what_mlflows_own_store_has(mlrun: Mlrun, tmp_path: Path, version: str) -> None:
    python = find_mlflow_python(version)
    record = submit_in(mlrun, python, STORY)
    found = read_result(mlrun, record)
    alone = run_alone_in(python, STORY, tmp_path / "alone")
    for name in found["run"]:
        assert found["run"][name] == alone["run"][name]
    assert found == alone

    run = found["run"]
    assert mlrun.metrics(record["run_id"])["val/loss"] == [1, 0.5, 1 / 3, 0.5, 0.25, 0.2]
    assert record["parameters"]["lr"] == 0.1
    assert {name: str(value) for name, value in record["parameters"].items()} == run["params"]
    assert record["tags"] == run["tags"]
    assert (record["display_name"], record["description"]) == ("first", "a note")
    files = {name for name, _ in run["files"]}
    assert files <= set(mlrun.json("run", "files", "-r", record["run_id"]))
    children = mlrun.json("run", "list", "--parent-run-id", record["run_id"], "--params", "all", "--metrics", "all")
    (child,) = (one for one in children if one.get("display_name") == "inner")
    assert (child["display_name"], child["status"], child["metrics"], child["parameters"]) == (
        "inner",
        "Completed",
        {"loss": 4.0},
        {"lr": 5},
    )


@pytest.mark.parametrize("version", VERSIONS)
def test_figures_are_files_of_the_run(mlrun: Mlrun, tmp_path: Path, version: str) -> None:
    python = find_mlflow_python(f"{version}-figures")
    record = submit_in(mlrun, python, FIGURES)
    found = read_result(mlrun, record)
    assert found == run_alone_in(python, FIGURES, tmp_path / "alone")
    assert found["error"]
    assert found["run"].keys() == {"figures/curve.png", "figures/page.html", "figures/again.png"}
    assert found["run"].keys() <= set(mlrun.json("run", "files", "-r", record["run_id"]))
    (child,) = mlrun.json("run", "list", "--parent-run-id", record["run_id"])
    assert "figures/child.png" in mlrun.json("run", "files", "-r", child["run_id"])
