"""What training scripts call, in the shapes in which they call it, where the script's Python has the SDK alone."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from textwrap import dedent

import pytest

from tests.running import Mlrun
from tests.sdk.driving import OLDEST, PANDAS, STORY, drive, run_inside


@pytest.fixture
def mlrun(tmp_path: Path) -> Iterator[Mlrun]:
    """A folder attached to the experiment `exp`."""
    one = Mlrun(tmp_path)
    yield one
    one.close()


@pytest.fixture(scope="session")
def python() -> str:
    """A Python that does not know this program, the oldest."""
    return OLDEST


def test_a_script_logs_uploads_tags_and_completes(mlrun: Mlrun, python: str) -> None:
    record = run_inside(
        mlrun,
        STORY
        + dedent("""
        from azureml.core.run import Run as SameRun, _OfflineRun

        try:
            import mlrun_cli
        except ImportError:
            print("alone")
        assert isinstance(run, SameRun) and not isinstance(run, _OfflineRun) and hasattr(run, "experiment")
        same(run.id.startswith("OfflineRun") or "OfflineRun" in run.id, False)
        same((run.id, run._run_id), (os.environ["AZUREML_RUN_ID"],) * 2)
        for found in (Run.get_context(), Run.get_context(allow_offline=False), Run.get_context(allow_offline=True),
                      Run.get_submitted_run()):
            same((found, found.id), (run, run.id))
        same((run.experiment.name, run.parent, bool(run.parent)), ("exp", None, False))
        same((run.status, run.get_status()), ("Running", "Running"))

        tell(run, "elsewhere/model.pkl", "top.pkl")
        run.upload_files(["several/a", "several/b"], ["outputs/model.pkl", "image.png"])
        names = run.get_file_names()
        for name in ("elsewhere/model.pkl", "top.pkl", "from a stream.txt", "folder/model.pkl",
                     "folder/inner/scaler.pkl", "named/scaler.pkl", "several/a", "several/b", "outputs/model.pkl",
                     "user_logs/std_log.txt"):
            assert name in names, (name, names)
        run.download_file("from a stream.txt")
        run.download_file(name="outputs/model.pkl", output_file_path="got/as/this.pkl")
        run.download_files(prefix="folder", output_directory="all")
        same([open(path, "rb").read() for path in
              ("from a stream.txt", "got/as/this.pkl", "all/folder/inner/scaler.pkl")],
             [b"streamed", b"model", b"scaler"])

        same(run.get_properties()["owner"], "me")
        run.display_name = "a name"
        same((run.display_name, run.name), ("a name", "a name"))

        details = run.get_details()
        same((details["runId"], details["status"], details["target"]), (run.id, "Running", "local"))
        same((details["runDefinition"]["script"], "endTimeUtc" in details), ("train.py", False))
        for call in ("find_step_run", "get_output", "get_best_run_by_primary_metric"):
            refused(UserErrorException, "run." + call + "(); get_children", getattr(run, call))
        run.flush()
        run.complete()
        run.log("after complete", 1)
        same(run.get_status(), "Running")
        print("done")
        """),
        python=python,
    )
    assert mlrun.log(record["run_id"]).splitlines() == (["alone", "done"] if python != sys.executable else ["done"])
    assert record["tags"] == {"quality": "good", "bare": None, "number": "3"}
    assert (record["display_name"], record["properties"]["owner"]) == ("a name", "me")
    metrics = mlrun.metrics(record["run_id"])
    assert (metrics["mse"], metrics["after complete"]) == ([2, 1.5], 1)


OPEN_AND_SUBMIT_CHILDREN = """
from azureml.core import Experiment, ScriptRunConfig

run.log("own", 1)
child = run.child_run(name="first")
child.log("loss", 1.0)
child.complete()
with run.child_run() as second:
    second.log("loss", 0.25)
    second.log_row("row", x=1)
    second.tag("kind", "block")
    second.upload_file("outputs/a.txt", __file__)
    same(second.parent.id, run.id)
    second.parent.log("through its child", 2)
try:
    with run.child_run() as third:
        raise ValueError("diverged")
except ValueError:
    pass
tagged = run.create_children(tag_key="lr", tag_values=[0.1, 0.2])
for number, each in enumerate(tagged):
    each.log("number", number)
tagged[0].fail("too hot")
tagged[1].cancel()
counted = run.create_children(count=3)
for each in counted:
    each.complete()
