"""Pipelines that scripts submit: their runs, steps, outputs, what is printed, and what is published of them."""

from __future__ import annotations

import json
import re
import sys
import time
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.running import Mlrun, is_alive, kill, until
from tests.sdk.driving import BEGINNING as DRIVING
from tests.sdk.driving import PANDAS, drive
from tests.sdk.test_pipelines import BEGINNING

PREPARE = """
import os, sys
os.makedirs(sys.argv[1], exist_ok=True)
with open(os.path.join(sys.argv[1], "rows.txt"), "w") as file:
    file.write(sys.argv[2])
print("prepared", sys.argv[2])
"""
TRAIN = """
import os, sys
from azureml.core import Run
run = Run.get_context()
with open(os.path.join(sys.argv[1], "rows.txt")) as file:
    run.log("rows", float(file.read()))
print("of", run.parent.type, os.environ["AML_PARAMETER_DEPTH"])
"""
PIPELINE = """
from azureml.core import Experiment, Run
from azureml.pipeline.core import PipelineRun, StepRun

def make(rows=3, name="rows", **more):
    data = PipelineData("data", pipeline_output_name="all")
    rows = PipelineParameter(name, rows)
    prepare = script("prepare.py", name="prepare", arguments=[data, rows], outputs=[data], **more)
    train = script("train.py", name="train", arguments=[data], inputs=[data], params={"DEPTH": 2})
    return Pipeline(workspace, steps=[train, prepare], description="cars")
"""


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Mlrun]:
    """An attached folder with the scripts of a pipeline."""
    mlrun = Mlrun(tmp_path)
    mlrun.script(PREPARE, "src/prepare.py")
    mlrun.script(TRAIN, "src/train.py")
    yield mlrun
    mlrun.close()


def run_driver(mlrun: Mlrun, code: str) -> str:
    return drive(mlrun, BEGINNING + PIPELINE + code)


def test_a_pipeline_runs_its_steps_and_offers_what_they_have_written(project: Mlrun) -> None:
    run_driver(
        project,
        """
pipeline = make()
same(pipeline.validate(), [])
run = Experiment(workspace, "cars").submit(pipeline, tags={"kind": "test"}, pipeline_parameters={"rows": 5})
same([type(run).__name__, run.type, run.tags["kind"]], ["PipelineRun", "azureml.PipelineRun", "test"])
same(run.wait_for_completion(show_output=False), "Finished")
same([run.get_status(), run.status, run.get_details()["status"]], ["Finished", "Completed", "Completed"])
same(run.get_detailed_status(), {"status": "Finished", "details": None})
train, prepare = run.get_steps()
same([step.name for step in (train, prepare)], ["train", "prepare"])
same([type(step).__name__ for step in run.get_children()], ["StepRun", "StepRun"])
same([step.id for step in run.find_step_run("train")], [train.id])
same(run.find_step_run("nobody"), [])
same([train.get_status(), train.pipeline_run_id, train.parent.id], ["Finished", run.id, run.id])
same(train.get_metrics(), {"rows": 5})
same(train.get_stdout_log().split(), ["of", "azureml.PipelineRun", "2"])
same(train.properties["azureml.pipelinerunid"], run.id)
same([type(found).__name__ for found in run.experiment.get_runs()], ["PipelineRun"])
same(Run.get(workspace, train.id).get_outputs(), {})
same(PipelineRun.get(workspace, run.id), run)
same(PipelineRun(run.experiment, run.id).get_graph().find_node("train").name, "train")
data = prepare.get_output_data("data")
same([data.name, data.datastore_name, data.path_on_datastore],
     ["data", "workspaceblobstore", "azureml/%s/data" % prepare.id])
output = prepare.get_output("data")
same([output.step_run, output.pipeline_run_id, data.pipeline_run_id], [prepare, run.id, run.id])
same([run.get_pipeline_output("all").pipeline_run_id, data.data_reference_name], [run.id, "data"])
same(data.download("fetched"), 1)
same(open("fetched/%s/rows.txt" % data._path_on_datastore).read(), "5")
same(run.get_pipeline_output("all").path_on_datastore, data.path_on_datastore)
refused(ValueError, "'none'", run.get_pipeline_output, "none")
refused(ValueError, "'other'; data", prepare.get_output, "other")
for call in (run.complete, run.fail, run.child_run, train.complete, train.fail, train.child_run):
    refused(NotImplementedError, type(call.__self__).__name__, call)
same(train._node_id, run.get_graph().find_node("train").node_id)
again = Experiment(workspace, "cars").submit(make(), pipeline_parameters={"rows": 5}, show_output=True)
same(again.wait_for_completion(show_output=False), "Finished")
reused = again.find_step_run("prepare")[0]
same(reused.properties["azureml.reusedrunid"], prepare.id)
same(reused.get_output_data("data").path_on_datastore, data.path_on_datastore)
forced = make().submit("cars", pipeline_parameters={"rows": 5}, regenerate_outputs=True)
forced.wait_for_completion(show_output=False)
same("azureml.isreused" in forced.find_step_run("prepare")[0].properties, False)
""",
    )


