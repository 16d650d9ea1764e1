"""What a run repeats of the secrets of its own command line is its script's alone: no record or message has it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.running import Mlrun, find_files_with, until

SECRET = "Correct-Horse+battery.staple"
FAILS = """
    import sys
    float(next(word for word in sys.argv if word.startswith("Correct")))
"""
SPEAKS = """
    import sys
    from azureml.core import Run

    secret = sys.argv[-1]
    run = Run.get_context()
    run.tag("note", secret)
    run.set_tags({"line": f"train.py --lr 1 {secret}"})
    run.add_properties({"why": f"for {secret}"})
    run.display_name = f"with {secret}"
    run.log("word", secret)
    run.log_list("words", ["a", secret, 1.5])
    run.log_table("table", {"word": [f"say {secret}", "b"], "size": [1, 2]})
    run.log_row("row", description=f"of {secret}", word=secret, size=3)
    run.log("size", 4.5)
    run.child_run("inner").tag("note", secret)
    print(run.get_tags()["note"], run.get_metrics()["word"])
"""


def list_holders(mlrun: Mlrun) -> set[str]:
    """Return where in the folders of runs the secret is, after a check that it is nowhere else."""
    found = [path.relative_to(mlrun.database.parent).parts for path in find_files_with(SECRET, mlrun.home)]
    assert all(parts[0] == "runs" for parts in found), found
    return {"/".join(parts[2:4]) for parts in found}


def fail(mlrun: Mlrun, *words: str) -> dict[str, Any]:
    """Submit a script that fails, and return the record of the ended run."""
    run_id = mlrun.submit(*words)
    mlrun.wait_for_status(run_id, "Failed")
    return mlrun.show(run_id)


def hidden_error(run: dict[str, Any]) -> str:
    """Return the message of a failed run's error, which repeats the secret nowhere."""
    assert run["status"] == "Failed" and "staple" not in json.dumps(run)
    return str(run["error"]["error"]["message"])


@pytest.mark.parametrize("words", [["--password", SECRET], [f"https://me:{SECRET}@host/x", SECRET]])
def test_an_exception_that_quotes_a_secret_argument_is_recorded_without_it(mlrun: Mlrun, words: list[str]) -> None:
    mlrun.script(FAILS)
    run = fail(mlrun, "train.py", *words)
    assert hidden_error(run) == "could not convert string to float: '***'"
    assert list_holders(mlrun) == {"artifacts/user_logs"}
    assert "staple" not in mlrun("run", "view", "-r", "@latest").stdout


def test_each_attempt_is_recorded_without_the_secret(mlrun: Mlrun) -> None:
    mlrun.script(FAILS)
    run = fail(mlrun, "--retry", "1", "train.py", "--password", SECRET)
    assert hidden_error(run) == "could not convert string to float: '***'"
    assert len(run["attempts"]) == 2
    assert list_holders(mlrun) == {"artifacts/user_logs"}


def test_what_a_script_says_with_a_secret_is_stored_without_it(mlrun: Mlrun) -> None:
    mlrun.script(SPEAKS)
    run = mlrun.wait(mlrun.submit("train.py", "--password", SECRET))
    assert run["status"] == "Completed", mlrun.log(run["run_id"])
    assert mlrun.log(run["run_id"]) == "*** ***\n"
    assert (run["tags"]["note"], run["tags"]["line"]) == ("***", "train.py --lr 1 ***")
    assert (run["properties"]["why"], run["display_name"]) == ("for ***", "with ***")
    metrics = mlrun.metrics(run["run_id"])
    assert (metrics["word"], metrics["words"], metrics["size"]) == ("***", ["a", "***", 1.5], 4.5)
    assert metrics["table"] == {"word": ["say ***", "b"], "size": [1, 2]}
    assert metrics["row"] == {"word": "***", "size": 3}
    assert list_holders(mlrun) <= {f"journal/{path.name}" for path in mlrun.run_folder(run["run_id"]).rglob("*.jsonl")}


def test_a_common_value_hides_nothing_that_a_script_says(mlrun: Mlrun) -> None:
    mlrun.script(
        """
        import sys
        from azureml.core import Run

        Run.get_context().tag("note", "5 of training")
        Run.get_context().log("word", "training")
        raise ValueError("5 times training")
        """
    )
    run = fail(mlrun, "train.py", "--token", "training", "--pwd", "5")
    assert (run["tags"]["note"], run["error"]["error"]["message"]) == ("5 of training", "5 times training")
    assert mlrun.metrics(run["run_id"])["word"] == "training"


def test_a_message_and_a_summary_of_the_end_hide_the_secret_in_the_log(mlrun: Mlrun, tmp_path: Path) -> None:
    kept, summary = tmp_path / "message", tmp_path / "summary.md"
    mlrun.environment |= {"GITHUB_ACTIONS": "true", "GITHUB_STEP_SUMMARY": str(summary)}
    mlrun.script(FAILS)
    command = f"cmd:sh -c 'cat >{kept}.new && mv {kept}.new {kept}'"
    mlrun.run(*mlrun.command, "run", "submit-script", "--notify", command, "train.py", "--password", SECRET)
    until(kept.exists)
    for text in (kept.read_text(encoding="utf-8"), summary.read_text(encoding="utf-8")):
        assert "could not convert string to float" in text and "last lines" in text
        assert "staple" not in text


def test_children_of_a_sweep_and_steps_of_a_pipeline_hide_it_too(mlrun: Mlrun) -> None:
    mlrun.script(FAILS)
    words = ["--grid", "lr=1,2", "--concurrent", "2", "--minimize", "loss", "train.py", "--password", SECRET]
    sweep = mlrun.wait(mlrun.json("run", "sweep", "--async", *words)["run_id"])
    mlrun.script(
        "pipeline:\n  parameters: {password: {type: string}}\n  steps:\n    Only: {type: PythonScriptStep,"
        " script_name: train.py, source_directory: ., arguments: [--password, 'parameter:password'],"
        " parameters: {password: {source: password}}}\n",
        "p.yml",
    )
    pipeline = mlrun.json("run", "submit-pipeline", "-y", "p.yml", "-n", "exp", "-p", f"password={SECRET}")
    mlrun.wait_for_status(pipeline["run_id"], "Failed")
    pipeline = mlrun.show(pipeline["run_id"])
    assert hidden_error(pipeline)
    for parent in (sweep, pipeline):
        children = mlrun.json("run", "list", "--parent-run-id", parent["run_id"])
        assert {hidden_error(mlrun.show(child["run_id"])) for child in children} == {
            "could not convert string to float: '***'"
        }
    until(lambda: list_holders(mlrun) == {"artifacts/user_logs"})


def test_a_process_that_opens_a_run_hides_the_secrets_of_its_own_command_line(mlrun: Mlrun) -> None:
    script = mlrun.script(
        """
        import sys
        from azureml.core import Experiment, Workspace

        run = Experiment(Workspace.from_config(), "exp").start_logging()
        run.tag("note", sys.argv[-1])
        run.log("word", sys.argv[-1])
        float(sys.argv[-1])
        """
    )
    mlrun.run("python", str(script), "--password", SECRET)
    run = mlrun.show("@latest")
    assert hidden_error(run) == "could not convert string to float: '***'"
    assert run["tags"]["note"] == "***"
    assert list_holders(mlrun) <= {f"logged/{path.name}" for path in mlrun.run_folder(run["run_id"]).glob("logged/*")}