same([each.id for each in run.get_children()],
     [each.id for each in reversed([child, second, third, *tagged, *counted])])
same([each.id for each in run.get_children(tags={"kind": "block"})], [second.id])
same([each.status for each in (child, second, third, *tagged, counted[0])],
     ["Completed", "Completed", "Failed", "Failed", "Canceled", "Completed"])
same(second.get_metrics(), {"loss": 0.25, "row": {"x": 1}})
same((second.get_file_names(), second.get_tags()), (["outputs/a.txt"], {"kind": "block"}))
same({each.id: each.get_metrics().get("number") for each in run.get_children(tags="lr")},
     {tagged[0].id: 0, tagged[1].id: 1})
same(run.get_metrics(recursive=True)[second.id]["loss"], 0.25)

submitted = run.submit_child(ScriptRunConfig(".", "child.py", arguments=["1"]), tags={"nr": "1"})
details = submitted.wait_for_completion(show_output=True)
same((details["status"], submitted.parent.id, submitted.tags), ("Completed", run.id, {"nr": "1"}))
same(submitted.get_metrics(), {"loss": 0.5})
same((run.get_metrics()["told by a child"], run.get_tags()), (1, {"child": submitted.id}))
same(submitted.get_details_with_logs()["logFiles"]["user_logs/std_log.txt"],
     run.id + " exp 1 {'child': '" + submitted.id + "'}\\n")
assert "from/1.txt" in run.get_file_names(), run.get_file_names()

workspace = run.experiment.workspace
for again in (Run.get(workspace, submitted.id), workspace.get_run(submitted.id),
              Run(run.experiment, submitted.id), Run(experiment=run.experiment, run_id=submitted.id)):
    same((again, again.get_metrics()), (submitted, {"loss": 0.5}))
other = Experiment(workspace, "other").start_logging()
other.log("x", 1)
other.complete()
beside = Experiment(workspace=workspace, name="other").submit(ScriptRunConfig(".", "beside.py"))
same((beside.wait_for_completion()["status"], beside.parent), ("Completed", None))
same([each.id for each in Experiment(workspace, "other").get_runs()], [beside.id, other.id])
same(sorted(workspace.experiments), ["exp", "other"])
same([each.id for each in run.experiment.get_runs()], [run.id])
"""


def test_a_script_opens_submits_and_follows_runs_below_its_own(mlrun: Mlrun, python: str) -> None:
    mlrun.script(
        """
        import sys
        from azureml.core import Run
        run = Run.get_context()
        run.parent.log("told by a child", int(sys.argv[1]))
        run.parent.tag("child", run.id)
        run.parent.upload_file("from/{}.txt".format(sys.argv[1]), __file__)
        print(run.parent.id, run.parent.experiment.name, run.parent.get_metrics().get("own"), run.parent.get_tags())
        run.log("loss", 0.5)
        if sys.argv[1] == "2":
            run.parent.cancel()
        """,
        "child.py",
    )
    mlrun.script("from azureml.core import Run; Run.get_context().log('beside', 1)", "beside.py")
    record = run_inside(
        mlrun,
        OPEN_AND_SUBMIT_CHILDREN,
        python=python,
    )
    log = mlrun.log(record["run_id"])
    assert "Streaming user_logs/std_log.txt" in log
    assert "Execution Summary" in log
    assert mlrun.metrics(record["run_id"]) == {"own": 1, "through its child": 2, "told by a child": 1}


def test_a_child_that_cancels_its_parent_stops_the_script_of_the_parent(mlrun: Mlrun) -> None:
    mlrun.script("from azureml.core import Run; Run.get_context().parent.cancel()", "child.py")
    mlrun.script(
        """
        import time
        from azureml.core import Run, ScriptRunConfig
        Run.get_context().submit_child(ScriptRunConfig(".", "child.py"))
        time.sleep(600)
        """
    )
    parent = mlrun.ended()
    assert parent["status"] == "Canceled"
    (child,) = mlrun.json("run", "list", "--parent-run-id", parent["run_id"])
    assert mlrun.wait(child["run_id"])["status"] == "Completed"


def test_a_script_cancels_fails_and_describes_itself(mlrun: Mlrun) -> None:
    mlrun.script(
        """
        import time
        from azureml.core import Run
        run = Run.get_context()
        run.description = "stops itself"
        run.log("x", 1)
        run.cancel()
        print(run.get_status(), flush=True)
        time.sleep(600)
        """
    )
    cancelled = mlrun.ended()
    assert (cancelled["status"], cancelled["description"]) == ("Canceled", "stops itself")
    assert mlrun.metrics(cancelled["run_id"]) == {"x": 1}


FIND_DATA_MODELS_AND_SECRETS = """
import os
from azureml.core import Dataset, Datastore, Model, RunConfiguration, Workspace
from azureml.core.model import Model as SameModel
from azureml.core.authentication import AzureCliAuthentication, ServicePrincipalAuthentication

