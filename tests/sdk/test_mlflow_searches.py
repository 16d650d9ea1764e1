"""Searches of MLflow's clients, which find and order what its own store does, and its model registry."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.running import Mlrun
from tests.sdk.mlflow_environments import (
    VERSIONS,
    drive_in,
    find_mlflow_python,
    read_result,
    run_alone_in,
    submit_in,
)

SEARCHES = """
import json, math, mlflow
from contextlib import suppress
from mlflow.entities import ViewType
from mlflow.tracking import MlflowClient

client = MlflowClient()
mlflow.set_experiment("searched")
experiment = client.get_experiment_by_name("searched").experiment_id
numbers = [0.5, None, float("nan"), 2.0, None, -1.0, float("inf"), 0.5]
mlflow.start_run()
for place, number in enumerate(numbers):
    with suppress(ArithmeticError), mlflow.start_run(run_name=f"run {place}", nested=True) as run:
        if number is not None:
            mlflow.log_metric("loss", number)
        mlflow.log_metric("place", place)
        if place % 2:
            mlflow.log_param("model size", f"{place}m")
        mlflow.set_tag("parity", "odd" if place % 2 else "even")
        if place % 3 == 0:
            mlflow.set_tag("third.part", "yes it's")
        if place == 5:
            failed = run.info.run_id
            raise ArithmeticError

def names(filter_string="", order_by=("metrics.place ASC",), view=ViewType.ACTIVE_ONLY, **more):
    text = "tags.parity LIKE '%'" + (f" and {filter_string}" if filter_string else "")
    found = client.search_runs([experiment], text, view, order_by=list(order_by), **more)
    return [run.data.tags["mlflow.runName"] for run in found]

def pages(**more):
    token, found = None, []
    while True:
        page = client.search_runs([experiment], "tags.parity LIKE '%'", max_results=3, page_token=token, **more)
        found.append([run.data.tags["mlflow.runName"] for run in page])
        token = page.token
        if not token:
            return found

found = {
    text: names(text)
    for text in (
        "metrics.loss < 1", "metrics.loss >= 0.5 and tags.parity = 'even'", "metrics.loss != 0.5",
        "params.`model size` = '3m'", "params.`model size` != '3m'", "params.`model size` LIKE '%m'",
        'tags.`third.part` = "yes it\\'s"', "tags.parity ILIKE 'O%'",
        "attributes.status = 'FAILED'", "attributes.status != 'FAILED'", "attributes.start_time > 0",
        "attributes.end_time > 0",
    )
}
found["by id"] = names(f"attributes.run_id = '{failed}'")
for order in (
    ["metrics.loss ASC"], ["metrics.loss DESC"], ["params.`model size` DESC"], ["tags.parity", "metrics.loss"],
    ["attributes.status", "metrics.place DESC"], ["attributes.start_time", "metrics.place"],
):
    found[str(order)] = names(order_by=[*order, "metrics.place ASC"])
found["pages"] = pages(order_by=["metrics.place DESC"])
found["newest"] = len(pages()), sorted(name for page in pages() for name in page)
found["limited"] = names("metrics.place > 2", max_results=2)
client.delete_run(failed)

def is_in_order(view):
    runs, token = [], None
    while not runs or token:
        page = client.search_runs([experiment], "", view, max_results=3, page_token=token)
        runs, token = [*runs, *page], page.token
    return runs == sorted(runs, key=lambda run: (-run.info.start_time, run.info.run_id))

found["in order"] = [is_in_order(view) for view in (ViewType.ACTIVE_ONLY, ViewType.ALL)]
found["left"], found["gone"] = names(), len(client.search_runs([experiment], "", ViewType.DELETED_ONLY))
found["stage"] = client.get_run(failed).info.lifecycle_stage
found["gone by value"] = [
    names(text, view=view)
    for text in ("metrics.loss < 0", "params.`model size` = '5m'", "params.`model size` != '5m'")
    for view in (ViewType.DELETED_ONLY, ViewType.ALL)
]
found["values of a deleted run"] = client.get_run(failed).data.metrics, client.get_run(failed).data.params
found["history of a deleted run"] = [one.value for one in client.get_metric_history(failed, "place")]
client.restore_run(failed)
found["back"] = names(), client.get_run(failed).data.metrics
def error_of(function, *arguments, **named):
    try:
        function(*arguments, **named)
        return None
    except mlflow.exceptions.MlflowException as error:
        return error.error_code