def test_waiting_prints_what_azure_prints(project: Mlrun) -> None:
    printed = run_driver(
        project,
        """
run = make().submit("cars")
print(run.find_step_run, "| end of submit")
run.wait_for_completion(show_output=True)
""",
    )
    lines = printed.splitlines()
    created = re.match(r"Created step train \[[0-9a-f]{8}\]\[[0-9a-f-]{36}\], \(", lines[0])
    assert created is not None
    run_id = re.findall(r"Submitted PipelineRun ([0-9a-f-]{36})", printed)[0]
    waited = printed.partition("| end of submit\n")[2].splitlines()
    assert waited[0] == f"PipelineRunId: {run_id}"
    assert waited[1].startswith("Link to Azure Machine Learning Portal: http")
    for line in ("prepared 3", "StepRun(prepare) Execution Summary", "StepRun( train ) Status: Finished"):
        assert line in waited
    assert waited.index("PipelineRun Execution Summary") > waited.index("StepRun(train) Execution Summary")
    assert waited[waited.index("PipelineRun Execution Summary") + 2] == "PipelineRun Status: Finished"


def test_waiting_names_a_log_once_while_an_environment_is_built(project: Mlrun) -> None:
    printed = run_driver(
        project,
        """
from azureml.core.conda_dependencies import CondaDependencies
config = RunConfiguration()
config.environment = Environment("built")
config.environment.python.conda_dependencies = CondaDependencies()
config.environment.python.conda_dependencies.remove_pip_package("azureml-defaults")
run = make(runconfig=config).submit("cars")
while not run.find_step_run("prepare"):
    pass
run.find_step_run("prepare")[0].wait_for_completion(show_output=True)
""",
    )
    titles = [line for line in printed.splitlines() if line.startswith("Streaming ")]
    assert titles == ["Streaming system_logs/environment.log", "Streaming user_logs/std_log.txt"]


def test_a_failed_step_fails_the_pipeline_with_its_error(project: Mlrun) -> None:
    project.script("raise ValueError('no cars')", "src/prepare.py")
    run_driver(
        project,
        """
run = make(allow_reuse=False).submit("cars")
refused(ActivityFailedException, "no cars", run.wait_for_completion, show_output=False)
same(run.wait_for_completion(show_output=False, raise_on_error=False), "Failed")
same(run.find_step_run("train"), [])
same(run.find_step_run("prepare")[0].get_status(), "Failed")
""",
    )


def test_a_wrong_pipeline_is_told_before_anything_starts(project: Mlrun) -> None:
    run_driver(
        project,
        """
pipeline = make()
refused(UserErrorException, "colour; rows", pipeline.submit, "cars", pipeline_parameters={"colour": 1})
refused(UserErrorException, "rows; int", pipeline.submit, "cars", pipeline_parameters={"rows": "many"})
refused(UserErrorException, "wrong=; regenerate_outputs=", pipeline.submit, "cars", **{"wrong=": 1})
refused(UserErrorException, "missing.py", Pipeline(workspace, steps=[script("missing.py")]).submit, "cars")
first, second = script(name="first"), script(name="second")
first.run_after(second)
second.run_after(first)
problems = Pipeline(workspace, steps=[first, second]).validate()
assert len(problems) >= 1 and "first" in problems[0], problems
""",
    )


