"""What driver scripts and notebooks call, in the shapes in which they call it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from textwrap import dedent

import pytest

from tests.running import Mlrun
from tests.sdk.driving import PANDAS, STORY, drive


@pytest.fixture
def mlrun(tmp_path: Path) -> Iterator[Mlrun]:
    """A folder with a config as Azure's portal gives it, which nobody has attached."""
    one = Mlrun(tmp_path, attach=False)
    names = {"subscription_id": "s-1", "resource_group": "rg", "workspace_name": "ws"}
    (one.folder / "config.json").write_text(json.dumps(names), encoding="utf-8")
    yield one
    one.close()


LOG_TO_RUN = """
from azureml.core import Experiment, Run
from azureml.core.run import Run as SameRun, _OfflineRun

ws = Workspace.from_config()
experiment = Experiment(workspace=ws, name="diabetes-experiment")
run = experiment.start_logging(
    display_name="first try", outputs=None, snapshot_directory=None)
assert isinstance(run, SameRun) and not isinstance(run, _OfflineRun) and hasattr(run, "experiment")
same(run.id.startswith("OfflineRun") or "OfflineRun" in run.id, False)
same((run.experiment.name, run.experiment.workspace), ("diabetes-experiment", ws))
same((run.status, run.get_status(), run.display_name, run.parent), ("Running", "Running", "first try", None))
same(bool(run.parent), False)

tell(run, "outputs/model.pkl", "model.pkl")
names = [name for name in run.get_file_names() if not name.endswith((".png", ".json"))]
same(names, ["Confusion matrix", "as array", "as text", "folder/inner/scaler.pkl", "folder/model.pkl",
             "from a stream.txt", "model.pkl", "named/scaler.pkl", "outputs/model.pkl"])
same(len(run.get_file_names()), 13)

same((run.get_properties(), run.get_parameters()), ({"owner": "me"}, {}))

run.complete()
same((run.status, run.get_status(), run.get_details()["status"]), ("Completed", "Completed", "Completed"))
details = run.get_details()
same((details["runId"], details["target"], details["properties"]), (run.id, "local", {"owner": "me"}))
assert details["startTimeUtc"] <= details["endTimeUtc"] and details["startTimeUtc"].endswith("Z"), details
same(run.get_details_with_logs()["logFiles"], {})
same(run.wait_for_completion()["status"], "Completed")

run.download_file("outputs/model.pkl")
run.download_file(name="model.pkl", output_file_path="got/as/this.pkl")
run.download_file("from a stream.txt", "got")
same([open(path, "rb").read() for path in ("model.pkl", "got/as/this.pkl", "got/from a stream.txt")],
     [b"model", b"model", b"streamed"])
run.download_files(prefix="folder", output_directory="all")
run.download_files(prefix="named", output_directory="bare", append_prefix=False)
run.download_files(prefix="folder/", output_directory="bare", append_prefix=False)
for beginning in ("folder/inner/sc", "outputs/model.pkl"):  # no folder, so that it stays, as in Azure
    run.download_files(prefix=beginning, output_directory="whole", append_prefix=False)
same(sorted(os.path.join(top, name) for folder in ("all", "bare", "whole") for top, _, names in os.walk(folder)
            for name in names),
     ["all/folder/inner/scaler.pkl", "all/folder/model.pkl", "bare/inner/scaler.pkl", "bare/model.pkl",
      "bare/scaler.pkl", "whole/folder/inner/scaler.pkl", "whole/outputs/model.pkl"])

for again in (Run(experiment, run.id), Run(experiment=experiment, run_id=run.id), Run.get(ws, run.id),
              ws.get_run(run.id), next(experiment.get_runs()), next(Run.list(experiment))):
    same((again, again.id, again.get_metrics()["mse"]), (run, run.id, [2, 1.5]))
same([found.id for found in experiment.get_runs(tags={"quality": "good"})], [run.id])
same([found.id for found in experiment.get_runs(tags="bare", properties={"owner": "me"})], [run.id])
same([found.id for found in experiment.get_runs(properties="owner")], [run.id])
same([found.id for found in experiment.get_runs(where="mse < 2 and tag.quality = good")], [run.id])
same([*experiment.get_runs(where="min(mse) > 2")], [])
same([*experiment.get_runs(tags={"quality": "bad"})], [])
same(list(ws.experiments), ["diabetes-experiment"])

with experiment.start_logging() as with_block:
    with_block.log("x", 1)
same(with_block.status, "Completed")
failed = experiment.start_logging()
try:
    with failed:
        raise ValueError("no data")
except ValueError as error:
    same(str(error), "no data")
same((failed.status, failed.get_details()["error"]["error"]["message"]), ("Failed", "ValueError: no data"))
same(experiment.start_logging(name="by name", outputs=None).display_name, "by name")
by_position = experiment.start_logging("by position", "its-id", None, None)
same((by_position.display_name, by_position.id), ("by position", "its-id"))
stopped = experiment.start_logging()
stopped.cancel()
same((stopped.status, stopped.get_status()), ("Canceled", "Canceled"))
"""


