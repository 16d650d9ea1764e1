"""Sweeps and pipelines that are submitted again, from what is stored of them or from their folders."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.running import Mlrun, find_files_with

SECRET = "hunter2-hunter2"
SCRIPT = """
import os, sys, time
from azureml.core import Run
print(sys.argv[1:], os.environ.get("SIZE"), os.environ.get("API_KEY"))
Run.get_context().log("loss", float(sys.argv[-1]))
while os.path.exists(os.environ.get("HELD_BY", "")):
    time.sleep(0.05)
if os.path.exists("fails") or os.environ.get("FAILS"):
    sys.exit("failed on purpose")
"""
STEP = """
import os, sys, time
print(sys.argv[1:], os.environ.get("AML_PARAMETER_password"), os.environ.get("API_KEY"))
os.makedirs(sys.argv[1], exist_ok=True)
open(os.path.join(sys.argv[1], "rows"), "w").write(sys.argv[2])
while os.path.exists(os.environ.get("HELD_BY", "")):
    time.sleep(0.05)
if os.environ.get("FAILS") == os.path.basename(sys.argv[0]):
    sys.exit("failed on purpose")
"""
PIPELINE = """
pipeline:
  name: cars
  parameters:
    rows: {type: int, default: 3}
    where: {type: datapath, default: {datastore: workspaceblobstore, path_on_datastore: in}}
    password: {type: string, default: none}
  steps:
    Prepare:
      type: PythonScriptStep
      script_name: prepare.py
      source_directory: steps
      arguments: ['output:out', 'parameter:rows', 'input:where']
      parameters: {rows: {source: rows}}
      inputs: {where: {source: where}}
      outputs: {out: {destination: out}}
    Train:
      type: PythonScriptStep
      script_name: train.py
      source_directory: steps
      arguments: ['output:model', 'input:points', '--password', 'parameter:password']
      parameters: {password: {source: password}}
      inputs: {points: {source: out}}
      outputs: {model: {destination: model}}