def test_a_published_pipeline_runs_as_it_was_when_it_was_published(project: Mlrun) -> None:
    run_driver(
        project,
        """
published = make().publish("cars pipeline", "of cars", version="1.0")
same([published.name, published.description, published.version, published.status, published.total_run_steps],
     ["cars pipeline", "of cars", "1.0", "Active", 2])
assert published.endpoint.endswith("/pipelines/" + published.id), published.endpoint
assert published.portal_url.endswith("/pipelines/" + published.id), published.portal_url
same([published.get_portal_url(), published.portal_url == published.endpoint], [published.portal_url, False])
with open("src/prepare.py", "w") as file:
    file.write("raise SystemExit(3)")
run = published.submit(workspace, "cars", {"rows": 7})
same(run.wait_for_completion(show_output=False), "Finished")
same(run.find_step_run("train")[0].get_metrics(), {"rows": 7})
found = PublishedPipeline.get(workspace, published.id)
second = Experiment(workspace, "cars").submit(found, pipeline_parameters={"rows": 8})
second.wait_for_completion(show_output=False)
same(second.find_step_run("train")[0].get_metrics(), {"rows": 8})
same([one.id for one in PipelineRun.get_pipeline_runs(workspace, published.id)], [second.id, run.id])
same([found.get_step_names(), found.workspace], [["train", "prepare"], workspace])
same([one.id for one in PublishedPipeline.list(workspace)], [published.id])
found.disable()
same([PublishedPipeline.list(workspace), len(PublishedPipeline.list(workspace, active_only=False))], [[], 1])
refused(UserErrorException, "cars pipeline; disabled; enable", found.submit, workspace, "cars")
found.enable()
again = run.publish_pipeline("from a run", "d", "2")
third = again.submit(workspace, "cars")
same(third.wait_for_completion(show_output=False), "Finished")
refused(AzureMLException, "no published pipeline 'x'", PublishedPipeline.get, workspace, "x")
""",
    )


def test_a_value_for_no_parameter_of_a_published_pipeline_is_left_out_with_a_warning(project: Mlrun) -> None:
    code = """
published = make().publish("cars pipeline", "of cars")
for submit in (lambda values: published.submit(workspace, "cars", values),
               lambda values: Experiment(workspace, "cars").submit(published, pipeline_parameters=values)):
    run = submit({"rows": 7, "row": 8})
    run.wait_for_completion(show_output=False)
    same(run.find_step_run("train")[0].get_metrics(), {"rows": 7})
refused(UserErrorException, "'row'; 'rows'", make().submit, "cars", pipeline_parameters={"row": 8})
"""
    done = project.run(sys.executable, "-c", DRIVING + BEGINNING + PIPELINE + code)
    assert done.returncode == 0, done.stderr
    assert len(re.findall("WARNING: .*'row'.*'rows'", done.stderr)) == 2
    assert len(done.stderr.splitlines()) == 2


def test_a_wrong_name_of_an_experiment_is_told_once_and_of_no_step(project: Mlrun) -> None:
    run_driver(
        project,
        """
message = str(error_of(make().submit, "a/b"))
same([message.count("'a/b'"), "prepare" in message, "train" in message], [1, False, False])
""",
    )