def test_a_notebook_logs_to_a_run_that_it_opens_and_completes(mlrun: Mlrun) -> None:
    drive(
        mlrun,
        STORY + dedent(LOG_TO_RUN),
    )


OPEN_CHILDREN = """
from azureml.core import Experiment

ws = Workspace.from_config()
experiment = Experiment(ws, "sweep")
with experiment.start_logging() as run:
    child = run.child_run(name="first")
    child.log("loss", 1.0)
    child.complete()
    with run.child_run() as second:
        second.log("loss", 0.5)
        second.parent.log("best", 0.5)
        second.parent.tag("found by", second.id)
    try:
        with run.child_run(run_id="third", name="third") as third:
            raise ValueError("diverged")
    except ValueError:
        pass
    tagged = run.create_children(tag_key="lr", tag_values=[0.1, 0.2])
    counted = run.create_children(count=2)
    for number, each in enumerate(tagged + counted):
        each.log("number", number)
        same(each.status, "Running")
    grandchild = counted[1].child_run()
    counted[0].cancel()
    tagged[0].fail(error_details="too hot", error_code="Heat")
    tagged[1].complete()

assert child.parent.id == second.parent.id == third.parent.id == run.id
same((child.display_name, third.id, child.experiment.name), ("first", "third", "sweep"))
same(run.get_metrics(), {"best": 0.5})
same(run.get_tags(), {"found by": second.id})
same([each.id for each in run.get_children()],
     [each.id for each in reversed([child, second, third, *tagged, *counted])])
same([each.id for each in run.get_children(tags={"lr": "0.2"})], [tagged[1].id])
same([each.id for each in run.get_children(tags="lr", status="Failed")], [tagged[0].id])
same(next(run.get_children(recursive=True)), grandchild)
same([each.id for each in run.get_children(type="azureml.scriptrun")], [])
everything = run.get_metrics(recursive=True)
same((len(everything), everything[second.id]), (9, {"loss": 0.5}))
same({each.id: each.get_metrics().get("loss") for each in run.get_children() if each.get_metrics()},
     {child.id: 1.0, second.id: 0.5, **{each.id: None for each in tagged + counted}})
same([each.status for each in (child, second, third, *tagged, counted[0])],
     ["Completed", "Completed", "Failed", "Failed", "Completed", "Canceled"])
error = tagged[0].get_details()["error"]["error"]
same((error["code"], error["message"]), ("Heat", "too hot"))
same([each.id for each in experiment.get_runs()], [run.id])
same(len([*experiment.get_runs(include_children=True)]), 9)

late = run.child_run("after the end")
late.complete()
same((late.status, run.status), ("Completed", "Completed"))
top = experiment.start_logging()
below = top.child_run()
below.parent.cancel()
same((top.status, below.parent.id), ("Canceled", top.id))
below.complete()
"""


def test_a_run_has_children_which_a_driver_opens_fills_and_ends(mlrun: Mlrun) -> None:
    drive(
        mlrun,
        OPEN_CHILDREN,
    )