"""


@pytest.fixture
def mlrun(tmp_path: Path) -> Iterator[Mlrun]:
    """An attached folder with a script for sweeps and a pipeline."""
    command = Mlrun(tmp_path)
    command.script(SCRIPT)
    command.script(STEP, "steps/prepare.py")
    command.script(STEP, "steps/train.py")
    command.script(PIPELINE, "pipeline.yml")
    yield command
    command.close()


def sweep(mlrun: Mlrun, *words: str) -> dict[str, Any]:
    """Run a sweep of two draws with options and the words of its script, and return its record."""
    options = ("--random", "lr=uniform(0,1)", "--max", "2", "--minimize", "loss")
    record: dict[str, Any] = json.loads(mlrun("run", "sweep", *options, *words, check=False).stdout)
    return record


def submit_pipeline(mlrun: Mlrun, *words: str) -> dict[str, Any]:
    """Run the pipeline to its end, and return its record."""
    words = ("-n", "exp", "-p", f"password={SECRET}", "--stream", *words)
    file = () if "-i" in words else ("-y", "pipeline.yml")
    done = mlrun("run", "submit-pipeline", *file, *words, check=False)
    assert done.stdout, done.stderr
    record: dict[str, Any] = json.loads(done.stdout)
    return record


def rerun(mlrun: Mlrun, run: dict[str, Any], *words: str) -> dict[str, Any]:
    """Submit a run again, follow it to its end, and return its record."""
    done = mlrun("run", "rerun", "-r", run["run_id"], *words, check=False)
    assert done.stdout, done.stderr
    record: dict[str, Any] = json.loads(done.stdout)
    assert record["tags"]["rerun_of"] == run["run_id"]
    return record


def list_logs(mlrun: Mlrun, run: dict[str, Any]) -> list[str]:
    """Return what the child runs of a run have printed, in their order."""
    children = mlrun.json("run", "list", "--parent-run-id", run["run_id"])
    return [mlrun.log(child["run_id"]).strip() for child in reversed(children)]


def find_reused(mlrun: Mlrun, run: dict[str, Any]) -> set[str]:
    """Return the names of the steps of a pipeline that did not run."""
    children = mlrun.json("run", "list", "--parent-run-id", run["run_id"])
    return {child["display_name"] for child in children if child["properties"].get("azureml.isreused")}


def test_a_sweep_is_repeated_from_its_snapshot_with_the_same_draws(mlrun: Mlrun) -> None:
    first = sweep(mlrun, "--tag", "team=a", "--env", "SIZE=7", "train.py", "--epochs", "3")
    mlrun.script("raise SystemExit('another script')")
    moved = mlrun.folder.with_name("gone")
    shutil.copytree(mlrun.folder / ".azureml", moved / ".azureml")
    shutil.rmtree(mlrun.folder / "steps")

    again = rerun(mlrun, first, "--tag", "more", "--path", str(moved))

    assert again["run_id"].startswith("HD_") and again["status"] == "Completed"
    assert list_logs(mlrun, again) == list_logs(mlrun, first)
    assert len(list_logs(mlrun, again)) == 2
    assert again["tags"]["team"] == "a" and "more" in again["tags"]
    assert again["tags"]["generator_config"] == first["tags"]["generator_config"]
    assert again["properties"]["ContentSnapshotId"] == first["properties"]["ContentSnapshotId"]
    third = rerun(mlrun, again)
    assert list_logs(mlrun, third) == list_logs(mlrun, first)
    child = mlrun.json("run", "list", "--parent-run-id", third["run_id"])[0]
    single = mlrun.json("run", "rerun", "-r", child["run_id"])
    assert mlrun.log(single["run_id"]) == mlrun.log(child["run_id"])
    assert single.get("parent_run_id") is None


def test_what_failed_in_a_sweep_is_repeated_with_the_same_draws(mlrun: Mlrun) -> None:
    mlrun.script("import os, sys\nprint(sys.argv[1:])\nsys.exit(int(os.environ.get('FAILS') in sys.argv))")
    mlrun.environment["FAILS"] = "2"
    words = ("--grid", "lr=1,2,3", "--minimize", "loss", "train.py", "--lr", "{lr}")
    parent = json.loads(mlrun("run", "sweep", *words, check=False).stdout)["run_id"]
    children = mlrun.json("run", "list", "--parent-run-id", parent)
    (failed,) = (child["run_id"] for child in children if child["status"] == "Failed")
    del mlrun.environment["FAILS"]

    (again,) = mlrun.json("run", "rerun", "--failed", "-r", parent)

    assert (again["status"], again["tags"]["rerun_of"]) == ("Completed", failed)
    assert mlrun.log(again["run_id"]) == mlrun.log(failed) == "['--lr', '2']\n"
    assert mlrun.json("run", "rerun", "--failed", "-r", parent) == []


def test_steps_that_failed_are_repeated_with_their_pipeline(mlrun: Mlrun) -> None:
    mlrun.environment["FAILS"] = "train.py"
    failed = submit_pipeline(mlrun)
    refusal = mlrun.fails("run", "rerun", "--failed", "-r", failed["run_id"])
    assert refusal.code == "RunNotRepeatable"
    assert f"mlrun run rerun -r {failed['run_id']}" in refusal.text


def test_a_sweep_is_repeated_with_another_seed_and_another_fixed_argument(mlrun: Mlrun) -> None:
    first = sweep(mlrun, "train.py", "--epochs", "3")

    again = rerun(mlrun, first, "--seed", "12", "--set", "epochs=4", "--env", "SIZE=8")

    before, after = list_logs(mlrun, first), list_logs(mlrun, again)
    assert [line.split(", ")[1] for line in after] == ["'4'", "'4'"]
    assert [line.replace("'4'", "'3'").replace(" 8 ", " None ") for line in after] != before
    assert json.loads(again["tags"]["generator_config"])["properties"]["seed"] == 12
    drawn = mlrun.json("run", "rerun", "-r", again["run_id"], "--dry-run")
    assert [one["values"] for one in drawn["draws"]] == [
        json.loads(again["tags"][f"{again['run_id']}_{n}"]) for n in range(2)
    ]
    refusal = mlrun.fails("run", "rerun", "-r", first["run_id"], "--set", "lr=1")
    assert (refusal.code, "'lr' is drawn" in refusal.text) == ("ConflictingOptions", True)
    new = ("run", "sweep", "--grid", "lr=1,2", "--minimize", "loss", "--after", first["run_id"], "train.py")
    assert mlrun.fails(*new).code == "ConflictingOptions"
    for words in (("--after", first["run_id"]), ("--begin", "+2h"), ("--regenerate-outputs",)):
        assert mlrun.fails("run", "rerun", "-r", first["run_id"], *words).code == "ConflictingOptions"
    refusal = mlrun.fails("run", "resume", "-r", first["run_id"])
    assert (refusal.code, f"run rerun -r {first['run_id']}" in refusal.text) == ("RunNotRepeatable", True)


def test_a_sweep_is_repeated_with_the_folder_as_it_is_now(mlrun: Mlrun) -> None:
    first = sweep(mlrun, "--env", "SIZE=7", "train.py", "--epochs", "3")
    mlrun.script(SCRIPT.replace("print(", "print('changed', "))

    done = mlrun("run", "rerun", "-r", first["run_id"], "--current-code")

    again = json.loads(done.stdout)
    assert "changed train.py" in done.stderr
    assert list_logs(mlrun, again) == [f"changed {line}" for line in list_logs(mlrun, first)]
    assert again["tags"]["rerun_of"] == first["run_id"]


def test_secrets_of_a_sweep_have_to_be_given_again(mlrun: Mlrun) -> None:
    first = sweep(mlrun, "--env", f"API_KEY={SECRET}", "train.py", "--password", SECRET)
    again = ("run", "rerun", "-r", first["run_id"])

    for words in ((), ("--env", "API_KEY=x"), ("--set", "password=y"), ("--current-code",)):
        refusal = mlrun.fails(*again, *words)
        assert refusal.code == "RunNotRepeatable"
        assert ("API_KEY" if "API_KEY=x" not in words else "--password") in refusal.text
    second = rerun(mlrun, first, "--env", f"API_KEY={SECRET}", "--set", f"password={SECRET}")

    assert list_logs(mlrun, second) == list_logs(mlrun, first)
    stored = {path.name for path in find_files_with(SECRET, mlrun.seen)}
    assert stored <= {"std_log.txt", "70_driver_log.txt"}, stored


def test_a_pipeline_is_repeated_from_its_snapshots_with_its_values_and_results(mlrun: Mlrun) -> None:
    first = submit_pipeline(mlrun, "-p", "rows=5", "--tag", "team=a")
    assert first["status"] == "Completed"
    for name in ("prepare", "train"):
        mlrun.script("raise SystemExit('another script')", f"steps/{name}.py")
    again = ("run", "rerun", "-r", first["run_id"])

    refusal = mlrun.fails(*again)
    assert (refusal.code, "password" in refusal.text, "--set password=" in refusal.text) == (
        "RunNotRepeatable",
        True,
        True,
    )
    same = rerun(mlrun, first, "--set", f"password={SECRET}")
    assert (same["status"], find_reused(mlrun, same)) == ("Completed", {"prepare.py", "train.py"})
    assert (same["tags"]["team"], same["display_name"]) == ("a", "cars")
    assert json.loads(same["properties"]["azureml.parameters"]) == json.loads(first["properties"]["azureml.parameters"])
    forced = rerun(mlrun, same, "--set", f"password={SECRET}", "--regenerate-outputs")
    assert (forced["status"], find_reused(mlrun, forced)) == ("Completed", set())
    assert "'5'" in list_logs(mlrun, forced)[0]
    assert list_logs(mlrun, forced)[1].endswith(f"'{SECRET}'] {SECRET} None")
    other = rerun(
        mlrun, forced, "--set", "password=other-secret", "--set", "rows=6", "--set", "where=workspacefilestore/x"
    )
    logs = list_logs(mlrun, other)
    assert "'6'" in logs[0] and logs[0].count("/x'") == 1
    assert logs[1].endswith("'other-secret'] other-secret None")
    assert json.loads(other["properties"]["azureml.parameters"]) == {
        "rows": "6",
        "where": "workspacefilestore/x",
        "password": "***",
    }
    stored = {path.name for path in find_files_with("other-secret", mlrun.seen)}
    assert stored <= {"std_log.txt"}, stored


def test_changes_that_a_pipeline_does_not_have_are_refused(mlrun: Mlrun) -> None:
    first = submit_pipeline(mlrun)
    again = ("run", "rerun", "-r", first["run_id"], "--set", "password=x")

    refusal = mlrun.fails(*again, "--set", "row=4")
    assert (refusal.code, "Did you mean 'rows'" in refusal.text) == ("InvalidValue", True)
    assert mlrun.fails(*again, "--set", "rows=many").code == "InvalidValue"
    for words in (("--seed", "1"), ("--timeout", "6h"), ("--begin", "+2h"), ("--keep", "outputs")):
        assert mlrun.fails(*again, *words).code == "ConflictingOptions"
    assert mlrun.fails(*again[:4], "--", "--lr", "1").code == "ConflictingOptions"
    assert mlrun.fails("run", "resume", "-r", first["run_id"]).code == "RunNotRepeatable"
    (step, *_) = mlrun.json("run", "list", "--parent-run-id", first["run_id"])
    refusal = mlrun.fails("run", "rerun", "-r", step["run_id"])
    assert (refusal.code, f"run rerun -r {first['run_id']}" in refusal.text) == ("RunNotRepeatable", True)


def test_a_pipeline_is_repeated_with_the_folders_as_they_are_now(mlrun: Mlrun) -> None:
    first = submit_pipeline(mlrun)
    mlrun.script(STEP.replace("print(", "print('changed', "), "steps/train.py")

    done = mlrun("run", "rerun", "-r", first["run_id"], "--current-code", "--set", f"password={SECRET}")

    again = json.loads(done.stdout)
    assert "changed train.py" in done.stderr
    assert list_logs(mlrun, again)[1].startswith("changed ")


def test_only_what_has_failed_of_a_pipeline_runs_again(mlrun: Mlrun) -> None:
    mlrun.environment["FAILS"] = "train.py"
    failed = submit_pipeline(mlrun)
    failing_sweep = sweep(mlrun, "-e", "exp", "train.py")
    assert {failed["status"], failing_sweep["status"]} == {"Failed"}
    del mlrun.environment["FAILS"]

    runs = mlrun.json("run", "rerun", "--failed", "-e", "exp", "--set", f"password={SECRET}")

    assert [run["tags"]["rerun_of"] for run in runs] == [failed["run_id"], failing_sweep["run_id"]]
    assert [run["status"] for run in runs] == ["Completed", "Completed"]
    assert find_reused(mlrun, runs[0]) == {"prepare.py"}
    assert mlrun.json("run", "rerun", "--failed", "-e", "exp", "--async") == []


def test_commands_at_the_same_time_repeat_each_failed_run_once(mlrun: Mlrun, tmp_path: Path) -> None:
    mlrun.environment["FAILS"] = "train.py"
    held_by = tmp_path / "held"
    runs = [mlrun.ended("train.py", "--password", SECRET, number) for number in ("1", "2")]
    failed = sorted(run["run_id"] for run in (*runs, submit_pipeline(mlrun), sweep(mlrun, "-e", "exp", "train.py")))
    words = ("run", "rerun", "--failed", "-e", "exp", "--set", f"password={SECRET}", "--async")

    mlrun.environment["HELD_BY"] = str(held_by)
    for _ in range(3):
        held_by.touch()  # so that no repetition fails before a command that is late looks
        rivals = [mlrun.start(*words) for _ in range(3)]
        outputs = [rival.communicate(timeout=300) for rival in rivals]
        assert [rival.returncode for rival in rivals] == [0, 0, 0], outputs
        repeated = [run for stdout, _ in outputs for run in json.loads(stdout)]
        assert sorted(run["tags"]["rerun_of"] for run in repeated) == failed
        held_by.unlink()
        assert {mlrun.wait(run["run_id"])["status"] for run in repeated} == {"Failed"}, "the next ones repeat these"
        failed = sorted(run["run_id"] for run in repeated)


def test_a_run_of_a_published_pipeline_is_repeated_as_one_of_it(mlrun: Mlrun) -> None:
    text = PIPELINE.replace("'parameter:rows'", f"'parameter:rows', '--token={SECRET}'")
    mlrun.script(text, "pipeline.yml")
    pipeline = mlrun.json("pipeline", "create", "-y", "pipeline.yml", "-n", "cars")["id"]
    published = submit_pipeline(mlrun, "-i", pipeline)
    file = submit_pipeline(mlrun, "--regenerate-outputs")

    again = rerun(mlrun, published, "--regenerate-outputs", "--set", f"password={SECRET}")

    assert list_logs(mlrun, again)[0].count(f"'--token={SECRET}'") == 1
    pipelines = [run["properties"].get("azureml.pipelineid") for run in (published, file, again)]
    assert pipelines == [pipeline, None, pipeline]
    refusal = mlrun.fails("run", "rerun", "-r", file["run_id"], "--set", "password=x")
    assert (refusal.code, "--token" in refusal.text, "mlrun pipeline clone" in refusal.text) == (
        "RunNotRepeatable",
        True,
        True,
    )
    refusal = mlrun.fails("run", "rerun", "-r", file["run_id"], "--set", "password=x", "--current-code")
    assert (refusal.code, "prepare.py" in refusal.text) == ("RunNotRepeatable", True)


def test_a_sweep_whose_folder_is_gone_is_repeated_from_its_snapshot_and_its_tags(mlrun: Mlrun) -> None:
    run = sweep(mlrun, "--tag", "team=a", "--env", "SIZE=7", "train.py", "--level", "{lr}")
    shutil.rmtree(mlrun.run_folder(run["run_id"]))
    mlrun.script("raise SystemExit('another script')")

    again = rerun(mlrun, run)

    assert list_logs(mlrun, again) == list_logs(mlrun, run)
    assert all(log.startswith("['--level', '0.") and log.endswith(" 7 None") for log in list_logs(mlrun, again))
    assert (again["tags"]["team"], f"{run['run_id']}_0" in again["tags"]) == ("a", False)
    shutil.rmtree(mlrun.run_folder(again["run_id"]))
    others = rerun(mlrun, again, "--seed", "9", "--env", "SIZE=8")
    assert others["properties"]["ContentSnapshotId"] == run["properties"]["ContentSnapshotId"]
    assert all(log.endswith(" 8 None") for log in list_logs(mlrun, others))
    assert list_logs(mlrun, others) != list_logs(mlrun, run)
    assert mlrun.fails("run", "rerun", "-r", again["run_id"], "--current-code").code == "RunNotRepeatable"
    assert mlrun.fails("run", "rerun", "-r", again["run_id"], "--set", "lr=1").code == "ConflictingOptions"


def test_what_to_do_is_said_if_the_record_of_a_sweep_is_not_enough(mlrun: Mlrun) -> None:
    mlrun.script("{communicator: Mpi, mpi: {processCountPerNode: 2}, script: train.py}", "mpi.runconfig")
    run = sweep(mlrun, "-c", "mpi.runconfig", "train.py")
    shutil.rmtree(mlrun.run_folder(run["run_id"]))
    refusal = mlrun.fails("run", "rerun", "-r", run["run_id"])
    assert refusal.code == "RunNotRepeatable" and "mlrun run snapshot" in refusal.text
    assert "parameter_space" in mlrun.show(run["run_id"])["tags"]["generator_config"]
    mlrun("run", "snapshot", "-r", run["run_id"], "-d", "source")
    assert (mlrun.folder / "source" / "train.py").is_file()


def test_a_pipeline_whose_folder_is_gone_is_repeated_if_it_is_published(mlrun: Mlrun) -> None:
    pipeline = submit_pipeline(mlrun)
    shutil.rmtree(mlrun.run_folder(pipeline["run_id"]))
    refusal = mlrun.fails("run", "rerun", "-r", pipeline["run_id"])
    assert refusal.code == "RunNotRepeatable" and "its graph" in refusal.text
    step = mlrun.json("run", "list", "--parent-run-id", pipeline["run_id"])[0]["run_id"]
    mlrun("run", "snapshot", "-r", step, "-d", "steps-again")
    assert (mlrun.folder / "steps-again" / "train.py").is_file()

    published = mlrun.json("pipeline", "create", "-y", "pipeline.yml", "-n", "cars")["id"]
    of_it = submit_pipeline(mlrun, "-i", published, "-p", "rows=9")
    shutil.rmtree(mlrun.run_folder(of_it["run_id"]))
    mlrun.script("raise SystemExit('another script')", "steps/train.py")
    refusal = mlrun.fails("run", "rerun", "-r", of_it["run_id"])
    assert refusal.code == "RunNotRepeatable" and "--set password=VALUE" in refusal.text
    again = rerun(mlrun, of_it, "--set", f"password={SECRET}", "--regenerate-outputs")
    assert json.loads(again["properties"]["azureml.parameters"])["rows"] == "9"
    assert again["properties"]["azureml.pipelineid"] == published
    assert "'9'" in "".join(list_logs(mlrun, again))
    refusal = mlrun.fails("run", "rerun", "-r", of_it["run_id"], "--current-code")
    assert refusal.code == "RunNotRepeatable"
