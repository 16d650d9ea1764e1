"""`run submit-pipeline`: its options, what it prints where, and what it refuses."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from tests.running import Mlrun

PIPELINE = """\
pipeline:
  name: my pipeline
  parameters:
    count: {type: int, default: 1}
    rate: {type: float, default: 0.5}
    is_on: {type: bool, default: false}
    name: {type: string, default: x}
    where: {type: datapath, default: {datastore: workspaceblobstore, path_on_datastore: a}}
    unused: {type: string, default: x}
  steps:
    Write:
      type: PythonScriptStep
      script_name: write.py
      parameters:
        count: {source: count}
        rate: {source: rate}
        is_on: {source: is_on}
        name: {source: name}
      arguments: ['parameter:count', 'parameter:rate', 'parameter:is_on', 'parameter:name', 'input:where']
      inputs:
        where: {source: where}
"""
SCRIPT = """
import json, os, sys
print(json.dumps(sys.argv[1:]))
sys.exit(os.environ["AML_PARAMETER_name"] == "fail")
"""


@pytest.fixture
def ready(mlrun: Mlrun) -> Mlrun:
    (mlrun.folder / "write.py").write_text(SCRIPT, encoding="utf-8")
    (mlrun.folder / "p.yml").write_text(PIPELINE, encoding="utf-8")
    return mlrun


def read_arguments(mlrun: Mlrun, run_id: str) -> list[str]:
    [step] = mlrun.json("run", "list", "--parent-run-id", run_id)
    words: list[str] = json.loads(mlrun("run", "monitor-logs", "-r", step["run_id"]).stdout)
    return words


def test_values_have_the_declared_types_and_commas_within_them_stay(ready: Mlrun) -> None:
    words = ("-p", "count=7,rate=1e-3,is_on=true", "-p", "name=a,b", "-d", "where=workspacefilestore/x/y")
    run = ready.json("run", "submit-pipeline", "-y", "p.yml", *words, "--stream")
    *values, folder = read_arguments(ready, run["run_id"])
    assert values == ["7", "0.001", "True", "a,b"]
    assert folder.endswith("x/y")
    assert json.loads(run["properties"]["azureml.parameters"])["where"] == "workspacefilestore/x/y"


def test_stdout_holds_the_record_alone_and_stderr_what_az_prints_before_it(ready: Mlrun) -> None:
    done = ready("run", "submit-pipeline", "-y", "p.yml", "-n", "other", "-f", "run.json", "-t", "meta.json")
    run = json.loads(done.stdout)
    assert run["_experiment_name"] == "other"
    assert run["status"] not in {"Completed", "Failed"}
    assert re.search(r"Created step write.py \[[0-9a-f]{8}\]\[[0-9a-f-]{36}\], \(This step is eligible", done.stderr)
    assert f"Submitted PipelineRun {run['run_id']}" in done.stderr
    assert "no step uses the parameter 'unused'" in done.stderr
    for name in ("run.json", "meta.json"):
        assert json.loads((ready.folder / name).read_text(encoding="utf-8"))["run_id"] == run["run_id"]
    assert ready.wait_for_status(run["run_id"], "Completed", "Failed") == "Completed"


def test_the_experiment_is_named_as_the_pipeline_unless_another_is_named(ready: Mlrun) -> None:
    done = ready("run", "submit-pipeline", "-y", "p.yml", "--stream")
    run = json.loads(done.stdout)
    assert run["_experiment_name"] == "my pipeline"
    assert (run["display_name"], run["status"]) == ("my pipeline", "Completed")
    assert "The experiment is 'my pipeline'" in done.stderr


def test_a_pipeline_without_a_usable_name_goes_to_the_attached_experiment_and_says_so(ready: Mlrun) -> None:
    (ready.folder / "p.yml").write_text(PIPELINE.replace("name: my pipeline", "name: a/b"), encoding="utf-8")
    done = ready("run", "submit-pipeline", "-y", "p.yml")
    name = json.loads(done.stdout)["_experiment_name"]
    assert name != "a/b"
    assert f"The experiment is '{name}'" in done.stderr
    assert "The experiment" not in ready("run", "submit-pipeline", "-y", "p.yml", "-n", "other").stderr


def test_the_exit_code_of_a_streamed_pipeline_is_its_outcome(ready: Mlrun) -> None:
    done = ready("run", "submit-pipeline", "-y", "p.yml", "-p", "name=fail", "--stream", check=False)
    assert done.returncode == 1
    run = json.loads(done.stdout)
    assert run["status"] == "Failed"
    assert "write.py" in run["error"]["error"]["message"]
    (step,) = ready.json("run", "list", "--parent-run-id", run["run_id"])
    why = ready("run", "monitor-logs", "-r", run["run_id"], "--failed", check=False)
    assert (why.returncode, json.loads(why.stdout.splitlines()[0])[3]) == (1, "fail")
    assert f"The first run of {run['run_id']} that failed is {step['run_id']}:" in why.stderr
    assert ready.json("run", "submit-pipeline", "-y", "p.yml", "-p", "name=fail")["run_id"]


@pytest.mark.parametrize(
    ("words", "fact"),
    [
        (["-p", "cuont=7"], "Did you mean 'count'"),
        (["-p", "count=seven"], "int"),
        (["-p", "count"], "no value"),
        (["-p", "count=1", "-p", "count=2"], "two values"),
        (["-p", "where=a/b"], "--datapaths where=STORE/PATH"),
        (["-d", "where=store"], "STORE/PATH"),
        (["-d", "count=a/b"], "--parameters count=VALUE"),
    ],
)
def test_wrong_values_are_wrong_usage(ready: Mlrun, words: list[str], fact: str) -> None:
    failure = ready.fails("run", "submit-pipeline", "-y", "p.yml", *words)
    assert fact in failure.text
    assert ready.json("run", "list", "--all-experiments") == []


@pytest.mark.parametrize(("file", "exit_code"), [("nowhere/run.json", 1), (".", 2)])
def test_nothing_starts_if_the_record_cannot_be_written(ready: Mlrun, file: str, exit_code: int) -> None:
    submit = ("run", "submit-pipeline", "-y", "p.yml", "--stream")
    publish = ("pipeline", "create", "-y", "p.yml", "-n", "cars")
    for words in (submit, publish):
        assert file in ready.fails(*words, "-f", file, exit_code=exit_code).message
    assert ready.json("run", "list", "--all-experiments") == []
    assert ready.json("pipeline", "list") == []


def test_a_datastore_that_does_not_exist_is_not_found(ready: Mlrun) -> None:
    failure = ready.fails("run", "submit-pipeline", "-y", "p.yml", "-d", "where=nowhere/b", exit_code=3)
    assert failure.target == "nowhere"


def test_all_problems_of_a_file_are_told_with_file_and_line(ready: Mlrun) -> None:
    text = PIPELINE.replace("input:where", "input:there").replace("default: 0.5", "default: half")
    (ready.folder / "p.yml").write_text(text, encoding="utf-8")
    with ready.error_format("json"):
        done = ready("run", "submit-pipeline", "-y", "p.yml", check=False)
    assert done.returncode == 2
    problems = json.loads(done.stderr.splitlines()[-1])["error"]["problems"]
    assert [(Path(one["file"]).name, one["line"]) for one in problems] == [("p.yml", 5), ("p.yml", 19)]


def test_the_failed_script_of_a_step_is_started_again_if_that_is_wanted(ready: Mlrun) -> None:
    (ready.folder / "write.py").write_text(
        "import os, sys\nsys.exit(75 if os.environ['MLRUN_ATTEMPT'] == '1' else 0)", encoding="utf-8"
    )
    run = ready.json("run", "submit-pipeline", "-y", "p.yml", "--retry", "2", "--retry-on", "exit:75", "--stream")
    assert run["status"] == "Completed"
    [step] = ready.json("run", "list", "--parent-run-id", run["run_id"])
    assert len(step["attempts"]) == 2
    assert ready.fails("run", "submit-pipeline", "-y", "p.yml", "--retry-on", "exit").target == "--retry-on"


def test_a_pipeline_gets_a_name_a_description_properties_and_variables(ready: Mlrun) -> None:
    ready.script("import os; print(os.environ['SIZE'], os.environ['AML_PARAMETER_name'])", "write.py")
    words = ("--display-name", "mine", "--description", "long", "--property", "a=1", "--env", "SIZE=7", "--tag", "b=2")
    run = ready.json("run", "submit-pipeline", "-y", "p.yml", *words, "--stream")
    assert (run["display_name"], run["description"], run["status"]) == ("mine", "long", "Completed")
    assert (run["properties"]["a"], run["tags"]) == ("1", {"b": "2"})
    (step,) = ready.json("run", "list", "--parent-run-id", run["run_id"])
    assert ready.log(step["run_id"]).strip() == "7 x"
    assert step["display_name"] == "write.py"
    plan = ready("run", "submit-pipeline", "-y", "p.yml", "--env", "SIZE=8", "--dry-run").stdout
    assert "variable SIZE is '8', and was '7'." in " ".join(plan.split())


def test_a_file_that_nobody_has_put_there_is_refused_and_one_that_a_step_may_write_is_told(ready: Mlrun) -> None:
    (ready.folder / "p.yml").write_text(PIPELINE.replace("path_on_datastore: a", "path_on_datastore: a.csv"), "utf-8")
    refusal = ready.fails("run", "submit-pipeline", "-y", "p.yml", exit_code=3)
    assert "no file a.csv in datastore 'workspaceblobstore'" in refusal.text
    datastore = ready.database.parent / "datastores" / "workspaceblobstore"
    assert not (datastore / "a.csv").exists()
    outputs = "      outputs:\n        done: {destination: done, datastore: workspaceblobstore}\n"
    first = f"    Before:\n      type: PythonScriptStep\n      script_name: before.py\n{outputs}"
    text = (ready.folder / "p.yml").read_text("utf-8").replace("    Write:\n", f"{first}    Write:\n")
    (ready.folder / "p.yml").write_text(f"{text}        done: {{source: done}}\n", "utf-8")
    (ready.folder / "before.py").write_text(f"open({str(datastore / 'a.csv')!r}, 'w').close()", "utf-8")
    done = ready("run", "submit-pipeline", "-y", "p.yml", "--stream")
    assert "a.csv is not yet in datastore 'workspaceblobstore': a step before has to write it" in done.stderr
    assert (datastore / "a.csv").is_file()


MISSPELT = """\
pipeline:
  nme: x
  data_references:
    d: {datset_name: x}
    f: {datastor: x, path_on_datastore: a}
  steps:
    A:
      type: PythonScriptStep
      scriptname: write.py
      inputs: {i: {sorce: d}}
      outputs: {o: {destinaton: d}}
      parameters: {x: {sourc: rate}}
    B:
      type: HyperDriveStep
      script_name: write.py
      hyperdrive_config: x.yml
    C:
      type: ParallelRunStep
      parallelrun_config: {entryscript: write.py}
