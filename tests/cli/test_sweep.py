"""`run submit-hyperdrive` and `run sweep`: files, options, dry runs and what a terminal shows."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from mlrun_cli.errors import InvalidValue
from mlrun_cli.sweeps.policies import Policy
from mlrun_cli.sweeps.policy_text import parse_policy
from tests.running import Mlrun

SCRIPT = """
    import sys
    from azureml.core import Run
    values = dict(zip(sys.argv[1::2], sys.argv[2::2]))
    Run.get_context().log("rmse", abs(float(values["--lr"]) - 0.1))
    Run.get_context().tag("argv", " ".join(sys.argv[1:]))
"""
FILE = """
sampling:
    type: grid
    parameter_space:
        - name: --lr
          expression: choice
          values: [0.3, 0.1]
policy:
    type: NoTerminationPolicy
primary_metric_name: rmse
primary_metric_goal: minimize
max_total_runs: 5
max_concurrent_runs: 2
max_duration_minutes: 60
"""


@pytest.fixture
def mlrun(tmp_path: Path) -> Iterator[Mlrun]:
    running = Mlrun(tmp_path)
    running.script(SCRIPT)
    yield running
    running.close()


def write(mlrun: Mlrun, path: str, text: str = FILE) -> Path:
    file = mlrun.folder / path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text, encoding="utf-8")
    return file


def arguments_of(mlrun: Mlrun, sweep: str) -> list[str]:
    runs: list[dict[str, Any]] = mlrun.json("run", "list", "--parent-run-id", sweep)
    return [run["tags"]["argv"] for run in reversed(runs)]


def test_a_sweep_of_a_file_is_streamed_to_its_end(mlrun: Mlrun) -> None:
    write(mlrun, ".azureml/sweep.yml")
    words = ("--hyperdrive-configuration-name", "sweep.yml", "-t", "out.json", "train.py", "--epochs", "2")
    done = mlrun("run", "submit-hyperdrive", *words)
    run = json.loads(done.stdout)
    assert run["status"] == "Completed"
    assert json.loads((mlrun.folder / "out.json").read_text(encoding="utf-8"))["run_id"] == run["run_id"]
    assert f"Successfully scheduled a job. Id='{run['run_id']}_1'" in done.stderr
    assert arguments_of(mlrun, run["run_id"]) == ["--epochs 2 --lr 0.3", "--epochs 2 --lr 0.1"]
    assert run["properties"]["best_child_run_id"] == f"{run['run_id']}_1"
    assert mlrun.json("run", "wait", "-r", run["run_id"])[0]["status"] == "Completed"
    assert "All jobs generated" in mlrun("run", "monitor-logs", "-r", run["run_id"]).stdout


def test_why_a_sweep_failed_is_why_the_first_of_its_runs_that_failed_did(mlrun: Mlrun) -> None:
    mlrun.script("print('about to divide')\n1 / 0\n")
    write(mlrun, "sweep.yml")
    done = mlrun("run", "submit-hyperdrive", "--hyperdrive-configuration-name", "sweep.yml", "train.py", check=False)
    sweep = json.loads(done.stdout)["run_id"]
    why = mlrun("run", "monitor-logs", "-r", sweep, "--failed", check=False)
    assert f"The first run of {sweep} that failed is {sweep}_0:" in why.stderr
    assert why.stdout == mlrun("run", "monitor-logs", "-r", f"{sweep}_0", "--failed", check=False).stdout
    assert why.stdout.startswith("about to divide\n")
    assert "ZeroDivisionError" in why.stdout
    page = mlrun("run", "show", "-r", sweep, "-o", "table").stdout
    assert f"run monitor-logs -r {sweep}_0 --failed" in page


def test_the_arguments_of_a_runconfig_stay_unless_the_line_has_some(mlrun: Mlrun) -> None:
    write(mlrun, ".azureml/fixed.runconfig", "script: train.py\narguments: [--epochs, 3]\ntarget: local\n")
    write(
        mlrun,
        "sweep.json",
        json.dumps(
            {
                "sampling": {
                    "type": "grid",
                    "parameter_space": [{"name": "lr", "expression": "choice", "values": [0.5]}],
                },
                "policy": {},
                "primary_metric_name": "rmse",
                "primary_metric_goal": "MINIMIZE",
                "max_total_runs": 1,
                "max_concurrent_runs": 1,
                "max_duration_minutes": 5,
            }
        ),
    )
    name = ("--hyperdrive-configuration-name", "sweep.json")
    record = mlrun.json("run", "submit-hyperdrive", "-c", "fixed", "--async", *name)
    assert record["run_type"] == "hyperdrive"
    mlrun.wait(record["run_id"])
    assert arguments_of(mlrun, record["run_id"]) == ["--epochs 3 --lr 0.5"]


def test_a_file_is_looked_for_below_the_folder_and_the_last_of_several_is_named(mlrun: Mlrun) -> None:
    first, last = write(mlrun, "a/sweep.yml"), write(mlrun, "b/.c/sweep.yml")
    done = mlrun("run", "submit-hyperdrive", "--hyperdrive-configuration-name", "sweep.yml", "--dry-run", "train.py")
    assert str(last) in done.stderr
    assert str(first) in done.stderr
    failure = mlrun.fails("run", "submit-hyperdrive", "--hyperdrive-configuration-name", "swep.yml", "train.py")
    assert failure.code == "InvalidFile"
    assert "'sweep.yml'" in failure.text


def test_a_dry_run_prints_the_draws_and_starts_nothing(mlrun: Mlrun) -> None:
    words = (
        "--random",
        "lr=loguniform(1e-3,1)",
        "--grid",
        "depth=2,3",
        "--max",
        "3",
        "--maximize",
        "acc",
        "--seed",
        "5",
    )
    record = mlrun.json(
        "run", "sweep", *words, "--policy", "bandit:slack=0.1,interval=2", "--dry-run", "train.py", "-x"
    )
    again = mlrun.json("run", "sweep", *words, "--dry-run", "train.py", "-x")
    assert record["draws"] == again["draws"]
    assert [draw["number"] for draw in record["draws"]] == [0, 1, 2]
    values = record["draws"][0]["values"]
    assert 1e-3 <= values["lr"] <= 1
    assert sorted(record["draws"][0]["arguments"]) == sorted(
        ["-x", "--depth", str(values["depth"]), "--lr", str(values["lr"])]
    )
    assert (record["seed"], record["space_size"], record["total"]) == (5, None, 3)
    assert record["definition"]["policy_config"]["properties"]["slack_factor"] == 0.1
    assert record["run"]["command_line"][-1] == "-x"
    assert mlrun.json("run", "list") == []


def test_bayesian_sampling_on_one_line_draws_from_all_expressions(mlrun: Mlrun) -> None:
    mlrun.script("""
        import math, sys
        from azureml.core import Run
        values = dict(zip(sys.argv[1::2], sys.argv[2::2]))
        for epoch in range(int(values["--epochs"])):
            Run.get_context().log("rmse", abs(math.log10(float(values["--wd"])) + 3) + 1 / (epoch + 1))
    """)
    draws = ("--grid", "lr=0.05,0.1", "--random", "wd=loguniform(1e-5,1e-2)", "--max", "20", "--concurrent", "2")
    words = (*draws, "--minimize", "rmse", "--policy", "bandit:slack=0.1,interval=2", "--bayesian", "--seed", "3")
    run = json.loads(mlrun("run", "sweep", *words, "train.py", "--epochs", "5").stdout)
    assert (run["status"], json.loads(run["tags"]["generator_config"])["name"]) == ("Completed", "BayesianOptimization")
    children = mlrun.json("run", "list", "--parent-run-id", run["run_id"], "--last", "20")
    drawn = [json.loads(run["tags"][child["run_id"]]) for child in children]
    assert len(drawn) == 20
    assert {values["lr"] for values in drawn} <= {0.05, 0.1}
    assert all(1e-5 <= values["wd"] <= 1e-2 for values in drawn)
    assert float(run["properties"]["score"]) < 0.7


def test_a_sweep_on_one_line_runs_each_value(mlrun: Mlrun) -> None:
    words = ("--grid", "lr=0.05,0.1,0.4", "--concurrent", "2", "--minimize", "rmse", "--tag", "why=test")
    run = json.loads(mlrun("run", "sweep", *words, "--duration", "90s", "train.py", "--epochs", "5").stdout)
    assert (run["status"], run["tags"]["why"]) == ("Completed", "test")
    assert json.loads(run["tags"]["max_duration_minutes"]) == 2
    assert arguments_of(mlrun, run["run_id"]) == [f"--epochs 5 --lr {value}" for value in (0.05, 0.1, 0.4)]
    assert float(run["properties"]["score"]) == 0


@pytest.mark.parametrize(
    ("words", "code", "fact"),
    [
        ((), "MissingOption", "--grid"),
        (("--grid", "lr=1", "--grid", "lr=2", "--minimize", "a"), "ConflictingOptions", "'lr'"),
        (("--grid", "lr=uniform(0,1)", "--minimize", "a"), "InvalidValue", "--random"),
        (("--random", "lr=uniform(0,1)", "--minimize", "a"), "MissingOption", "--max"),
        (("--grid", "lr=1"), "MissingOption", "--minimize"),
        (("--grid", "lr=1", "--minimize", "a", "--maximize", "b"), "ConflictingOptions", "--maximize"),
        (("--grid", "lr=1", "--minimize", "a", "--policy", "bandit:slak=1"), "InvalidValue", "'slack'"),
        (("--grid", "lr=1", "--minimize", "a", "--policy", "bandit"), "InvalidValue", "slack_factor"),
        (("--grid", "lr=1", "--minimize", "a", "--duration", "5"), "InvalidDuration", "--duration"),
        (("--grid", "lr=1", "--minimize", "a", "--begin", "+2h"), "ConflictingOptions", "--begin"),
    ],
)
def test_options_that_make_no_sweep_are_refused(mlrun: Mlrun, words: tuple[str, ...], code: str, fact: str) -> None:
    failure = mlrun.fails("run", "sweep", *words, "train.py")
    assert failure.code == code
    assert fact in failure.text


def test_policies_on_a_command_line_have_short_names() -> None:
    assert parse_policy("bandit:slack=0.1,interval=2,delay=3") == Policy("Bandit", 2, 3, slack_factor=0.1)
    assert parse_policy("bandit: amount = 1") == Policy("Bandit", slack_amount=1)
    assert parse_policy("Median:evaluation_interval=2") == Policy("MedianStopping", 2)
    assert parse_policy("truncation:percentage=20") == Policy("TruncationSelection", truncation_percentage=20)
    assert parse_policy("none") == Policy()
    for text in ("best", "bandit:slack", "bandit:slack=x", "none:interval=2"):
        with pytest.raises(InvalidValue):
            parse_policy(text)


def test_a_sweep_goes_on_when_its_streaming_is_interrupted_and_ends_with_it_on_request(mlrun: Mlrun) -> None:
    mlrun.script("import time\ntime.sleep(600)\n")
    words = ("run", "sweep", "--grid", "lr=1,2", "--concurrent", "2", "--minimize", "rmse", "--on-interrupt", "cancel")
    started = mlrun.start(*words, "train.py")
    while "Successfully" not in str(started.stderr and started.stderr.readline()):
        assert started.poll() is None
    started.kill()
    started.communicate()
    (sweep,) = mlrun.json("run", "list")
    assert mlrun.wait(sweep["run_id"])["status"] == "Canceled"
    runs = mlrun.json("run", "list", "--parent-run-id", sweep["run_id"])
    assert {run["status"] for run in runs} == {"Canceled"}
