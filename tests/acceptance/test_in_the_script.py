"""What `azureml.core` does in a script, through a real supervisor and on every interpreter of the machine."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.running import Mlrun, interpreters

EVERYTHING = """
import importlib, json, math, multiprocessing, os, pkgutil, sys, warnings
warnings.simplefilter("error")
import azureml
from azureml.core import Run
from azureml.core.run import Run as SameRun

assert Run is SameRun

def in_a_child(number):
    Run.get_context().log("spawned", number)

def main():
    for module in pkgutil.walk_packages(azureml.__path__, "azureml."):
        if not module.name.startswith("azureml.mlflow._"):  # which MLflow itself imports
            importlib.import_module(module.name)
    run = Run.get_context()
    assert run.id == os.environ["AZUREML_RUN_ID"]
    assert run.experiment.name == "exp" and run.number == 1 and run.parent is None
    assert run.get_status() == "Running"

    run.log("loss", 0.5)
    run.log("loss", 0.25)
    run.log("once", 7)
    run.log("text", "t\\u00e4xt")
    run.log("truth", True)
    run.log("big", 2 ** 100)
    run.log("negative", -(2 ** 70))
    run.log("odd", float("nan"))
    run.log("odd", float("inf"))
    run.log("odd", float("-inf"))
    run.log("a name / of \\u20ac", 1)
    for step in (3, 1, 2):
        run.log("stepped", step * 10, step=step)
    run.log_list("list", (n * n for n in range(4)))
    run.log_row("row", x=1, y=0.5)
    run.log_row("rows", x=1, y="a")
    run.log_row("rows", x=2, y="b")
    run.log_table("table", {"x": [1, 2], "y": [3, 4]})
    try:
        run.log("list", [1, 2])
    except Exception as error:
        assert "log_list" in str(error), error
    else:
        raise AssertionError("log took a list")

    seen = run.get_metrics()
    assert seen["loss"] == [0.5, 0.25] and seen["big"] == 2 ** 100 and seen["truth"] is True, seen
    assert math.isnan(seen["odd"][0]) and seen["odd"][1:] == [math.inf, -math.inf], seen
    assert run.get_metrics(name="once") == {"once": 7}
    assert run.get_metrics(recursive=True) == {run.id: run.get_metrics()} or math.isnan(seen["odd"][0])

    run.tag("quality", "good")
    run.tag("bare")
    assert run.get_tags() == run.tags == {"quality": "good", "bare": None}, run.get_tags()
    run.add_properties({"author": "me"})
    run.add_properties({"author": "me"})
    try:
        run.add_properties({"author": "you"})
    except Exception as error:
        assert "author" in str(error), error
    else:
        raise AssertionError("a property was changed")
    assert run.get_properties()["author"] == "me"

    details = run.get_details()
    assert details["runId"] == run.id and details["status"] == "Running" and details["target"] == "local"
    assert "endTimeUtc" not in details and details["properties"]["author"] == "me"

    with open("model.txt", "w") as file:
        file.write("model")
    run.upload_file("kept/model.txt", "model.txt")
    run.download_file("kept/model.txt", "again.txt")
    with open("again.txt") as file:
        assert "kept/model.txt" in run.get_file_names() and file.read() == "model"
    matrix = {"class_labels": ["0", "1"], "matrix": [[1, 2], [3, 4]]}
    run.log_confusion_matrix("cm", {"schema_type": "confusion_matrix", "schema_version": "1.0.0", "data": matrix})
    with run.child_run(name="part") as part:
        part.log("loss", 1.0)
    assert [(each.id, each.get_status()) for each in run.get_children()] == [(part.id, "Completed")]
    for made in run.create_children(count=2):
        made.complete()

    child = os.fork()
    if child == 0:
        run.log("forked", 1)
        os._exit(0)
    os.waitpid(child, 0)
    context = multiprocessing.get_context("spawn")
    processes = [context.Process(target=in_a_child, args=(n,)) for n in range(2)]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    run.flush()
    run.complete()
    print("version", sys.version_info[:2])

if __name__ == "__main__":
    main()
