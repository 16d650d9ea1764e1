from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.running import ENDED, Mlrun

CHECKOUT = Path(__file__).parents[2]
GALLERY = CHECKOUT / "runconfigs"
REPETITIONS = 10


@pytest.fixture
def mlrun(tmp_path: Path) -> Iterator[Mlrun]:
    command = Mlrun(tmp_path, attach=False)
    yield command
    command.close()


@pytest.fixture(scope="session")
def notebook_environment(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A virtual environment with this project and what executes notebooks; where its programs are."""
    environment = tmp_path_factory.mktemp("notebook") / "venv"
    programs = environment / "bin"
    # Refreshed, so that it is the checkout as it is now, and not as it was built for a former test.
    project = ["--refresh-package", "mlrun-cli", str(CHECKOUT)]
    for words in (
        ["venv", "--python", sys.executable, str(environment)],
        ["pip", "install", "--python", str(programs / "python"), "nbconvert", "ipykernel", *project],
    ):
        command = [sys.executable, "-m", "uv", *words]
        done = subprocess.run(command, capture_output=True, encoding="utf-8", timeout=600, check=False)
        assert done.returncode == 0, f"{' '.join(command)}\n{done.stderr}"
    return programs


def copy(name: str, mlrun: Mlrun) -> None:
    """Take a folder of the gallery as it stands."""
    shutil.copytree(GALLERY / name, mlrun.folder, dirs_exist_ok=True)


def submit(mlrun: Mlrun, name: str, runconfig: str = "train") -> dict[str, Any]:
    """Run a folder of the gallery as it stands; the record of the run."""
    copy(name, mlrun)
    done = mlrun("run", "submit-script", "-c", runconfig, timeout=300.0)
    run: dict[str, Any] = json.loads(done.stdout)
    assert run["status"] == "Completed", done.stderr
    assert run["_experiment_name"] == name
    assert not [line for line in done.stderr.splitlines() if line.startswith("WARNING")]
    return run


def test_the_gallery_is_what_is_tested_here() -> None:
    tested = {
        "quickstart",
        "iris",
        "parent",
        "notebook",
        "distributed",
        "diabetes",
        "data",
        "queue",
        "pipeline",
        "mlflow",
        "sweep",
        "batch",
    }
    assert {folder.name for folder in GALLERY.iterdir()} == tested


def test_quickstart_logs_ten_epochs_and_keeps_a_model(mlrun: Mlrun) -> None:
    metrics = mlrun.metrics(submit(mlrun, "quickstart")["run_id"])
    losses, accuracies = metrics["loss"], metrics["accuracy"]
    assert isinstance(losses, list)
    assert isinstance(accuracies, list)
    assert len(losses) == len(accuracies) == 10
    assert losses[-1] < losses[0] / 3
    assert accuracies[-1] > 0.98
    assert "outputs/model.json" in mlrun.json("run", "files", "-r", "@latest")


def test_iris_runs_in_an_environment_made_for_it(mlrun: Mlrun) -> None:
    metrics = mlrun.metrics(submit(mlrun, "iris")["run_id"])
    assert isinstance(metrics["accuracy"], float)
    assert metrics["accuracy"] > 0.9
    assert set(metrics) == {"strength", "accuracy", "accuracy of folds", "confusion"}
    assert "outputs/model.joblib" in mlrun.json("run", "files", "-r", "@latest")


def test_mlflow_logs_into_the_run_and_its_children(mlrun: Mlrun) -> None:
    run = submit(mlrun, "mlflow")
    errors = mlrun.metrics(run["run_id"])["error"]
    children = mlrun.json(
        "run",
        "list",
        "--parent-run-id",
        run["run_id"],
        "--params",
        "alpha",
        "--metrics",
        "all",
        "--sort",
        "param.alpha",
    )
    assert [child["parameters"]["alpha"] for child in children] == [0.01, 0.1, 1.0]
    assert [child["metrics"]["error"] for child in children] == errors
    assert [child["display_name"] for child in children] == ["alpha 0.01", "alpha 0.1", "alpha 1.0"]
    assert all(0.9 < child["metrics"]["training_r2_score"] < 1 for child in children)
    best = run["parameters"]["best alpha"]
    assert best == [0.01, 0.1, 1.0][errors.index(min(errors))]
    assert mlrun.log(run["run_id"]).splitlines()[-1] == f"alpha {best} is best: {min(errors):.4f}"
    assert run["tags"] == {"data": "generated"}
    for child in children:
        assert "model.json" in mlrun.json("run", "files", "-r", child["run_id"])


def test_parent_finds_the_best_of_seven_children(mlrun: Mlrun) -> None:
    parent = submit(mlrun, "parent", "parent")["run_id"]
    children = mlrun.json("run", "list", "--parent-run-id", parent)
    assert [child["status"] for child in children] == ["Completed"] * 7
    errors = {int(child["tags"]["neighbours"]): mlrun.metrics(child["run_id"])["error"] for child in children}

    rising = [1, 2, 4, 8, 16, 32, 64]
    assert mlrun.metrics(parent) == {
        "errors": {"neighbours": rising, "error": [errors[neighbours] for neighbours in rising]},
        "best": 16,
        "error": min(errors.values()),
    }
    assert [child["tags"] for child in children if "best" in child["tags"]] == [{"neighbours": "16", "best": None}]
    assert mlrun.json("run", "list", "--query", "[].run_id") == [parent]


def test_a_child_that_fails_fails_its_parent(mlrun: Mlrun) -> None:
    copy("parent", mlrun)
    parent = mlrun.submit("-c", "parent", "parent.py", "--neighbours", "8", "0")
    assert mlrun.wait_for_status(parent, *ENDED) == "Failed"
    assert "ZeroDivisionError" in mlrun.show(parent)["error"]["error"]["message"]
    statuses = mlrun.json("run", "list", "--parent-run-id", parent, "--query", "[].status")
    assert statuses == ["Failed", "Completed"]


def test_diabetes_runs_as_it_stands(mlrun: Mlrun) -> None:
    metrics = mlrun.metrics(submit(mlrun, "diabetes", "config/train")["run_id"])
    assert metrics["alpha"][-1] == 0.95


def test_diabetes_runs_by_the_lines_of_a_pipeline_of_2019(mlrun: Mlrun) -> None:
    copy("diabetes", mlrun)
    mlrun("install-az", "../bin")
    mlrun.environment.update(
        MLRUN_ENVIRONMENT="relaxed",
        PATH=f"{mlrun.folder.parent / 'bin'}{os.pathsep}{mlrun.environment['PATH']}",
    )
    comments = (mlrun.folder / "config" / "train.runconfig").read_text(encoding="utf-8").splitlines()
    lines = [line.removeprefix("#   ") for line in comments if line.startswith("#   az ")]
    assert len(lines) == 4
    done = subprocess.run(
        ["bash", "-e", "-c", "\n".join(lines)],
        cwd=mlrun.folder,
        env=mlrun.environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        encoding="utf-8",
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    run = json.loads((mlrun.folder / "run.json").read_text(encoding="utf-8"))
    model = json.loads((mlrun.folder / "model.json").read_text(encoding="utf-8"))
    assert (run["status"], run["target"], run["_experiment_name"]) == ("Completed", "cpu-cluster", "diabetes")
    assert (model["modelId"], model["runId"]) == ("diabetes:1", run["run_id"])
    metrics = mlrun.metrics(run["run_id"])
    assert metrics["alpha"][-1] == 0.95
    assert min(metrics["mse"]) < metrics["mse"][0]


@pytest.mark.parametrize("runconfig", ["train", "datastore"])
def test_data_is_read_where_it_lies(mlrun: Mlrun, runconfig: str) -> None:
    copy("data", mlrun)
    if runconfig == "datastore":
        mlrun("datastore", "attach-local", "measurements", "measurements")
    metrics = mlrun.metrics(submit(mlrun, "data", runconfig)["run_id"])
    assert metrics["temperature"] == {"station": ["harbour", "hill"], "mean": [14.79, 11.28]}
    assert metrics["difference"] == 3.51
    assert not list(mlrun.run_folder(mlrun.json("run", "list", "--query", "[0].run_id")).rglob("*.csv"))


def test_queue_runs_alone_as_it_stands(mlrun: Mlrun) -> None:
    assert mlrun.metrics(submit(mlrun, "queue")["run_id"])["pi"][-1] == pytest.approx(3.14, abs=0.01)


def test_queue_runs_two_at_once_and_all_in_their_order(mlrun: Mlrun) -> None:
    copy("queue", mlrun)
    mlrun("computetarget", "create", "amlcompute", "-n", "two-at-once", "--vm-size", "any", "--max-nodes", "2")
    words = ["-c", "train", "--ct", "two-at-once", "train.py", "--throws", "200000"]
    run_ids = [mlrun.submit(*words, "--seed", str(seed)) for seed in range(5)]
    mlrun("run", "wait", *(word for run_id in run_ids for word in ("-r", run_id)))
    moments = mlrun.stored("SELECT started_at, ended_at FROM runs ORDER BY run_number")
    starts = [start for start, _ in moments]
    assert all(starts[place] > sorted(end for _, end in moments)[place - 2] for place in range(2, 5))
    assert {round(mlrun.metrics(run_id)["pi"][-1], 1) for run_id in run_ids} == {3.1}


SWEPT = [
    ("Completed", 12, 0.9425),
    ("Canceled", 3, 0.05),
    ("Completed", 12, 0.945),
    ("Completed", 12, 0.945),
    ("Canceled", 3, 0.0475),
    ("Canceled", 3, 0.05),
    ("Canceled", 3, 0.0525),
    ("Completed", 12, 0.9475),
]
"""The status of each run of the sweep, after how many values a policy ended it, and its accuracy then or at best."""


def test_sweep_ends_with_the_best_run_and_a_repetition_draws_and_decides_the_same(mlrun: Mlrun) -> None:
    copy("sweep", mlrun)
    line = (mlrun.folder / ".azureml" / "train.runconfig").read_text(encoding="utf-8").splitlines()[0]
    words = line.removeprefix("# mlrun ").split()
    sweeps = [json.loads(mlrun(*words, "--async").stdout)["run_id"] for _ in range(REPETITIONS)]
    found = [describe_sweep(mlrun, sweep) for sweep in sweeps]
    drawn, decided, best = found[0]
    assert found == [found[0]] * REPETITIONS
    assert decided == SWEPT
    assert best == "7"
    assert len(drawn) == 8


def describe_sweep(mlrun: Mlrun, sweep: str) -> tuple[list[str], list[tuple[str, int, float]], str]:
    """What was drawn for each run of a sweep; its status, how many values decided, the best of them; the best run."""
    record = mlrun.wait(sweep)
    assert record["status"] == "Completed", record.get("error")
    drawn, decided = [], []
    for number in range(8):
        run_id = f"{sweep}_{number}"
        drawn.append(record["tags"][run_id])
        run = mlrun.show(run_id)
        reason = run["properties"].get("termination_reason")
        values = mlrun.metrics(run_id)["accuracy"]
        count = int(reason.split("after ")[1].split()[0]) if reason else len(values)
        decided.append((run["status"], count, max(values[:count])))
    return drawn, decided, record["properties"]["best_child_run_id"].rpartition("_")[2]


def test_distributed_fits_one_line_with_four_processes(mlrun: Mlrun) -> None:
    run_id = submit(mlrun, "distributed")["run_id"]

    metrics = mlrun.metrics(run_id)
    assert len(metrics["loss"]) == 60
    assert metrics["loss"][-1] < 0.02
    lines = metrics["lines"]
    assert sorted(lines["rank"]) == [0, 1, 2, 3]
    assert len(set(lines["slope"])) == len(set(lines["height"])) == 1
    assert abs(lines["slope"][0] - 3.0) < 0.1
    mlrun("run", "download-logs", "-r", run_id, "-d", "logs")
    assert {log.name: log.read_text("utf-8").splitlines()[0] for log in mlrun.folder.glob("logs/**/std_log*")} == {
        f"std_log_process_{rank}.txt": f"process {rank} of 4, on node {rank // 2}" for rank in range(4)
    }


def test_notebook_submits_watches_tags_finds_and_cancels_runs(mlrun: Mlrun, notebook_environment: Path) -> None:
    copy("notebook", mlrun)
    stored = json.loads((mlrun.folder / "runs.ipynb").read_text(encoding="utf-8"))
    assert not any(cell.get("outputs") or cell.get("execution_count") for cell in stored["cells"])

    shown = execute(mlrun, notebook_environment, "runs.ipynb")
    run_id = mlrun.json("run", "list", "--query", "[-1].run_id")
    assert set(shown) == {cell["id"] for cell in stored["cells"] if cell["cell_type"] == "code"}
    assert "<th>Workspace</th>" in shown["begin"]
    assert "step  100  height 5.7364\n" in shown["watch"]
    assert f"Execution Summary\n=================\nRunId: {run_id}\n" in shown["watch"]
    assert f"<td>{run_id}</td><td>azureml.scriptrun</td><td>Completed</td>" in shown["show"]
    assert f"/runs/{run_id}" in shown["show"]
    heights = json.loads(shown["read"])
    assert heights == mlrun.metrics(run_id)["height"]
    assert len(heights) == 10
    assert shown["compare"].splitlines() == [
        "momentum 0.5   ends at height 2.7797",
        "momentum 0.8   ends at height 0.0890",
        "momentum 0.9   ends at height 0.0056",
        "momentum 0.95  ends at height 0.0000",
    ]
    assert shown["tag"] == "{'best': None, 'momentum': '0.95'}"
    (best,) = mlrun.json("run", "list", "--tags", "best")
    assert best["properties"]["judged-by"] == "last height"
    assert f"<td>{best['run_id']}</td>" in shown["find"]
    assert shown["cancel"] == "'Canceled'"
    assert "'momentum': [0.5, 0.8, 0.9, 0.95]" in shown["summary"]
    assert shown["list"].splitlines() == [
        "  7  Completed  summary",
        "  6  Canceled   {}",
        "  5  Completed  {'best': None, 'momentum': '0.95'}",
        "  4  Completed  {'momentum': '0.9'}",
        "  3  Completed  {'momentum': '0.8'}",
        "  2  Completed  {'momentum': '0.5'}",
        "  1  Completed  {}",
    ]


FOLLOW = """
import os, threading, time
from azureml.core import Experiment, ScriptRunConfig, Workspace
from azureml.widgets import RunDetails

publisher, seen = get_ipython().display_pub, []
publish = publisher.publish

def record(data, *arguments, **named):
    seen.append((named.get("update", False), data.get("text/html", "")))
    return publish(data, *arguments, **named)

publisher.publish = record
run = Experiment(Workspace.from_config(), "exp").submit(ScriptRunConfig(".", "train.py"))
RunDetails(run).show()
"""
WAIT = """
def until(text):
    while text not in seen[-1][1]:
        time.sleep(0.01)

until("<td>loss</td><td>0.25</td><td>2</td>")
until("second &lt;line&gt;")
assert "<td>Running</td>" in seen[-1][1] and "<td>below</td>" in seen[-1][1], seen[-1]
open(os.environ["GO"], "w").close()
run.wait_for_completion(raise_on_error=False)
while any(thread.name == "RunDetails" for thread in threading.enumerate()):
    time.sleep(0.01)
print([update for update, _ in seen[:2]], len(seen) < 20)
"""
AFTERWARDS = """
RunDetails(run).show()
print([thread.name for thread in threading.enumerate() if thread.name == "RunDetails"])
"""


def test_a_cell_of_a_notebook_follows_a_run_to_its_end(mlrun: Mlrun, notebook_environment: Path) -> None:
    mlrun("folder", "attach", "-e", "exp")
    mlrun.environment["GO"] = str(mlrun.folder.parent / "go")
    mlrun.script("""
        import os, time
        from azureml.core import Run
        run = Run.get_context()
        run.child_run(name="below")
        run.log("loss", 0.5)
        run.log("loss", 0.25)
        print("second <line>", flush=True)
        while not os.path.exists(os.environ["GO"]):
            time.sleep(0.01)
        raise ValueError("no <data>")
    """)
    cells: list[dict[str, Any]] = [
        {"cell_type": "code", "id": name, "metadata": {}, "execution_count": None, "outputs": [], "source": source}
        for name, source in (("follow", FOLLOW), ("wait", WAIT), ("afterwards", AFTERWARDS))
    ]
    notebook = {"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 5}
    mlrun.script(json.dumps(notebook), "follow.ipynb")
    shown = execute(mlrun, notebook_environment, "follow.ipynb")
    run_id = mlrun.json("run", "show", "-r", "@latest")["run_id"]
    # What is saved with the notebook is how the run ended.
    assert f"<td>{run_id}</td><td>azureml.scriptrun</td><td>Failed</td>" in shown["follow"]
    assert "<b>Error:</b> ValueError: no &lt;data&gt;" in shown["follow"]
    assert "<td>loss</td><td>0.25</td><td>2</td>" in shown["follow"]
    assert "ValueError: no &lt;data&gt;</pre>" in shown["follow"]
    assert shown["wait"] == "[False, True] True\n"
    assert shown["afterwards"].endswith("[]\n")
    assert "<td>Failed</td>" in shown["afterwards"]


SUBMITTED = """
import os
from azureml.core import Experiment, ScriptRunConfig, Workspace
assert os.environ["MPLBACKEND"].startswith("module://") and os.environ["JPY_PARENT_PID"]
source = ScriptRunConfig(".", "train.py")
Experiment(Workspace.from_config(), "exp").submit(source).wait_for_completion(show_output=True)
"""


def test_a_run_of_a_notebook_has_nothing_that_the_kernel_made_for_itself(
    mlrun: Mlrun, notebook_environment: Path
) -> None:
    mlrun("folder", "attach", "-w", "mine")
    mlrun.environment["MINE"] = "1"
    mlrun.script("import json, os; print(json.dumps(sorted(os.environ)))")
    cell: dict[str, Any] = {"cell_type": "code", "id": "a", "metadata": {}, "outputs": [], "execution_count": None}
    notebook = {"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": [{**cell, "source": SUBMITTED}]}
    mlrun.script(json.dumps(notebook), "submit.ipynb")

    shown = execute(mlrun, notebook_environment, "submit.ipynb")

    names = json.loads(next(line for line in shown["a"].splitlines() if line.startswith("[")))
    assert "MINE" in names
    of_kernel = {"CLICOLOR", "CLICOLOR_FORCE", "FORCE_COLOR", "GIT_PAGER", "JPY_PARENT_PID", "MPLBACKEND", "PAGER"}
    assert not of_kernel & set(names) - mlrun.environment.keys()


def execute(mlrun: Mlrun, programs: Path, notebook: str) -> dict[str, str]:
    """Execute a notebook in the folder; what each of its cells shows, as HTML where it can, by the cell's id."""
    done = subprocess.run(
        [programs / "jupyter", "nbconvert", "--to", "notebook", "--execute", notebook, "--output", "executed.ipynb"],
        cwd=mlrun.folder,
        env={**mlrun.environment, "PATH": f"{programs}{os.pathsep}{os.environ['PATH']}"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        encoding="utf-8",
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    executed = json.loads((mlrun.folder / "executed.ipynb").read_text(encoding="utf-8"))
    return {
        cell["id"]: "".join(text for output in cell["outputs"] for text in _texts(output))
        for cell in executed["cells"]
        if cell["cell_type"] == "code"
    }


def _texts(output: dict[str, Any]) -> list[str]:
    if output["output_type"] == "stream":
        assert output["name"] == "stdout", output
        text: list[str] = output["text"]
        return text
    data: dict[str, list[str]] = output["data"]
    return data.get("text/html", data["text/plain"])


def test_pipeline_fits_a_polynomial_and_uses_its_results_again(mlrun: Mlrun) -> None:
    copy("pipeline", mlrun)
    done = mlrun("run", "submit-pipeline", "-y", "pipeline.yml", "--stream", timeout=300.0)
    first = json.loads(done.stdout)
    assert first["status"] == "Completed", done.stderr
    assert first["_experiment_name"] == "pipeline"
    assert mlrun.metrics(first["run_id"]) == {"rmse": pytest.approx(0.21, abs=0.1)}
    steps = mlrun.json("run", "list", "--parent-run-id", first["run_id"], "--query", "[].display_name")
    assert steps == ["evaluate", "train", "prepare"]

    def list_reused(*words: str) -> set[str]:
        run = mlrun.json("run", "submit-pipeline", "-y", "pipeline.yml", "--stream", *words)
        query = "[?properties.\"azureml.isreused\"=='true'].display_name"
        return set(mlrun.json("run", "list", "--parent-run-id", run["run_id"], "--query", query))

    assert list_reused() == {"prepare", "train", "evaluate"}
    assert list_reused("-p", "degree=5") == {"prepare"}
    assert list_reused("--regenerate-outputs") == set()


def test_batch_counts_the_words_of_texts_in_parallel(mlrun: Mlrun) -> None:
    copy("batch", mlrun)
    done = mlrun("run", "submit-pipeline", "-y", "pipeline.yml", "--stream", timeout=300.0)
    run = json.loads(done.stdout)
    assert run["status"] == "Completed", done.stderr
    count, _ = mlrun.json("run", "list", "--parent-run-id", run["run_id"])
    mlrun("datastore", "download", "-n", "workspaceblobstore", "-d", "found", "-p", f"azureml/{count['run_id']}")
    (counts,) = (mlrun.folder / "found").rglob("counts.txt")
    words = ["a", "run", "is", "one", "execution", "of", "a", "script", "and", "its", "status", "is", "always", "true"]
    assert counts.read_text(encoding="utf-8").splitlines() == [
        f"text{number:03d}.txt {sum(len(word) >= 3 for word in words[: 1 + number % len(words)])}"
        for number in range(40)
    ]
    assert sum(mlrun.metrics(count["run_id"])["texts"]) == 40