ws = run.experiment.workspace
same((ws.name, ws.subscription_id, ws.resource_group),
     (os.environ["AZUREML_ARM_WORKSPACE_NAME"], os.environ["AZUREML_ARM_SUBSCRIPTION"],
      os.environ["AZUREML_ARM_RESOURCEGROUP"]))
same((Workspace.from_config(), Workspace.get(ws.name, auth=AzureCliAuthentication())), (ws, ws))
same(Workspace.get(ws.name, ServicePrincipalAuthentication("t", "i", "p"), ws.subscription_id,
                   ws.resource_group), ws)
same(Workspace(ws.subscription_id, ws.resource_group, ws.name), ws)

same(Dataset.get_by_name(ws, "my table").to_pandas_dataframe()["x"], [1.0, 3.0])
dataset = Dataset.get_by_name(ws, name="my table")
same((len(Dataset.get_by_id(ws, dataset.id).to_pandas_dataframe()), dataset.version), (2, 1))
store = ws.get_default_datastore()
same(Datastore.get(ws, store.name).name, store.name)
made = Dataset.Tabular.from_delimited_files(path=[(Datastore.get(ws, store.name), "tables/table.csv")])
same(made.to_pandas_dataframe()["y"], [2.0, 4.0])
with open("new.csv", "w") as file:
    file.write("z\\n5\\n")
store.upload_files(["new.csv"], target_path="written")
same(Dataset.Tabular.from_delimited_files((store, "written/new.csv")).register(ws, "made inside").version, 1)

same(open(Model.get_model_path("net", _workspace=ws)).read().split(), ["x,y", "1,2", "3,4"])
same(os.path.basename(Model.get_model_path("net")), "table.csv")
same((Model(ws, "net").version, SameModel), (1, Model))
os.makedirs("outputs", exist_ok=True)
with open("outputs/model.pkl", "w") as file:
    file.write("model")
model = run.register_model(model_name="from-run", model_path="outputs/model.pkl", tags={"t": 1},
                           datasets=[("training", dataset)])
same((model.name, model.version, model.run_id, model.tags), ("from-run", 1, run.id, {"t": "1"}))
same(Model.register(workspace=ws, model_path="outputs/model.pkl", model_name="net").version, 2)
same([each.id for each in Model.list(ws, name="net")], ["net:2", "net:1"])
same(open(Model.get_model_path("from-run", _workspace=ws)).read(), "model")
same((run.get_secret("data-key"), run.get_secrets(["data-key"])), ("s3cret", {"data-key": "s3cret"}))
refused(KeyError, "other", lambda: run.input_datasets["other"])
run.input_datasets["other"] = dataset
run.output_datasets["scores"] = "outputs/scores"
same((run.input_datasets["other"], [*run.input_datasets]), (dataset, ["other"]))
same(run.output_datasets["scores"], "outputs/scores")