"""


@pytest.mark.parametrize("interpreter", interpreters(), ids=os.path.basename)
def test_everything_works_on_each_interpreter(mlrun: Mlrun, interpreter: str) -> None:
    mlrun.script(EVERYTHING)
    (mlrun.folder / ".azureml" / "this.runconfig").write_text(
        "script: train.py\nenvironment:\n  python:\n    userManagedDependencies: true\n"
        f"    interpreterPath: {json.dumps(interpreter)}\n",
        encoding="utf-8",
    )
    done = mlrun("run", "submit-script", "-c", "this")
    assert not re.search("warning|error", done.stderr, re.IGNORECASE), done.stderr
    run = mlrun.show("@latest")
    assert (run["status"], run.get("warnings")) == ("Completed", None)
    assert re.fullmatch(r"version \(3, \d+\)\n", mlrun.log(run["run_id"]))
    metrics = mlrun.metrics("@latest")
    assert metrics.pop("cm").startswith("aml://")
    assert sorted(metrics.pop("spawned")) == [0, 1]
    assert metrics == {
        "loss": [0.5, 0.25],
        "odd": [None, None, None],  # strict JSON has no others
        "once": 7,
        "text": "täxt",
        "truth": True,
        "big": 2**100,
        "negative": -(2**70),
        "a name / of €": 1,
        "stepped": [10, 20, 30],
        "list": [0, 1, 4, 9],
        "row": {"x": 1, "y": 0.5},
        "rows": {"x": [1, 2], "y": ["a", "b"]},
        "table": {"x": [1, 2], "y": [3, 4]},
        "forked": 1,
    }
    assert run["tags"] == {"bare": None, "quality": "good"}
    assert run["properties"]["author"] == "me"


def test_numpy_scalars_are_logged_as_what_they_are(mlrun: Mlrun) -> None:
    mlrun.script("""
        import numpy
        from azureml.core import Run
        run = Run.get_context()
        run.log("float32", numpy.float32(0.5))
        run.log("float64", numpy.float64(0.1))
        run.log("int64", numpy.int64(2**62))
        run.log("uint8", numpy.uint8(255))
        run.log("bool", numpy.bool_(True))
        run.log("zero dimensions", numpy.array(3.5))
        run.log_list("array", numpy.arange(3))
        run.log_row("row", x=numpy.float16(1.5))
        run.log_table("table", {"x": numpy.array([1.5, 2.5])})
    """)
    mlrun("run", "submit-script", "train.py")
    metrics = mlrun.metrics("@latest")
    assert metrics["bool"] is True
    assert metrics == {
        "float32": 0.5,
        "float64": 0.1,
        "int64": 2**62,
        "uint8": 255,
        "bool": True,
        "zero dimensions": 3.5,
        "array": [0, 1, 2],
        "row": {"x": 1.5},
        "table": {"x": [1.5, 2.5]},
    }


@pytest.mark.promises("local", "questions of a script")
def test_what_another_shell_says_is_seen_by_the_script_and_the_other_way_round(mlrun: Mlrun) -> None:
    mlrun.script("""
        import time
        from azureml.core import Run
        run = Run.get_context()
        run.log("loss", 1.0)
        run.tag("from", "script")
        print("tagged", flush=True)
        while "go" not in run.get_tags():
            time.sleep(0.01)
        print(run.get_tags(), run.display_name)
    """)
    run_id = mlrun.submit()
    mlrun.wait_for_status(run_id, "Running")
    while not mlrun.metrics(run_id):
        pass
    mlrun("run", "update", "-r", run_id, "--display-name", "mine")
    mlrun("run", "update", "-r", run_id, "--add-tag", "go")
    assert mlrun.wait(run_id)["tags"] == {"from": "script", "go": None}
    assert mlrun.log(run_id).splitlines()[-1] == "{'from': 'script', 'go': None} mine"


def test_fail_is_told_with_its_message_and_code(mlrun: Mlrun) -> None:
    mlrun.script("from azureml.core import Run; Run.get_context().fail('no data', error_code='DataMissing')")
    done = mlrun("run", "submit-script", "train.py", check=False)
    assert done.returncode == 1
    error = json.loads(done.stdout)["error"]["error"]
    assert (error["code"], error["message"]) == ("DataMissing", "no data")


def test_a_run_that_has_failed_is_not_completed_by_the_last_line_of_its_script(mlrun: Mlrun) -> None:
    mlrun.script("from azureml.core import Run; run = Run.get_context(); run.fail('no data'); run.complete()")
    record = mlrun.ended()
    assert (record["status"], record["error"]["error"]["message"]) == ("Failed", "no data")


def test_outside_a_run_the_same_script_runs_offline(mlrun: Mlrun, tmp_path: Path) -> None:
    mlrun.script("from azureml.core import Run; run = Run.get_context(); run.log('loss', 1.0); print(run.id)")
    done = mlrun("run", "submit-script", "train.py")
    assert "OfflineRun" not in done.stderr
    alone = subprocess.run(
        [sys.executable, mlrun.folder / "train.py"],
        cwd=tmp_path, env=mlrun.environment, capture_output=True, encoding="utf-8", check=True,
    )  # fmt: skip
    assert alone.stdout.splitlines()[-1].startswith("OfflineRun")