def missing(function, *arguments):
    try:
        return function("0" * 32, *arguments)
    except mlflow.exceptions.MlflowException as error:
        return error.error_code, "not found" in str(error)

found["missing"] = [
    missing(client.get_run), missing(client.log_metric, "loss", 1.0), missing(client.set_tag, "a", "b"),
    missing(client.delete_run), missing(client.list_artifacts), missing(client.set_terminated),
]
for wrong in ("metrics.loss <", "nothing.x = 1", "params.a = 1"):
    found[wrong] = error_of(names, wrong)
found["too many"] = error_of(client.search_runs, [experiment], max_results=50_001)
list_experiments = getattr(client, "list_experiments", None) or client.search_experiments
made = [client.create_experiment(f"listed {place}") for place in range(5)]
first = list_experiments(max_results=3)
listed = [*first, *list_experiments(max_results=50, page_token=first.token)]
names_listed = [one.name for one in listed if one.name.startswith("listed")]
is_ordered = not hasattr(client, "list_experiments")  # the files of MLflow 1 are in no order
found["experiments"] = names_listed if is_ordered else sorted(names_listed)
found["wrong pages"] = [error_of(list_experiments, max_results=limit) for limit in (50_001, int(1e15))]
found["wrong token"] = error_of(list_experiments, max_results=5, page_token="none such")
found["default"] = client.get_experiment_by_name("Default").name
print(json.dumps(found))
"""

REGISTRY = """
import json, mlflow
from mlflow.tracking import MlflowClient

client = MlflowClient()
with mlflow.start_run() as run:
    mlflow.log_text("first", "model/weights.txt")
    mlflow.log_text("MLmodel", "model/MLmodel")
source = f"{run.info.artifact_uri}/model"

def error_of(function, *arguments, **named):
    try:
        return str(function(*arguments, **named))
    except mlflow.exceptions.MlflowException as error:
        return error.error_code

def what_is_missing(function, *arguments):
    try:
        return str(function(*arguments))
    except mlflow.exceptions.MlflowException as error:
        return error.error_code, str(error).partition(" not found")[0]

client.create_registered_model("line", tags={"team": "a"}, description="of lines")
found = {"again": error_of(client.create_registered_model, "line")}
versions = [client.create_model_version("line", source, run.info.run_id, tags={"n": str(n)}) for n in range(3)]
client.create_registered_model("empty")
client.set_registered_model_tag("line", "colour", "red")
client.delete_registered_model_tag("line", "team")
client.update_registered_model("line", "described anew")
client.update_model_version("line", "2", "the second")
client.set_model_version_tag("line", "2", "good", "yes")
client.delete_model_version_tag("line", "1", "n")
client.transition_model_version_stage("line", "1", "Production")
client.transition_model_version_stage("line", "3", "Production", archive_existing_versions=True)
model, version = client.get_registered_model("line"), client.get_model_version("line", "2")
found.update(
    {
        "model": [model.name, model.description, model.tags, sorted(int(one.version) for one in model.latest_versions)],
        "version": [version.description, version.tags, version.run_id == run.info.run_id, version.status],
        "stages": [client.get_model_version("line", n).current_stage for n in ("1", "2", "3")],
        "latest": [str(one.version) for one in client.get_latest_versions("line", ["Production"])],
        "models": sorted(one.name for one in client.search_registered_models()),
        "some": [one.name for one in client.search_registered_models("name = 'line'")],
        "versions": sorted(int(one.version) for one in client.search_model_versions("name='line'")),
        "of_run": len(client.search_model_versions(f"run_id='{run.info.run_id}'")),
        "none": [
            what_is_missing(client.get_registered_model, "other"),
            what_is_missing(client.get_model_version, "line", "9"),
            what_is_missing(client.update_model_version, "line", "9", "d"),
            what_is_missing(client.set_model_version_tag, "line", "9", "a", "b"),
            what_is_missing(client.set_registered_model_tag, "other", "a", "b"),
            what_is_missing(client.delete_model_version, "line", "9"),
        ],
    }
)
if hasattr(client, "set_registered_model_alias"):
    client.set_registered_model_alias("line", "best", "2")
    client.set_registered_model_alias("line", "worst", "1")
    client.delete_registered_model_alias("line", "worst")
    found["alias"] = str(client.get_model_version_by_alias("line", "best").version)
    found["no version"] = what_is_missing(client.set_registered_model_alias, "line", "none", "9")
    found["of model"] = client.get_registered_model("line").aliases
    found["aliases"] = [list(client.get_model_version("line", n).aliases) for n in ("1", "2")]
    found["files"] = open(mlflow.artifacts.download_artifacts("models:/line@best") + "/weights.txt").read()