SUBMIT_AND_ASK = """
import json, os
from azureml.core import Experiment, RunConfiguration, ScriptRunConfig
from azureml.core.run import Run
from azureml.core.script_run import ScriptRun

ws = Workspace.from_config(path="./config.json")
experiment = Experiment(ws, "submitted")
source = ScriptRunConfig(source_directory="src", script="train.py", arguments=["--lr", 0.5])
run = experiment.submit(config=source, tags={"from": "driver"})
details = run.wait_for_completion(show_output=True, wait_post_processing=True)

same(details["status"], "Completed")
same((type(run), run.type, run.parent, run.number), (ScriptRun, "azureml.scriptrun", None, 1))
same((run.status, run.get_status(), run.tags, run.get_metrics()),
     ("Completed", "Completed", {"from": "driver"}, {"lr": 0.5}))
details = run.get_details()
same((details["runId"], details["status"], details["target"]), (run.id, "Completed", "local"))
same(details["runDefinition"]["script"], "train.py")
same(details["runDefinition"]["arguments"], ["--lr", "0.5"])
# Azure's documents of 2018 to 2021 spell it so; nothing is added to what a script writes down.
same(details["runDefinition"]["Arguments"], ["--lr", "0.5"])
assert "Arguments" not in json.loads(json.dumps(details["runDefinition"]))
for unknown in ("No such field", "nor this", "", 1):
    refused(KeyError, repr(unknown), details["runDefinition"].__getitem__, unknown)
same([name for name in details["logFiles"] if name.startswith("user_logs")], ["user_logs/std_log.txt"])
same(run.get_details_with_logs()["logFiles"]["user_logs/std_log.txt"], "hello --lr 0.5\\n")
names = [name for name in run.get_file_names() if not name.startswith("system_logs")]
same(names, ["elsewhere/report.txt", "outputs/model.pkl", "user_logs/std_log.txt"])
for name in run.get_file_names():
    if name.startswith("outputs/"):
        run.download_file(name, os.path.join("got", os.path.basename(name)))
run.download_files(prefix="outputs", output_directory="all")
same([open(path).read() for path in ("got/model.pkl", "all/outputs/model.pkl")], ["model"] * 2)
same([os.path.relpath(path, os.getcwd()) for path in run.get_all_logs(destination="logs")
      if "user_logs" in path], ["logs/user_logs/std_log.txt"])
same([os.path.relpath(path, os.getcwd()) for path in run.get_all_logs()
      if "user_logs" in path], [run.id + "/user_logs/std_log.txt"])
run.set_tags({"later": 1})
run.tag("bare")
same(run.get_tags(), {"from": "driver", "later": "1", "bare": None})
run.log("from the driver", 7)
same(run.get_metrics("from the driver"), {"from the driver": 7})
run.upload_file("added.txt", "src/wait.py")
assert "added.txt" in run.get_file_names()
model = run.register_model(model_name="m", model_path="outputs/model.pkl", tags={"area": "x"})
same((model.name, model.version, model.run_id, model.tags), ("m", 1, run.id, {"area": "x"}))
same(experiment.submit(source) != run, True)

failing = ScriptRunConfig("src", script="train.py", arguments=["--lr", 1, "--broken"])
failed = experiment.submit(failing)
refused(ActivityFailedException, failed.id + "; ValueError: no such column", failed.wait_for_completion)
same(failed.wait_for_completion(raise_on_error=False)["status"], "Failed")
same(failed.get_details()["error"]["error"]["debugInfo"]["type"], "ValueError")

configuration = RunConfiguration()
configuration.script = "wait.py"
waiting = experiment.submit(ScriptRunConfig("src", run_config=configuration))
assert waiting.get_status() in ("NotStarted", "Preparing", "Starting", "Running"), waiting.get_status()
waiting.cancel()
same(waiting.wait_for_completion()["status"], "Canceled")
same([found.id for found in experiment.get_runs(status=["Failed", "Canceled"])], [waiting.id, failed.id])

for call in ("get_best_run_by_primary_metric", "get_children_sorted_by_primary_metric", "get_output",
             "get_best_child", "find_step_run", "get_pipeline_output", "publish_pipeline"):
    refused(UserErrorException, f"run.{call}(); get_children", getattr(run, call))
"""


def test_a_script_is_submitted_waited_for_and_asked_about(mlrun: Mlrun) -> None:
    mlrun.script(
        """
        import os, sys
        from azureml.core import Run
        run = Run.get_context()
        print("hello", *sys.argv[1:])
        run.log("lr", float(sys.argv[2]))
        os.makedirs("outputs", exist_ok=True)
        with open("outputs/model.pkl", "w") as file:
            file.write("model")
        run.upload_file("elsewhere/report.txt", "outputs/model.pkl")
        run.complete()
        if len(sys.argv) > 3:
            raise ValueError("no such column")
        """,
        "src/train.py",
    )
    mlrun.script("import time\nprint('waiting', flush=True)\ntime.sleep(600)", "src/wait.py")
    output = drive(
        mlrun,
        SUBMIT_AND_ASK,
    )
    lines = output.splitlines()
    assert lines[0].startswith("RunId: submitted_")
    assert lines[lines.index("Streaming user_logs/std_log.txt") + 2 :][:2] == ["", "hello --lr 0.5"]
    assert "Execution Summary" in lines