def test_an_endpoint_submits_its_default_version(project: Mlrun) -> None:
    run_driver(
        project,
        """
first = make(rows=1).publish("first")
endpoint = PipelineEndpoint.publish(workspace=workspace, name="cars", pipeline=first, description="e")
refused(UserErrorException, "'cars'", PipelineEndpoint.publish, workspace, "cars", "e", first)
endpoint.add_default(make(rows=2))
same([endpoint.get_default_version(), len(endpoint.list_versions())], ["1", 2])
run = endpoint.submit("cars")
run.wait_for_completion(show_output=False)
same(run.find_step_run("train")[0].get_metrics(), {"rows": 2})
run = endpoint.submit("cars", pipeline_version="0")
run.wait_for_completion(show_output=False)
same(run.find_step_run("train")[0].get_metrics(), {"rows": 1})
found = PipelineEndpoint.get(workspace, name="cars")
found.set_default_version("0")
same(PipelineEndpoint.get(workspace, id=endpoint.id).get_pipeline().id, first.id)
refused(UserErrorException, "'7'; 0, 1", found.set_default_version, "7")
found.disable()
same([PipelineEndpoint.list(workspace), len(PipelineEndpoint.list(workspace, active_only=False))], [[], 1])
count = len(list(Experiment(workspace, "cars").get_runs()))
refused(UserErrorException, "'cars'; disabled; PipelineEndpoint.enable()", endpoint.submit, "cars")
refused(UserErrorException, "'cars'; disabled", endpoint.submit, "cars", pipeline_version="0")
refused(UserErrorException, "'cars'; disabled", Experiment(workspace, "cars").submit, found)
same(len(list(Experiment(workspace, "cars").get_runs())), count)
found.enable()
same(endpoint.submit("cars").wait_for_completion(show_output=False), "Finished")
refused(AzureMLException, "'none'", PipelineEndpoint.get, workspace, name="none")
for name in ("", " "):
    refused(UserErrorException, "name", PipelineEndpoint.publish, workspace, name, "e", first)
    refused(UserErrorException, "name", found.set_name, name)
    refused(UserErrorException, "name", make().publish, name)
""",
    )


def test_a_schedule_of_a_disabled_endpoint_tells_it_and_goes_on(project: Mlrun) -> None:
    code = """
from azureml.pipeline.core import Schedule, ScheduleRecurrence
endpoint = PipelineEndpoint.publish(workspace=workspace, name="cars", pipeline=make(), description="e")
endpoint.disable()
schedule = Schedule.create_for_pipeline_endpoint(
    workspace, "often", endpoint.id, "cars", recurrence=ScheduleRecurrence("Minute", 15))
print(schedule.id)
"""
    done = project.run(sys.executable, "-c", DRIVING + BEGINNING + PIPELINE + code)
    assert done.returncode == 0, done.stderr
    schedule_id = done.stdout.split()[-1]

    def find_problem() -> str | None:
        return project.json("pipeline", "show-schedule", "-s", schedule_id)["problem"]  # type: ignore[no-any-return]

    problem = str(until(find_problem))
    assert "'cars'" in problem and "disabled" in problem
    assert project.json("pipeline", "pipeline-runs-list", "-s", schedule_id) == []
    run_driver(project, "PipelineEndpoint.get(workspace, name='cars').enable()")
    for pid in project.programs("schedule_keeper.py"):
        kill(pid)
        until(lambda pid=pid: not is_alive(pid))  # type: ignore[misc]
    project.execute("UPDATE schedules SET next_at = ?", int(time.time() * 1_000_000))
    project("run", "list")
    until(lambda: project.json("pipeline", "pipeline-runs-list", "-s", schedule_id))
    until(lambda: find_problem() is None)  # which is recorded after the run
    project("pipeline", "disable-schedule", "-s", schedule_id)