from azureml.interpret import ExplanationClient
refused(UserErrorException, "ExplanationClient.from_run; run.upload_folder", ExplanationClient.from_run, run)
same(RunConfiguration().target, "local")
"""


def test_a_script_finds_data_models_and_secrets_of_its_workspace(mlrun: Mlrun, python: str) -> None:
    mlrun.script(PANDAS, "pandas.py")
    mlrun.script("x,y\n1,2\n3,4\n", "data/table.csv")
    mlrun.environment["DATA_KEY"] = "s3cret"
    drive(
        mlrun,
        """
        from azureml.core import Dataset, Model
        ws = Workspace.from_config()
        store = ws.get_default_datastore()
        store.upload_files(["data/table.csv"], target_path="tables")
        Dataset.Tabular.from_delimited_files((store, "tables/table.csv")).register(ws, "my table")
        Model.register(ws, "data/table.csv", "net")
        """,
    )
    record = run_inside(
        mlrun,
        FIND_DATA_MODELS_AND_SECRETS,
        python=python,
    )
    assert "s3cret" not in json.dumps(record)


def test_a_script_can_import_what_entry_scripts_of_azure_do(mlrun: Mlrun, python: str) -> None:
    run_inside(
        mlrun,
        """
        from azureml_user.parallel_run import EntryScript
        EntryScript().logger.info("ready")
        refused(UserErrorException, "ParallelRunStep; PipelineData", lambda: EntryScript().output_dir)
        """,
        python=python,
    )


def test_a_script_gets_the_data_that_it_was_submitted_with(mlrun: Mlrun, python: str) -> None:
    mlrun.script(PANDAS, "src/pandas.py")
    mlrun.script("x,y\n1,2\n3,4\n", "data/table.csv")
    mlrun.script(
        """
        import os, sys
        from azureml.core import Run
        run = Run.get_context()
        print(sys.argv[1:2], run.input_datasets["table"].to_pandas_dataframe()["y"], run.input_datasets["table"].name)
        print(os.listdir(run.input_datasets["files"]), os.listdir(sys.argv[3]) )
        """,
        "src/train.py",
    )
    output = drive(
        mlrun,
        f"""
        from azureml.core import Dataset, Environment, Experiment, ScriptRunConfig
        ws = Workspace.from_config()
        store = ws.get_default_datastore()
        store.upload_files(["data/table.csv"], target_path="tables")
        table = Dataset.Tabular.from_delimited_files((store, "tables/table.csv")).register(ws, "my table")
        files = Dataset.File.from_files((store, "tables"))
        environment = Environment("old")
        environment.python.user_managed_dependencies = True
        environment.python.interpreter_path = {python!r}
        config = ScriptRunConfig("src", "train.py", environment=environment, arguments=[
            "--table", table.as_named_input("table"), files.as_named_input("files").as_mount()])
        run = Experiment(ws, "with-data").submit(config)
        run.wait_for_completion()
        print(run.get_details_with_logs()["logFiles"]["user_logs/std_log.txt"])
        """,
    )
    assert output.splitlines()[1:3] == ["['--table'] [2.0, 4.0] my table", "['table.csv'] ['table.csv']"]


def test_a_script_reads_and_submits_to_another_workspace_and_logs_to_its_own(mlrun: Mlrun, python: str) -> None:
    mlrun.script("from azureml.core import Run; Run.get_context().log('x', 1); print('far')", "far.py")
    run_inside(
        mlrun,
        """
        import contextlib, io
        from azureml.core import Experiment, ScriptRunConfig

        other = Workspace.create("other")
        experiment = Experiment(other, "exp")
        far = experiment.submit(ScriptRunConfig(".", "far.py"))
        with contextlib.redirect_stdout(io.StringIO()) as output:
            same(far.wait_for_completion(show_output=True)["status"], "Completed")
        assert "Streaming user_logs/std_log.txt" in output.getvalue(), output.getvalue()
        same((far.get_metrics(), far.parent, far.experiment.workspace), ({"x": 1}, None, other))
        same(far.get_details_with_logs()["logFiles"]["user_logs/std_log.txt"], "far\\n")
        for write in (lambda: far.log("x", 2), lambda: far.tag("a"), lambda: Run.get(other, far.id).log("x", 2)):
            refused(UserErrorException, far.id + "; 'other'; own workspace", write)
        for opens in (experiment.start_logging, far.child_run, lambda: far.create_children(2)):
            refused(UserErrorException, "'other'; run.experiment.workspace", opens)
        same([each.id for each in experiment.get_runs(include_children=True)], [far.id])
        """,
        python=python,
    )


def test_a_script_that_asks_for_its_run_before_and_after_a_fork_is_answered(mlrun: Mlrun) -> None:
    record = run_inside(
        mlrun,
        """
        import os
        same(len(run.create_children(count=1)), 1)
        if os.fork() == 0:
            try:
                child = Run.get_context().child_run("of a fork")
                child.log("x", 1)
                child.complete()
                os._exit(0)
            finally:
                os._exit(1)
        same(os.wait()[1], 0)
        same([(each.display_name, each.get_metrics()) for each in run.get_children()][0], ("of a fork", {"x": 1}))
        """,
    )
    children = mlrun.json("run", "list", "--parent-run-id", record["run_id"], "--query", "[].status")
    assert children == ["Completed", "Completed"]  # the one that was left open ended with the script