FIND_DATA_AND_MODELS = """
import os
from azureml.core import Dataset, Datastore, Experiment, Model, Run
from azureml.core.model import Model as SameModel
from azureml.core.authentication import (
    AzureCliAuthentication, InteractiveLoginAuthentication, ServicePrincipalAuthentication,
)

ws = Workspace.from_config()
service = ServicePrincipalAuthentication(
    tenant_id="t", service_principal_id="i", service_principal_password="p")
for auth in (AzureCliAuthentication(), InteractiveLoginAuthentication(), service):
    same(Workspace.get(name="ws", auth=auth, subscription_id="s-1", resource_group="rg"), ws)
    same(Workspace("s-1", "rg", "ws", auth=auth), Workspace(
        subscription_id="s-1", resource_group="rg", workspace_name="ws"))
same((Workspace.get("ws").name, ws.resource_group, ws.subscription_id), ("ws", "rg", "s-1"))

store = ws.get_default_datastore()
same((Datastore.get(ws, store.name).name, Datastore.get(ws, datastore_name=store.name).name), (store.name,) * 2)
store.upload_files(["data/table.csv"], target_path="tables", overwrite=True)
dataset = Dataset.Tabular.from_delimited_files(path=[(store, "tables/table.csv")])
same(dataset.to_pandas_dataframe()["y"], [2.0, 4.0])
registered = dataset.register(workspace=ws, name="my table", create_new_version=True)
same(Dataset.get_by_name(ws, "my table").to_pandas_dataframe()["x"], [1.0, 3.0])
same(Dataset.get_by_name(workspace=ws, name="my table", version=1).id, registered.id)
same(Dataset.get_by_id(ws, id=registered.id).name, "my table")
same(list(ws.datasets), ["my table"])
refused(UserErrorException, "no data; my table", Dataset.get_by_name, ws, "no data")

same(SameModel, Model)
model = Model.register(workspace=ws, model_path="model/weights.bin", model_name="net", tags={"a": 1},
                       description="a net")
again = Model.register(ws, "model", "net")
same((model.version, again.version, Model(ws, "net").version, Model(ws, name="net", version=1).tags),
     (1, 2, 2, {"a": "1"}))
same(Model(ws, id="net:1").id, "net:1")
same([each.id for each in Model.list(ws)], ["net:2", "net:1"])
same([each.id for each in Model.list(workspace=ws, name="net", tags=["a"])], ["net:1"])
same(open(Model.get_model_path("net", version=1, _workspace=ws)).read().strip(), "weights")
same(os.listdir(Model.get_model_path(model_name="net", _workspace=ws)), ["weights.bin"])
same(open(model.download(target_dir="got")).read().strip(), "weights")
refused(WebserviceException, "ModelNotFound", Model, ws, "no net")

run = Experiment(ws, "exp").start_logging()
run.upload_folder("outputs/model", "model")
of_run = run.register_model("of-run", model_path="outputs/model", properties={"p": 1},
                            model_framework=Model.Framework.SCIKITLEARN, model_framework_version="1.0",
                            datasets=[("training", registered)])
same((of_run.run_id, of_run.run.id, of_run.properties, of_run.model_framework),
     (run.id, run.id, {"p": "1"}, "ScikitLearn"))
refused(ModelPathNotFoundException, "outputs/none; outputs/model/weights.bin", run.register_model, "n",
        "outputs/none")
run.complete()

from azureml.contrib.interpret.explanation.explanation_client import ExplanationClient
refused(UserErrorException, "ExplanationClient.from_run; run.upload_folder", ExplanationClient.from_run, run)
same(Run.get_context().id.startswith("OfflineRun"), True)
same(hasattr(Run.get_context(allow_offline=True), "experiment"), False)
refused(RunEnvironmentException, "mlrun run submit-script", Run.get_context, allow_offline=False)
refused(RunEnvironmentException, "mlrun run submit-script", Run.get_submitted_run)
"""


def test_data_and_models_of_a_workspace_are_found_by_their_names(mlrun: Mlrun) -> None:
    mlrun.script(PANDAS, "pandas.py")
    mlrun.script("x,y\n1,2\n3,4\n", "data/table.csv")
    mlrun.script("weights", "model/weights.bin")
    drive(
        mlrun,
        FIND_DATA_AND_MODELS,
    )