client.delete_model_version("line", "1")
found["left"] = sorted(int(one.version) for one in client.search_model_versions("name='line'"))
client.delete_registered_model("empty")
found["without"] = error_of(client.get_registered_model, "empty")
print(json.dumps(found))
"""


@pytest.fixture
def mlrun(tmp_path: Path) -> Iterator[Mlrun]:
    """A folder attached to the experiment `exp`."""
    one = Mlrun(tmp_path)
    yield one
    one.close()


@pytest.mark.parametrize("version", VERSIONS)
def test_searches_find_what_mlflows_own_store_finds(mlrun: Mlrun, tmp_path: Path, version: str) -> None:
    python = find_mlflow_python(version)
    found = read_result(mlrun, submit_in(mlrun, python, SEARCHES))
    alone = run_alone_in(python, SEARCHES, tmp_path / "alone")
    assert {name: value for name, value in found.items() if value != alone[name]} == {}
    assert len(found["left"]) == 7
    (deleted,) = mlrun.stored("SELECT status FROM runs WHERE display_name = 'run 5'")
    assert deleted == ("Failed",)


@pytest.mark.parametrize("version", VERSIONS)
def test_the_registry_does_what_mlflows_own_does(mlrun: Mlrun, tmp_path: Path, version: str) -> None:
    python = find_mlflow_python(version)
    record = submit_in(mlrun, python, REGISTRY)
    found = read_result(mlrun, record)
    if version != "1":  # its own store has no registry without a database
        alone = run_alone_in(python, REGISTRY, tmp_path / "alone")
        assert {name: value for name, value in found.items() if value != alone[name]} == {}
    listed = mlrun.json("model", "list", "-n", "line")
    assert sorted((one["version"], one["runId"]) for one in listed) == [(n, record["run_id"]) for n in (2, 3)]
    mlrun("model", "download", "-i", "line:3", "-t", "got")
    assert (mlrun.folder / "got" / "model" / "weights.txt").read_text(encoding="utf-8") == "first"
    mlrun.script("mine", "mine.pkl")
    mlrun("model", "register", "-n", "line", "--model-path", "mine.pkl")
    assert json.loads(mlrun("model", "show", "-n", "line").stdout)["version"] == 4


def test_a_history_is_whole_however_long_it_is(tmp_path: Path) -> None:
    """It is more than what one answer holds, and has a text among its numbers."""
    mlrun = Mlrun(tmp_path)
    python = find_mlflow_python("3")
    beginning = (
        "import json, mlflow\nfrom azureml.core import Workspace\n"
        "client = mlflow.MlflowClient(Workspace.from_config().get_mlflow_tracking_uri())\n"
    )
    logging = "run = client.create_run(client.create_experiment('e'))\nclient.log_metric(run.info.run_id, 'loss', 0)\n"
    drive_in(mlrun, python, f"{beginning}{logging}")
    count = 1_000_005
    mlrun.execute(
        "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?) INSERT INTO metric_values"
        " SELECT metric_key, i, 0, i, iif(i = 2, 's', 'f'), iif(i = 2, NULL, i), iif(i = 2, 'x', NULL) FROM n, metrics",
        count - 1,
    )
    reading = """
[run] = client.search_runs([client.get_experiment_by_name("e").experiment_id])
whole = client.get_metric_history(run.info.run_id, "loss")
store = client._tracking_client.store
pages, token = [], None
while not pages or (token and len(pages) < 3):
    page = store.get_metric_history(run.info.run_id, "loss", max_results=2, page_token=token)
    pages, token = [*pages, [one.step for one in page]], page.token
print(json.dumps([len(whole), whole[-1].value, pages]))
"""
    shown = json.loads(drive_in(mlrun, python, f"{beginning}{reading}").splitlines()[-1])
    assert shown == [count - 1, count - 1, [[0, 1], [3], [4, 5]]]
    mlrun.close()