def test_steps_read_tables_paths_and_values_as_their_scripts_expect_them(project: Mlrun) -> None:
    project.script(PANDAS, "src/pandas.py")
    project.script(
        """
import os, sys
from azureml.core import Run
table, files, folder, path, nodes = sys.argv[1:]
run = Run.get_context()
run.log("table", len(run.input_datasets["table"].to_pandas_dataframe()))
run.log("files", len(os.listdir(files)))
run.log("same", run.input_datasets["files"] == files)
run.log("folder", os.path.basename(folder))
run.log("variable", os.path.basename(os.environ["AZUREML_DATAREFERENCE_the_path"]))
""",
        "src/read.py",
    )
    project.script(
        "import os, sys\nwith open(os.path.join(sys.argv[1], 'a.csv'), 'w') as file: file.write('x,y\\n1,2\\n3,4\\n')",
        "src/write.py",
    )
    run_driver(
        project,
        """
made = OutputFileDatasetConfig("made").as_upload().register_on_complete("made-set")
table = made.read_delimited_files().register_on_complete("table-set")
write = script("write.py", name="write", arguments=[table], outputs=[table])
folder = DataReference(store, path_on_datastore="given")  # with a random name, which may begin with a digit
folder.data_reference_name = "0" + folder.data_reference_name
path = (PipelineParameter("the path", DataPath(store, "given/inner")), DataPathComputeBinding(mode="mount"))
nodes = PipelineParameter("nodes", 1)
read = script("read.py", name="read", inputs=[folder, path], arguments=[
    table.as_input("table"), made.as_input("files").as_mount(), folder, path, nodes,
], runconfig_pipeline_params={"NodeCount": nodes})
os.makedirs("given/inner")
store.upload("given", "given")
with open("given/inner/a", "w"), open("given/inner/b", "w"):
    pass
store.upload("given", "given")
run = Pipeline(workspace, steps=[read, write]).submit("cars")
same(run.wait_for_completion(show_output=False), "Finished")
same(run.find_step_run("read")[0].get_metrics(), {
    "table": 2, "files": 1, "same": True, "folder": "given", "variable": "inner",
})
same(type(Dataset.get_by_name(workspace, "table-set")).__name__, "TabularDataset")
""",
    )


def test_a_sweep_is_a_step_whose_runs_are_found(project: Mlrun) -> None:
    project.script(
        "import os, sys\nfrom azureml.core import Run\nRun.get_context().log('score', float(sys.argv[-1]))\n"
        "os.makedirs('outputs/more', exist_ok=True)\n"
        "for name in ('outputs/model.txt', 'outputs/more/a.txt'):\n    open(name, 'w').write('rate ' + sys.argv[-1])\n",
        "src/score.py",
    )
    project.script(
        "import os, sys\nfor top, _, names in sorted(os.walk(sys.argv[1])):\n"
        "    for name in sorted(names):\n        print(os.path.relpath(os.path.join(top, name), sys.argv[1]))\n",
        "src/listing.py",
    )
    project.script("import sys; print(*(open(path).read() for path in sys.argv[1:]), sep='\\n')", "src/show.py")
    run_driver(
        project,
        """
from azureml.train.hyperdrive import *
config = HyperDriveConfig(
    GridParameterSampling({"--rate": choice(1, 2)}), "score", PrimaryMetricGoal.MAXIMIZE, 2,
    run_config=ScriptRunConfig("src", script="score.py"),
)
metrics = PipelineData("metrics", training_output=TrainingOutput("Metrics"))
model = PipelineData("model", training_output=TrainingOutput("Model", model_file="outputs/model.txt"),
                     pipeline_output_name="best")
folder = PipelineData("folder", training_output=TrainingOutput("Model", model_file="./outputs/"))
sweep = HyperDriveStep("sweep", hyperdrive_run_config=config, outputs=[metrics, model, folder])
show = script("show.py", name="show", inputs=[metrics, model], arguments=[metrics, model])
listing = script("listing.py", name="listing", inputs=[folder], arguments=[folder])
run = Pipeline(workspace, steps=[show, listing, sweep]).submit("cars")
same(run.wait_for_completion(show_output=False), "Finished")
lines = run.find_step_run("show")[0].get_stdout_log().splitlines()
same(lines[1], "rate 2")
same(run.find_step_run("listing")[0].get_stdout_log().split(), ["model.txt", "more/a.txt"])
same(run.get_pipeline_output("best").download("best") is not None, True)
found = HyperDriveStepRun(run.find_step_run("sweep")[0])
best = found.get_best_run_by_primary_metric()
same([best.get_metrics(), len(list(found.get_children()))], [{"score": 2}, 2])
same(json.loads(lines[0])[best.id], {"score": [2]})
lost = PipelineData("lost", training_output=TrainingOutput("Model", model_file="outputs/none.txt"))
run = Pipeline(workspace, steps=[HyperDriveStep("sweep", config, outputs=[lost])]).submit("cars")
same(run.wait_for_completion(show_output=False, raise_on_error=False), "Failed")
message = run.get_details()["error"]["error"]["message"]
same(["'lost'" in message, "outputs/none.txt" in message], [True, True])
""",
    )