"""


def test_misspelt_keys_are_told_with_line_and_the_nearest_key(ready: Mlrun) -> None:
    (ready.folder / "p.yml").write_text(MISSPELT, encoding="utf-8")
    failure = ready.fails("run", "submit-pipeline", "-y", "p.yml")
    notes = "\n".join(failure.warnings)
    for line, typed, meant in (
        (2, "nme", "name"),
        (9, "scriptname", "script_name"),
        (10, "sorce", "source"),
        (11, "destinaton", "destination"),
        (16, "hyperdrive_config", "hyperdrive_configuration"),
        (19, "parallelrun_config", "parallel_run_config"),
    ):
        assert re.search(rf"line {line}: '{typed}' .*'{meant}'\?", notes)
    for line, typed in ((4, "datset_name"), (5, "datastor"), (10, "sorce"), (11, "destinaton"), (12, "sourc")):
        assert re.search(rf"line {line}: .*\n?.*'{typed}'\?", failure.text)


@pytest.mark.parametrize("runconfig", ["", "      runconfig: cpu.runconfig\n"])
def test_a_step_without_script_names_the_key_of_the_pipeline(ready: Mlrun, runconfig: str) -> None:
    (ready.folder / "cpu.runconfig").write_text("target: local\n", encoding="utf-8")
    lines = ["pipeline:", "  steps:", "    A:", "      type: PythonScriptStep", "      scriptname: write.py", runconfig]
    (ready.folder / "p.yml").write_text("\n".join(lines), encoding="utf-8")
    failure = ready.fails("run", "submit-pipeline", "-y", "p.yml", "-n", "exp")
    assert "p.yml, line 4" in failure.message
    assert "script_name" in failure.hint
    assert "submit-script" not in failure.text


def test_misspelt_keys_of_a_schedule_are_told_with_line_and_the_nearest_key(ready: Mlrun) -> None:
    pipeline = ready.json("pipeline", "create", "-y", "p.yml", "-n", "mine")["id"]
    lines = ["Schedule:", "  descripton: x", "  recurrence: {frequency: Day, intervall: 1}"]
    (ready.folder / "s.yml").write_text("\n".join(lines), encoding="utf-8")
    failure = ready.fails("pipeline", "create-schedule", "-n", "daily", "-e", "exp", "-i", pipeline, "-y", "s.yml")
    for line, typed, meant in ((2, "descripton", "description"), (3, "intervall", "interval")):
        assert re.search(rf"line {line}: .*{typed}: .*\n.*'{meant}'\?", failure.text)


def test_misspelt_keys_of_a_sweep_are_told_even_if_others_are_missing(ready: Mlrun) -> None:
    lines = ["policy: {typ: BanditPolicy}", "sampling: {type: grid, parameter_spac: []}", "max_total_run: 3"]
    (ready.folder / "hd.yml").write_text("\n".join(lines), encoding="utf-8")
    failure = ready.fails("run", "submit-hyperdrive", "--hyperdrive-configuration-name", "hd.yml", "write.py")
    assert re.search(r"line 1: policy.typ .*type\?", "\n".join(failure.warnings))
    assert "'parameter_spac'?" in failure.text
    assert "'max_total_run'?" in failure.text
