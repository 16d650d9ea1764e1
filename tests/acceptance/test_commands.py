"""Commands that are submitted instead of a script: as words, and as text for a shell."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.acceptance.installed import installed
from tests.running import Mlrun

_MODULE = """
import sys
from azureml.core import Run

from . import NAME

print(NAME, sys.argv[1:])
values = dict(zip(sys.argv[1::2], sys.argv[2::2]))
Run.get_context().log("loss", abs(float(values.get("--lr", 0)) - 0.2))
"""
_WORDS = ("python", "-m", "pkg.train", "--lr", "0.1")


@pytest.fixture(scope="module")
def mlrun(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mlrun]:
    with installed(tmp_path_factory.mktemp("command")) as command:
        command.script("NAME = 'pkg'", "pkg/__init__.py")
        command.script(_MODULE, "pkg/train.py")
        yield command


def _rerun(mlrun: Mlrun, run_id: str, *words: str) -> dict[str, Any]:
    record: dict[str, Any] = json.loads(mlrun("run", "rerun", "-r", run_id, *words).stdout)
    return record


def test_a_module_is_run_and_run_again_with_another_parameter(mlrun: Mlrun) -> None:
    run = mlrun.ended("--tag", "team=a", "--command", *_WORDS)

    assert mlrun.log(run["run_id"]) == "pkg ['--lr', '0.1']\n"
    assert run["run_definition"]["command"] == list(_WORDS)
    assert run["run_definition"]["script"] is None
    assert run["parameters"] == {"lr": 0.1}
    again = _rerun(mlrun, run["run_id"], "--set", "lr=0.2")
    assert mlrun.log(again["run_id"]) == "pkg ['--lr', '0.2']\n"
    assert again["tags"] == {"team": "a", "rerun_of": run["run_id"]}


def test_a_command_is_run_again_with_the_folder_as_it_is_now(mlrun: Mlrun) -> None:
    mlrun.script("print('before')", "changing.py")
    run = mlrun.ended("--command", "python", "changing.py", "--lr", "1")
    mlrun.script("import sys; print('after', sys.argv[1:])", "changing.py")

    assert mlrun.log(_rerun(mlrun, run["run_id"])["run_id"]) == "before\n"
    assert mlrun.log(_rerun(mlrun, run["run_id"], "--current-code")["run_id"]) == "after ['--lr', '1']\n"
    changed = _rerun(mlrun, run["run_id"], "--current-code", "--set", "lr=2", "--set", "fast=true")
    assert mlrun.log(changed["run_id"]) == "after ['--lr', '2', '--fast', 'true']\n"
    assert mlrun.log(_rerun(mlrun, changed["run_id"], "--current-code")["run_id"]) == mlrun.log(changed["run_id"])


def test_text_is_for_a_shell_only_if_it_needs_one(mlrun: Mlrun) -> None:
    plain = mlrun.ended("--command", "python -m pkg.train --lr 0.1")
    assert plain["run_definition"]["command"] == list(_WORDS)
    text = "python -m pkg.train --lr 0.1 && echo $((1 + 1))"
    run = mlrun.ended("--command", text)

    assert mlrun.log(run["run_id"]) == "pkg ['--lr', '0.1']\n2\n"
    assert run["run_definition"]["command"] == text
    assert run["parameters"] == {"lr": 0.1}
    for words in ((), ("--current-code",)):
        assert mlrun.log(_rerun(mlrun, run["run_id"], *words)["run_id"]) == mlrun.log(run["run_id"])
    assert mlrun.fails("run", "rerun", "-r", run["run_id"], "--set", "lr=1").code == "ConflictingOptions"


def test_a_single_word_is_read_like_a_line_of_a_shell(mlrun: Mlrun) -> None:
    lines = {
        "echo 'two words' a": ["echo", "two words", "a"],
        "echo": ["echo"],
        "SIZE=3 printenv SIZE": "SIZE=3 printenv SIZE",
        "echo $SIZE": "echo $SIZE",
        "echo it's": "echo it's",
    }
    for line, command in lines.items():
        shown = mlrun.json("run", "submit-script", "--dry-run", "--command", line)["command_line"]
        assert shown == (["/bin/sh", "-c", command] if isinstance(command, str) else command)
    words = ("echo", "$SIZE", "it's")
    assert mlrun.json("run", "submit-script", "--dry-run", "--command", *words)["command_line"] == list(words)
    assert mlrun.log(mlrun.ended("--command", "SIZE=3 printenv SIZE")["run_id"]) == "3\n"


def test_a_command_replaces_what_the_runconfig_starts(mlrun: Mlrun) -> None:
    mlrun.script("script: nothing.py\narguments: [--lr, 5]\nenvironmentVariables: {A: b}", ".azureml/some.runconfig")
    run = mlrun.ended("-c", "some", "--command", "sh", "-c", "echo $A")

    assert mlrun.log(run["run_id"]) == "b\n"
    assert run["run_definition"]["arguments"] == []
    assert mlrun.log(_rerun(mlrun, run["run_id"], "--current-code")["run_id"]) == "b\n"
    mlrun.script("command: echo ours", ".azureml/command.runconfig")
    assert mlrun.log(mlrun.ended("-c", "command", "--command", "echo", "typed")["run_id"]) == "typed\n"


def test_a_secret_of_a_command_is_asked_for_again(mlrun: Mlrun) -> None:
    run = mlrun.ended("--command", "echo", "--api-key", "sesame-123", "--lr", "1")

    assert mlrun.log(run["run_id"]) == "--api-key sesame-123 --lr 1\n", "what a script prints is its own"
    assert "sesame" not in json.dumps(run)
    for words in ((), ("--current-code",), ("--set", "lr=2")):
        assert mlrun.fails("run", "rerun", "-r", run["run_id"], *words).code == "RunNotRepeatable"
    again = _rerun(mlrun, run["run_id"], "--set", "api-key=sesame-456")
    assert mlrun.log(again["run_id"]) == "--api-key sesame-456 --lr 1\n"


def test_each_run_of_a_sweep_is_the_command_with_other_arguments(mlrun: Mlrun) -> None:
    words = ("run", "sweep", "--grid", "lr=0.1,0.2", "--minimize", "loss", "--command", "python", "-m", "pkg.train")
    sweep = json.loads(mlrun(*words).stdout)["run_id"]

    runs = mlrun.json("run", "list", "--parent-run-id", sweep, "--sort", "loss")
    assert [run["parameters"] for run in map(mlrun.show, (run["run_id"] for run in runs))] == [{"lr": 0.2}, {"lr": 0.1}]
    again = _rerun(mlrun, runs[0]["run_id"], "--current-code")
    assert mlrun.log(again["run_id"]) == mlrun.log(runs[0]["run_id"]) == "pkg ['--lr', '0.2']\n"
    assert mlrun.fails(*words[:-3], "python -m pkg.train && true").code == "ConflictingOptions"


def test_values_of_a_sweep_are_put_where_a_command_has_their_names(mlrun: Mlrun) -> None:
    words = ("run", "sweep", "--grid", "lr=0.1,0.2", "--minimize", "loss", "--command")
    text = "echo at {lr} && python -m pkg.train --lr {lr}"
    first, _ = mlrun.json(*words[:-1], "--dry-run", "--command", text)["draws"]
    assert first["command"] == "echo at 0.1 && python -m pkg.train --lr 0.1"
    for command in (("sh", "-c", text), (text,)):
        sweep = mlrun.json(*words, *command)["run_id"]
        runs = mlrun.json("run", "list", "--parent-run-id", sweep, "--sort", "loss")
        assert [mlrun.log(run["run_id"]).splitlines()[0] for run in runs] == ["at 0.2", "at 0.1"]
    assert mlrun.fails("run", "rerun", "-r", sweep, "--set", "other=1").code == "ConflictingOptions"


def test_flags_are_swept_and_run_again_as_options_without_a_value(mlrun: Mlrun) -> None:
    mlrun.script(
        """
        import argparse
        from azureml.core import Run
        parser = argparse.ArgumentParser()
        parser.add_argument("--lr")
        parser.add_argument("--fp16", action="store_true")
        Run.get_context().log("loss", int(parser.parse_args().fp16))
        """,
        "flags.py",
    )
    words = ("run", "sweep", "--flag", "fp16", "--minimize", "loss")
    draws = mlrun.json(*words, "--dry-run", "flags.py", "--lr", "1")["draws"]
    assert [(each["values"], each["arguments"]) for each in draws] == [
        ({"fp16": True}, ["--lr", "1", "--fp16"]),
        ({"fp16": False}, ["--lr", "1"]),
    ]
    sweep = mlrun.json(*words, "flags.py", "--lr", "1")["run_id"]
    off, on = mlrun.json("run", "list", "--parent-run-id", sweep, "--sort", "loss")
    assert [mlrun.show(run["run_id"])["parameters"]["fp16"] for run in (off, on)] == ["false", "true"]
    (found,) = mlrun.json("run", "list", "--include-children", "--where", "fp16 = false")
    assert found["run_id"] == off["run_id"]
    for run, value, arguments in ((off, "true", ["--fp16"]), (on, "false", []), (off, "false", [])):
        again = _rerun(mlrun, run["run_id"], "--set", f"fp16={value}")
        assert again["run_definition"]["arguments"] == ["--lr", "1", *arguments]
        assert again["parameters"]["fp16"] == value
    last = _rerun(mlrun, off["run_id"], "--set", "lr=2")["run_id"]
    assert _rerun(mlrun, last, "--set", "fp16=true")["run_definition"]["arguments"] == ["--lr", "2", "--fp16"]
    assert _rerun(mlrun, sweep)["status"] == "Completed"
    alone = mlrun.ended("flags.py", "--fp16")["run_id"]
    for words_of_rerun in ((), ("--current-code",)):
        without = _rerun(mlrun, alone, "--set", "fp16=false", *words_of_rerun)
        assert (without["run_definition"]["arguments"], without["parameters"]) == ([], {"fp16": "false"})
        assert _rerun(mlrun, without["run_id"], "--set", "fp16")["run_definition"]["arguments"] == ["--fp16"]
    other = mlrun.json("run", "sweep", "--grid", "lr=1", "--minimize", "loss", "flags.py", "--fp16")["run_id"]
    again = _rerun(mlrun, other, "--set", "fp16=false")
    (child,) = mlrun.json("run", "list", "--parent-run-id", again["run_id"])
    assert mlrun.show(child["run_id"])["parameters"] == {"lr": 1, "fp16": "false"}
    assert mlrun.fails("run", "rerun", "-r", last, "--set", "lr").code == "InvalidValue"
    assert mlrun.fails(*words, "--flag", "fp16", "flags.py").code == "ConflictingOptions"
    assert mlrun.fails(*words, "--flag", "lr=1", "flags.py").code == "InvalidValue"


def test_the_end_of_a_sweep_names_its_best_run_and_what_failed(mlrun: Mlrun, tmp_path: Path) -> None:
    mlrun.script(
        """
        import sys
        from azureml.core import Run
        Run.get_context().log("acc", float(sys.argv[2]) / 3)
        if sys.argv[2] == "1":
            raise ValueError("too small")
        """,
        "ends.py",
    )
    words = ("run", "sweep", "--ci", "github", "--grid", "lr=1,2,3", "--maximize", "acc", "ends.py")
    mlrun.environment["GITHUB_STEP_SUMMARY"] = str(tmp_path / "summary.md")
    done = mlrun(*words)
    del mlrun.environment["GITHUB_STEP_SUMMARY"]

    sweep = json.loads(done.stdout)["run_id"]
    runs, best = "2 of 3 completed, 1 failed", f"{sweep}_2: acc = 1 with lr = 3"
    assert f"Child runs: {runs}\nBest run: {best}\n" in done.stderr
    assert f"| Child runs | {runs} |" in (tmp_path / "summary.md").read_text().replace("\\", "")
    for page in (mlrun("run", "view", "-r", sweep).stdout, mlrun("run", "show", "-r", sweep, "-o", "table").stdout):
        assert f"Child runs   {runs}\nBest run     {best}\n" in page
        assert "Properties" not in page
        commands = [f"monitor-logs -r {sweep}_0 --failed", f"view -r {sweep}_2", f"rerun -r {sweep}"]
        order = f"list --parent-run-id {sweep} --sort acc --descending"
        assert all(f"mlrun run {command}\n" in page for command in (*commands, order))
    why = mlrun("run", "monitor-logs", "-r", sweep, "--failed")
    assert "ValueError: too small" in why.stdout
    assert f"The first run of {sweep} that failed is {sweep}_0" in why.stderr
    assert mlrun("run", "view", "-r", f"{sweep}_2", "--failed").stdout == ""


def test_groups_of_the_runs_that_match_are_rows_of_csv_below_the_same_columns_each_time(mlrun: Mlrun) -> None:
    mlrun.script(
        "import sys; from azureml.core import Run; Run.get_context().log('rmse', int(sys.argv[4]))", "seeds.py"
    )
    for rate, seed in ((0.1, 1), (0.1, 3), (0.5, 5)):
        mlrun.ended("-e", "seeds", "--tag", "team=a", "seeds.py", "--lr", str(rate), "--seed", str(seed))
    words = ("run", "list", "-e", "seeds", "--group-by", "lr,tag.team", "--metrics", "rmse", "--agg", "mean,count")
    heading, *rows = mlrun(*words, "--where", "rmse < 5", "-o", "csv").stdout.splitlines()
    names = ["group.lr", "group.tag.team", "run_count", "metrics.rmse.mean", "metrics.rmse.count"]
    assert heading.split(",")[:5] == names
    assert [row.split(",")[:5] for row in rows] == [["0.1", "a", "2", "2.0", "2"]]
    assert mlrun(*words, "--where", "rmse > 5", "-o", "csv").stdout.splitlines() == [",".join(names)]


def test_a_query_that_names_metrics_or_parameters_has_them(mlrun: Mlrun) -> None:
    mlrun.script("from azureml.core import Run; Run.get_context().log('loss', 0.5)", "queried.py")
    mlrun.ended("-e", "queried", "queried.py", "--lr", "1")
    words = ("run", "list", "-e", "queried")
    assert mlrun.json(*words, "--query", "[].metrics.loss") == [0.5]
    assert mlrun.json(*words, "--query", "[?parameters.lr == `1`].[parameters]") == [[{"lr": 1}]]
    assert mlrun.json(*words, "--query", "[].[parameters, metrics]", "--params", "x") == [[{}, {"loss": 0.5}]]
    assert "metrics" not in mlrun.json(*words)[0]
    mlrun.ended("-e", "queried", "queried.py", "--lr", "2", "--epochs", "3")
    heading = mlrun(*words, "--sort", "loss", "-o", "table").stdout.splitlines()[0].split()
    assert heading[2:5] == ["lr", "epochs", "loss"]
    for option, kind, meant in (("--metrics", "metric", "loss"), ("--params", "parameter", "lr")):
        said = mlrun(*words, option, f"{meant}s").stderr
        assert f"No run in this workspace has a {kind} '{meant}s'. Did you mean '{meant}'?" in said
    for misspelt in (("--where", "losss < 1"), ("--sort", "losss")):
        assert "'losss'. Did you mean 'loss'?" in mlrun(*words, *misspelt).stderr
    refused = mlrun.fails("run", "delete", "-e", "queried", "--all", "--where", "losss < 1", "--yes")
    assert (refused.code, "Did you mean 'loss'?" in refused.hint) == ("InvalidFilter", True)


def test_columns_that_are_asked_for_are_the_last_to_leave_a_narrow_table(mlrun: Mlrun) -> None:
    mlrun.script(
        """
        import sys
        from azureml.core import Run
        for name in ("validation_accuracy", "loss"):
            Run.get_context().log(name, float(sys.argv[2]) / 3)
        """,
        "narrow.py",
    )
    for rate in ("0.125", "0.25"):
        mlrun.ended("-e", "narrow", "--display-name", f"a rate of {rate}", "--tag", "t=1", "narrow.py", "--rate", rate)

    def list_headings(columns: int, *words: str) -> list[str]:
        mlrun.environment["COLUMNS"] = str(columns)
        lines = mlrun("run", "list", "-e", "narrow", "-o", "table", *words).stdout.splitlines()
        assert max(map(len, lines)) <= columns
        return lines[0].split()

    asked = ("--params", "rate", "--metrics", "loss,validation_accuracy")
    assert list_headings(60, *asked, "--sort", "loss") == ["Status", "Run", "rate", "loss", "validation_accuracy"]
    assert list_headings(40, *asked, "--sort", "loss")[-2:] == ["rate", "loss"]
    assert list_headings(40, *asked, "--sort", "rate")[-2:] == ["Run", "rate"]  # not all fit: the id is whole
    assert list_headings(30, "--sort", "loss")[-1] == "loss"
    assert list_headings(48, "--sort", "duration") == ["Status", "Run", "Duration"]
    assert list_headings(30, "--where", "created > 1d")[-1] == "Age"
    assert list_headings(30, "--tags", "t")[-1] == "Tags"


def test_arguments_of_a_command_are_changed_and_extended(mlrun: Mlrun) -> None:
    mlrun.script("import sys; print(sys.argv[1:])", "words.py")
    first = mlrun.ended("--command", "python", "words.py", "--lr", "1")["run_id"]
    resumed = mlrun.json("run", "resume", "-r", first, "--set", "restart", "--set", "v")["run_id"]
    other = mlrun.json("run", "rerun", "-r", resumed, "--", "--only", "2")["run_id"]

    assert mlrun.log(resumed) == "['--lr', '1', '--restart', '-v']\n"
    assert mlrun.log(other) == "['--only', '2']\n"
    negated = mlrun.ended("--command", "python", "words.py", "--no-aug", "--lr", "1", "x=1")["run_id"]
    with_aug = mlrun.json("run", "rerun", "-r", negated, "--set", "no-aug=false", "--set", "++x=2")
    assert mlrun.log(with_aug["run_id"]) == "['--lr', '1', '++x=2']\n"
    assert mlrun.show(with_aug["run_id"])["parameters"] == {"aug": "true", "lr": 1, "x": 2}
    without = mlrun.json("run", "rerun", "-r", with_aug["run_id"], "--set", "aug=false", "--set", "+lr=2")["run_id"]
    assert mlrun.log(without) == "['--lr', '1', '++x=2', '--no-aug', '+lr=2']\n"
    text = mlrun.ended("--command", "echo $((1 + 1))")["run_id"]
    for change in (("--set", "restart"), ("--", "--only")):
        assert mlrun.fails("run", "resume", "-r", text, *change).code == "ConflictingOptions"


def test_pairs_of_hydra_are_swept_as_pairs(mlrun: Mlrun) -> None:
    mlrun.script(
        """
        import sys
        from azureml.core import Run
        Run.get_context().log("loss", float(dict(word.split("=") for word in sys.argv[1:])["optim.lr"]))
        print(sys.argv[1:])
        """,
        "hydra.py",
    )
    words = ("run", "sweep", "--grid", "optim.lr=0.1,0.2", "--minimize", "loss", "hydra.py", "a=b", "optim.lr=5")
    sweep = mlrun.json(*words)["run_id"]
    runs = mlrun.json("run", "list", "--parent-run-id", sweep, "--sort", "loss")
    assert [mlrun.log(run["run_id"]) for run in runs] == [f"['a=b', 'optim.lr={lr}']\n" for lr in (0.1, 0.2)]


def test_dotted_names_are_pairs_for_scripts_that_read_them_so_and_options_for_others(mlrun: Mlrun) -> None:
    for name, line in (("main.py", "from hydra import main"), ("plain.py", "import argparse")):
        mlrun.script(line, name)
    words = ("run", "sweep", "--grid", "optim.lr=0.1,0.2", "--minimize", "loss", "--dry-run")

    def list_first_words(*more: str, key: str = "arguments") -> list[str]:
        first: list[str] = mlrun.json(*words, *more)["draws"][0][key]
        return first

    assert list_first_words("main.py") == ["optim.lr=0.1"]
    assert list_first_words("main.py", "db=x", "optim.lr=5") == ["db=x", "optim.lr=0.1"]
    assert list_first_words("main.py", "+x={optim.lr}") == ["+x=0.1"]
    assert list_first_words("plain.py", "--epochs", "5") == ["--epochs", "5", "--optim.lr", "0.1"]
    assert list_first_words("plain.py", "++db.name=x") == ["++db.name=x", "optim.lr=0.1"]
    command = list_first_words("--command", "python", "-m", "train", "db=x", key="command")
    assert command == ["python", "-m", "train", "db=x", "optim.lr=0.1"]


def test_what_is_no_command_is_refused_with_the_line_to_type(mlrun: Mlrun) -> None:
    assert mlrun.fails("run", "submit-script", "--command").code == "MissingOption"
    assert "--command python -m" in mlrun.fails("run", "submit-script", "-m", "pkg.train").text
    mlrun.script("set -e", "job.sh")
    mlrun.script("{}", "notebook.ipynb")
    mlrun.script("x <- 1", "train.R")
    mlrun.script("x = 1", "train.jl")
    for script, line in (
        ("job.sh", "--command bash job.sh"),
        ("notebook.ipynb", "--command jupyter nbconvert"),
        ("train.R", "--command Rscript train.R, or write 'framework: R'"),
        ("train.jl", "--command julia train.jl"),
    ):
        failure = mlrun.fails("run", "submit-script", script)
        assert (failure.code, line in failure.text) == ("ScriptNotPython", True)
    refused = mlrun.fails("run", "submit-script", *_WORDS)
    assert refused.code == "ScriptNotFound"
    assert "--command python" in refused.text
    assert mlrun.json("run", "submit-script", "--dry-run", "--command", *_WORDS)["command_line"] == list(_WORDS)


def test_a_program_that_is_not_there_is_refused_at_the_submit(mlrun: Mlrun) -> None:
    mlrun.script("#!/bin/sh\necho $1", "job.sh")

    def refuse(*words: str) -> str:
        failure = mlrun.fails("run", *words)
        assert failure.code == "ScriptNotFound"
        return failure.text

    sweep = ("sweep", "--grid", "lr=1,2", "--minimize", "loss", "--command")
    submit = ("submit-script", "--command")
    for verb in (sweep, submit):
        assert "Leave its quotes out" in refuse(*verb, "bash job.sh {lr}", "-o", "none")
    assert "--command bash job.sh" in refuse(*submit, "job.sh", "1")
    assert "--command bash ./job.sh" in refuse(*submit, "./job.sh", "1")
    for program in ("misspelled", "./misspelled.sh", "job.sh/"):
        assert program in refuse(*submit, program, "1")
    (mlrun.folder / "job.sh").chmod(0o755)
    assert mlrun.log(mlrun.ended("--command", "./job.sh", "1")["run_id"]) == "1\n"
    mlrun.script(f"environmentVariables: {{PATH: '{mlrun.folder}:/bin'}}", ".azureml/job.runconfig")
    assert mlrun.log(mlrun.ended("-c", "job", "--command", "job.sh", "1")["run_id"]) == "1\n"
    assert mlrun("run", "submit-script", "--dry-run", "--command", "echo", "{lr}").returncode == 0