def test_a_notebook_shows_the_graph_and_the_steps(project: Mlrun) -> None:
    shown = json.loads(
        run_driver(
            project,
            """
import sys, types
shown = []
class Shell: pass
display = types.ModuleType("IPython.display")
display.display = lambda bundle, **named: shown.append(bundle["text/html"])
package = types.ModuleType("IPython")
package.display, package.get_ipython = display, Shell
from azureml.widgets import RunDetails
data = PipelineData("data")
steps = [
    script("prepare.py", name="prepare", arguments=[data, 1], outputs=[data]),
    script("train.py", name="<train>", arguments=[data], inputs=[data], params={"DEPTH": 1}),
]
for _ in range(2):
    run = Pipeline(workspace, steps=steps).submit("cars")
    run.wait_for_completion(show_output=False)
sys.modules.update({"IPython": package, "IPython.display": display})
RunDetails(run).show()
print(json.dumps(shown))
""",
        ).splitlines()[-1]
    )
    (page,) = shown
    drawing = ET.fromstring(re.findall(r"<svg.*?</svg>", page)[0])
    space = "{http://www.w3.org/2000/svg}"
    assert [box.findtext(f"{space}text") for box in drawing.findall(f"{space}g")] == ["prepare", "<train>"]
    tops = [int(box.attrib["y"]) for box in drawing.iter(f"{space}rect")]
    assert tops[0] < tops[1]
    assert len(drawing.findall(f"{space}path")) == 1
    rows = [re.findall(r"<t[dh]>(.*?)</t[dh]>", row) for row in re.findall(r"<tr>(.*?)</tr>", page)]
    assert [row[:2] for row in rows if len(row) == 4] == [
        ["Step", "Status"],
        ["prepare", "Reused"],
        ["&lt;train&gt;", "Reused"],
    ]


def test_an_uploaded_output_is_the_dataset_of_its_place_and_a_taken_place_is_told_with_the_step(project: Mlrun) -> None:
    run_driver(
        project,
        """
def submit():
    taken = OutputFileDatasetConfig("taken", (store, "kept/here")).as_upload(overwrite=False)
    run = Pipeline(workspace, steps=[script("prepare.py", arguments=[taken, 3], allow_reuse=False)]).submit("cars")
    run.wait_for_completion(show_output=False, raise_on_error=False)
    [step] = run.get_steps()
    return run, step.get_details()

run, details = submit()
[output] = details["outputDatasets"]
same([run.get_status(), output["outputDetails"]["outputName"]], ["Finished", "taken"])
same(output["dataset"].to_path(), ["/rows.txt"])
same(details["runDefinition"]["outputData"]["taken"]["outputLocation"]["dataPath"]["relativePath"], "kept/here")
run, details = submit()
reason = details["error"]["error"]["message"]
same([run.get_status(), details["status"], "rows.txt" in reason], ["Failed", "Failed", True])
same(run.get_details()["error"]["error"]["message"].count("'taken'"), 1)
""",
    )


def test_what_a_step_could_not_put_in_its_place_is_not_used_again(project: Mlrun) -> None:
    run_driver(
        project,
        """
with open("rows.txt", "w") as file:
    file.write("of somebody else")
store.upload_files(["rows.txt"], target_path="there", show_progress=False)
taken = OutputFileDatasetConfig("taken", (store, "there")).as_upload(overwrite=False)
for _ in range(2):
    run = Pipeline(workspace, steps=[script("prepare.py", arguments=[taken, 3])]).submit("cars")
    same(run.wait_for_completion(show_output=False, raise_on_error=False), "Failed")
    [step] = run.get_steps()
    step.download_file("logs/azureml/executionlogs.txt", "log.txt")
    with open("log.txt") as file:
        log = file.read()
    assert "Not reused" in log, log
""",
    )
