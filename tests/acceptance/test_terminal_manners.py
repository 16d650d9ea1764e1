"""What a person at a terminal meets: short errors, the verb that was meant, pipes that end early."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from pathlib import Path
from shutil import which

import pytest

from tests.acceptance.installed import bash, installed
from tests.running import Mlrun

TRAIN = """
import sys
from azureml.core import Run
run = Run.get_context()
for value in (1.5, float("nan"), float("inf")):
    run.log("loss", value)
run.log_row("row", x=float("-inf"), y=2)
sys.exit(int(sys.argv[1]))
"""


@pytest.fixture(scope="module")
def mlrun(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mlrun]:
    """In an attached folder with a run that completed and then one that failed."""
    with installed(tmp_path_factory.mktemp("manners")) as command:
        command.script(TRAIN)
        command.ended("train.py", "0")
        command.ended("train.py", "3")
        yield command


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("run logs", "monitor-logs"),
        ("run tail", "monitor-logs"),
        ("ml run watch", "monitor-logs"),
        ("run stop", "cancel"),
        ("run rm", "delete"),
        ("run ls", "list"),
        ("model ls", "list"),
        ("model rm", "delete"),
        ("datastore rm", "detach"),
        ("dataset delete", "unregister"),
        ("folder init", "attach"),
        ("environment init", "scaffold"),
        ("init", "folder attach"),
        ("ml ls", "run list"),
        ("list", "run list"),
        ("submit-script train.py", "run submit-script"),
        ("ui", "studio"),
        ("run lst", "list"),
    ],
)
def test_what_other_programs_call_a_verb_is_answered_with_its_name(mlrun: Mlrun, typed: str, meant: str) -> None:
    failure = mlrun.fails(*typed.split())
    assert failure.code == "CommandNotFound"
    assert f"'{meant}'?" in failure.text


@pytest.mark.parametrize(
    ("query", "reason"),
    [
        ("length([0].nothing)", "length() takes text or a list or an object, not null"),
        ("abs(@)", "abs() takes a number, not a list: [{"),
        ("sum([].run_id)", "sum() takes a list of numbers, not text: '"),
        ("[::0]", "slice step cannot be zero"),
    ],
)
def test_a_query_that_does_not_fit_is_answered_in_short(mlrun: Mlrun, query: str, reason: str) -> None:
    told = mlrun.fails("run", "list", "--query", query)
    assert told.code == "InvalidQuery"
    assert reason in told.text
    assert max(map(len, told.text.splitlines())) < 160


@pytest.mark.skipif(which("zsh") is None, reason="zsh is not installed")
def test_zsh_types_queries_as_the_readme_says(mlrun: Mlrun) -> None:
    query = "[?_experiment_name=='my-folder' || status=='Failed'].status"
    for text, printed, told in (
        ("mlrun run list --query [0].run_number -o tsv", "", "no matches found: [0].run_number"),
        (f'mlrun run list "{query}" -o tsv', "Failed\n", ""),
        ("alias az='noglob mlrun'\naz ml run list --query [-1:].run_number -o tsv", "1\n", ""),
    ):
        script = mlrun.script(text, "lines.zsh")
        done = mlrun.run("zsh", "-f", str(script))
        assert (done.stdout[: len(printed)], told in done.stderr) == (printed, True)


def test_that_a_run_failed_is_said_where_errors_alone_are(mlrun: Mlrun) -> None:
    submit = mlrun("run", "submit-script", "--only-show-errors", "train.py", "3", check=False)
    for done in (
        submit,
        mlrun("run", "wait", "-r", "@latest", "--only-show-errors", check=False),
        mlrun("run", "monitor-logs", "-r", "@latest", "--only-show-errors", check=False),
    ):
        assert done.returncode == 1
        ending, log = done.stderr.splitlines()
        assert ": Failed (exit code 3) after " in ending
        assert log.startswith("Log: ")
    completed = mlrun("run", "submit-script", "--only-show-errors", "train.py", "0")
    assert completed.stderr == ""


def test_json_of_what_runs_log_is_strict_and_yaml_has_its_own_words(mlrun: Mlrun) -> None:
    done = mlrun("run", "metrics", "-r", "@latest", "-t", "metrics.json")
    for text in (done.stdout, (mlrun.folder / "metrics.json").read_text(encoding="utf-8")):
        assert json.loads(text, parse_constant=pytest.fail) == {"loss": [1.5, None, None], "row": {"x": None, "y": 2}}
    assert "- 1.5\n- .nan\n- .inf\n" in mlrun("run", "metrics", "-r", "@latest", "-o", "yaml").stdout


LISTS = ("workspace", "environment", "model", "computetarget", "dataset", "datastore", "experiment", "runconfig")


@pytest.fixture(scope="module")
def full(mlrun: Mlrun) -> Mlrun:
    """With something to list of everything, some of it with long texts, in a time zone of its own."""
    mlrun.environment["TZ"] = "Asia/Kathmandu"
    mlrun("model", "register", "-n", "model", "-p", "train.py", "--tag", "a=b", "-d", "long " * 100)
    mlrun("computetarget", "create", "amlcompute", "-n", "cpu", "--max-nodes", "2", "--description", "x" * 300)
    mlrun("dataset", "register", "-n", "data", "-p", "train.py", "--description", "y" * 300)
    mlrun("environment", "scaffold", "-n", "training", "-d", "training")
    mlrun("environment", "register", "-d", "training")
    mlrun.script(f"script: train.py\nframework: {'z' * 300}\n", "wrong.runconfig")
    return mlrun


@pytest.mark.parametrize("noun", LISTS)
def test_a_list_is_a_table_for_people(full: Mlrun, noun: str) -> None:
    for columns, widest in (("40", 40), ("50", 50), ("60", 60), ("", 160)):
        full.environment["COLUMNS"] = columns
        lines = full(noun, "list", "-o", "table").stdout.splitlines()
        assert len(lines) == 1 + len(full.json(noun, "list"))
        assert all(lines)
        assert max(map(len, lines)) <= widest
        assert not re.search(r"(?<!\S)\d{4}-\d\d-?\d?\d?…", "\n".join(lines)), "no time is cut"
        assert "T" not in "".join(re.findall(r"\d{4}-\d\d-\d\d(.)", "".join(lines)))
    queried = full(noun, "list", "-o", "table", "--query", "[].{name: name}").stdout
    assert queried.splitlines()[0] == "Name"


@pytest.mark.parametrize(
    ("line", "facts"),
    [
        ("dataset show -n data", {"data", "1", "File", "train.py"}),
        ("dataset register -n data -p train.py", {"data", "1", "File", "train.py"}),
        ("model show -n model", {"model:1", "a=b"}),
        ("model update -i model:1 --add-tag c=d", {"model:1", "a=b, c=d"}),
        ("model register -n another -p train.py", {"another:1"}),
    ],
)
def test_what_is_listed_is_a_line_of_that_table_where_it_is_shown(full: Mlrun, line: str, facts: set[str]) -> None:
    full.environment["COLUMNS"] = "300"
    heading, row = full(*line.split(), "-o", "table").stdout.splitlines()
    assert "Registered" in heading
    assert all(any(cell.endswith(fact) for cell in re.split("  +", row)) for fact in facts)


@pytest.mark.parametrize(
    ("line", "heading"),
    [
        ("experiment show", "Experiment"),
        ("workspace show", "Name"),
        ("workspace create -w another", "Name"),
        ("datastore show -n workspaceblobstore", "Datastore"),
        ("datastore show-default", "Datastore"),
        ("datastore set-default -n workspacefilestore", "Datastore"),
        ("datastore attach-local images .", "Datastore"),
        ("computetarget create amlcompute -n cpu-cluster --max-nodes 4", "Target"),
        ("computetarget show -n cpu", "Target"),
        ("environment show -n training", "Environment"),
        ("folder attach", "Folder"),
    ],
)
@pytest.mark.parametrize("columns", [40, 80])
def test_the_table_of_one_thing_fits_the_screen(full: Mlrun, line: str, heading: str, columns: int) -> None:
    full.environment["COLUMNS"] = str(columns)
    table = full(*line.split(), "-o", "table").stdout
    assert table.split()[0] == heading
    assert len(table.splitlines()) == 2
    assert max(map(len, table.splitlines())) <= columns


def test_a_table_has_the_time_of_the_clocks_here(full: Mlrun) -> None:
    full.environment["COLUMNS"] = "120"
    created = datetime.fromisoformat(full.json("model", "list")[0]["createdTime"].replace("Z", "+00:00"))
    here = created.astimezone(timezone(timedelta(hours=5, minutes=45)))
    row = full("model", "list", "-o", "table").stdout.splitlines()[1]
    assert here.strftime("%Y-%m-%d %H:%M") in re.split("  +", row.rstrip())


def test_an_empty_list_is_said_on_stderr_and_prints_no_blank_line(tmp_path: Path) -> None:
    with installed(tmp_path) as empty:
        for noun in ("environment", "model", "computetarget", "dataset"):
            done = empty(noun, "list", "-o", "table")
            assert (done.stdout, done.stderr[:3]) == ("", "No ")
        assert empty("run", "list", "-o", "table", "--minimal").stdout == ""
        assert empty("model", "list").stdout == "[]\n"


def test_a_run_is_a_page_and_several_are_a_table(full: Mlrun) -> None:
    full.environment["COLUMNS"] = "80"
    (run, other) = full.json("run", "list", "--last", "2")
    lines = full("run", "show", "-r", run["run_id"], "-o", "table").stdout.splitlines()
    assert all(lines)
    said = {line[:13].rstrip(): line[13:] for line in lines}
    assert said["Run"] == run["run_id"]
    assert said["Script"].startswith("train.py ")
    assert "+" not in said["Created"] and "T" not in said["Created"]
    full("run", "update", "-r", run["run_id"], "--description", "long words " * 40 + "\nand\x1b[1m more")
    lines = full("run", "show", "-r", run["run_id"], "-o", "table").stdout.splitlines()
    assert all(len(line) <= 80 for line in lines if not line.startswith("Web view"))
    assert r"             and\x1b[1m more" in lines
    table = full("run", "show", "-r", run["run_id"], "-r", other["run_id"], "-o", "table").stdout.splitlines()
    assert [line.split()[0] for line in table][:1] == ["Status"]
    assert len(table) == 3


def test_metrics_are_a_table_of_the_last_values_and_their_range(full: Mlrun) -> None:
    full.environment["COLUMNS"] = "80"
    heading, loss, row_x, row_y = full("run", "metrics", "-r", "@latest", "-o", "table").stdout.splitlines()
    assert heading.split() == ["Metric", "Last", "Min", "Max", "Count"]
    assert loss.split() == ["loss", "inf", "1.5", "inf", "3"]
    assert (row_x.split(), row_y.split()) == (["row.x", "-inf"], ["row.y", "2"])
    lines = full("run", "metrics", "-r", "@latest", "-o", "csv").stdout.splitlines()
    assert (lines[0], len(lines), lines[3].split(",")[1]) == ("run_id,loss,row.x,row.y", 4, "inf")
    runs = [run["run_id"] for run in full.json("run", "list", "--last", "2")]
    both = full("run", "metrics", *(word for run_id in runs for word in ("-r", run_id)), "-o", "table").stdout
    assert len(both.splitlines()) == 7
    assert runs[0][-12:] in both


@pytest.mark.parametrize("output", ["json", "jsonc", "yaml", "yamlc", "table", "tsv", "csv", "md"])
@pytest.mark.parametrize("verb", ["list", "show -r @latest", "metrics -r @latest"])
def test_a_pipe_that_ends_early_is_the_same_in_all_formats(mlrun: Mlrun, verb: str, output: str) -> None:
    # A pipe of which nobody has the other end any more: with `| head -1`, chance decides who is first.
    pipe = "mkfifo gone; exec 4<>gone 5>gone 4<&-; rm gone"
    ended = bash(mlrun, f"{pipe}; mlrun run {verb} -o {output} >&5; echo $?")
    assert ended.stdout == "141\n", ended.stderr
    assert ended.stderr == ""


def test_what_a_script_logs_as_true_or_false_is_so_on_the_page_of_its_run(mlrun: Mlrun) -> None:
    mlrun.script(
        "from azureml.core import Run; run = Run.get_context(); run.log('good', True); run.log('one', 1);"
        " run.log_list('each', [True, False])"
    )
    mlrun.ended()
    page = mlrun("run", "view", "-r", "@latest").stdout
    assert {("good", "True"), ("one", "1"), ("each", "False")} <= {
        tuple(line.removeprefix("Metrics").split()[:2]) for line in page.splitlines()
    }
