"""What is typed reaches the script unchanged, what is printed is data, and text of any kind passes."""

from __future__ import annotations

import ast
import csv
import io
import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from tests.acceptance.installed import bash, installed, said
from tests.acceptance.terminal import Terminal
from tests.running import Mlrun

WORDS = [
    "--lr",
    "0.1",
    "-c",
    "x",
    "--help",
    "-h",
    "a b",
    "",
    "-o",
    "table",
    "--",
    "$HOME",
    "*",
    "ü€",
    "line\nbreak",
    "'\"",
]
ECHO = "import json, sys; json.dump(sys.argv[1:], open('outputs.json', 'w'))"


def argv_of(mlrun: Mlrun, run_id: str, folder: Path) -> list[str]:
    """What the script was started with, as it wrote it down."""
    mlrun("run", "download", "-r", run_id, "outputs.json", "-d", str(folder))
    words: list[str] = json.loads((folder / "outputs.json").read_text(encoding="utf-8"))
    return words


def test_all_after_the_script_is_the_scripts(mlrun: Mlrun, tmp_path: Path) -> None:
    mlrun.script(ECHO)
    run_id = mlrun.json("run", "submit-script", "-e", "exp", "train.py", *WORDS)["run_id"]
    assert argv_of(mlrun, run_id, tmp_path / "d") == WORDS


def test_arguments_of_a_runconfig_reach_the_script_and_those_of_the_line_replace_them(
    mlrun: Mlrun, tmp_path: Path
) -> None:
    mlrun.script(ECHO)
    document = {
        "script": "train.py",
        "arguments": ["--lr", 0.1, "a b", "", "$HOME"],
        "environment": {"python": {"userManagedDependencies": True}},
    }
    (mlrun.folder / ".azureml" / "args.runconfig").write_text(yaml.safe_dump(document), encoding="utf-8")
    run_id = mlrun.json("run", "submit-script", "-c", "args")["run_id"]
    assert argv_of(mlrun, run_id, tmp_path / "a") == ["--lr", "0.1", "a b", "", "$HOME"]
    run_id = mlrun.json("run", "submit-script", "-c", "args", "train.py", "one")["run_id"]
    assert argv_of(mlrun, run_id, tmp_path / "b") == ["one"]


def test_a_command_of_a_runconfig_is_run_instead_of_a_script(mlrun: Mlrun) -> None:
    text = "command: echo one && echo two\nenvironment:\n  python:\n    userManagedDependencies: true\n"
    (mlrun.folder / ".azureml" / "shell.runconfig").write_text(text, encoding="utf-8")
    done = mlrun("run", "submit-script", "-c", "shell")
    assert "one\ntwo\n" in done.stderr


def test_the_script_sees_azures_variables_and_those_of_the_runconfig(mlrun: Mlrun) -> None:
    mlrun.script(
        "import os; print({n: os.environ.get(n) for n in sorted(os.environ) if n.startswith(('AZUREML', 'MY_'))})"
    )
    text = (
        "script: train.py\nenvironment:\n  environmentVariables:\n    MY_A: a b\n    MY_NUMBER: 3\n"
        "  python:\n    userManagedDependencies: true\n"
    )
    (mlrun.folder / ".azureml" / "variables.runconfig").write_text(text, encoding="utf-8")
    mlrun.environment["MY_SHELL"] = "mine"
    run = mlrun.json("run", "submit-script", "-c", "variables")
    seen: dict[str, str] = ast.literal_eval(mlrun.log(run["run_id"]))
    assert seen.pop("AZUREML_EXPERIMENT_ID") == run["experiment_id"]
    assert seen == {
        "AZUREML_ARM_PROJECT_NAME": "exp",
        "AZUREML_ARM_RESOURCEGROUP": "default",
        "AZUREML_ARM_SUBSCRIPTION": "00000000-0000-0000-0000-000000000000",
        "AZUREML_ARM_WORKSPACE_NAME": "default",
        "AZUREML_NODE_COUNT": "1",
        "AZUREML_OUTPUT_DIRECTORY": str(mlrun.run_folder(run["run_id"]) / "work" / "outputs"),
        "AZUREML_RUN_ID": run["run_id"],
        "MY_A": "a b",
        "MY_NUMBER": "3",
        "MY_SHELL": "mine",
    }


@pytest.mark.parametrize("name", ["with space", "qu'ot\"es", "ünï€", "new\nline", "-dash", "$(touch pwned)", "%s{}"])
def test_paths_of_any_name_work(tmp_path: Path, name: str) -> None:
    with installed(tmp_path, attach=False) as mlrun:
        mlrun.home = tmp_path / f"home {name}"
        mlrun.environment["MLRUN_HOME"] = str(mlrun.home)
        mlrun.folder = mlrun.folder / name
        mlrun.folder.mkdir()
        mlrun("folder", "attach")
        mlrun.script(
            "import os; open('outputs/' + os.listdir('in')[0], 'w').write('x')",
            f"{name}/train.py",
        )
        mlrun.script("import os; print(os.getcwd())", "main.py")
        mlrun.script("", f"in/{name}")
        run = mlrun.json("run", "submit-script", "-e", "exp", f"./{name}/train.py")
        assert (run["status"], Path(run["script_name"])) == ("Completed", Path(name, "train.py"))
        files = mlrun.json("run", "files", "-r", "@latest", "-e", "exp")
        assert f"outputs/{name}" in files
        mlrun("run", "download", "-r", "@latest", "-e", "exp", f"outputs/{name}", f"--output-dir=to {name}")
        assert (mlrun.folder / f"to {name}" / "outputs" / name).read_text(encoding="utf-8") == "x"
        assert not list(tmp_path.rglob("pwned"))


@pytest.mark.parametrize("experiment", ["with space", "qu'ot\"es", "ünï€", "-dash", "a;b|c&d", "x" * 200])
def test_experiments_of_any_name_work(mlrun: Mlrun, experiment: str) -> None:
    mlrun.script("from azureml.core import Run; print(Run.get_context().experiment.name)")
    run = mlrun.json("run", "submit-script", f"--experiment-name={experiment}", "train.py")
    assert run["run_id"].startswith(f"{experiment}_")
    assert mlrun.log(run["run_id"]) == f"{experiment}\n"
    assert mlrun.json("run", "show", "-r", run["run_id"]) == run
    del run["web_view"], run["parameters"], run["resources"]
    assert mlrun.json("run", "list", f"--experiment-name={experiment}")[0] == run


def test_bytes_that_are_no_text_pass_through(mlrun: Mlrun) -> None:
    mlrun.script("import os, sys; print(os.fsencode(sys.argv[1]), os.listdir(b'.'))")
    (mlrun.folder / os.fsdecode(b"odd\xff")).write_text("", encoding="utf-8")
    done = mlrun("run", "submit-script", "train.py", os.fsdecode(b"arg\xfe"))
    assert r"b'arg\xfe'" in done.stderr
    assert r"b'odd\xff'" in done.stderr
    assert json.loads(done.stdout)["status"] == "Completed"


@pytest.fixture(scope="module")
def ended(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mlrun]:
    with installed(tmp_path_factory.mktemp("ended")) as mlrun:
        mlrun.script("")
        mlrun("run", "submit-script", "train.py")
        mlrun("run", "update", "-r", "@latest", "--add-tag", "näme=wörth €", "--add-tag", "bare")
        yield mlrun


def test_json_has_sorted_keys_indent_2_and_raw_text(ended: Mlrun) -> None:
    text = ended("run", "show", "-r", "@latest").stdout
    assert text == json.dumps(json.loads(text), indent=2, sort_keys=True, ensure_ascii=False) + "\n"
    assert "wörth €" in text


def test_each_format_says_the_same(ended: Mlrun) -> None:
    value = ended.json("run", "show", "-r", "@latest")
    show = ("run", "show", "-r", "@latest", "-o")
    for format_ in ("yaml", "yamlc"):
        assert yaml.safe_load(ended(*show, format_).stdout) == value
    assert json.loads(ended(*show, "jsonc").stdout) == value
    assert ended(*show, "none").stdout == ""
    assert ended(*show, "tsv", "--query", "[run_id, status]").stdout == f"{value['run_id']}\nCompleted\n"
    row = next(csv.DictReader(io.StringIO(ended(*show, "csv").stdout)))
    assert (row["run_id"], row["status"], row["tags.näme"]) == (value["run_id"], "Completed", "wörth €")
    assert (
        f"| run_id | {value['run_id']} |\n" in ended(*show, "md", "--query", "{run_id: run_id, tag: tags.bare}").stdout
    )
    table = ended(*show, "table", "--query", "{run: run_id, how: status}").stdout
    assert [line.split() for line in table.splitlines()][::2] == [["Run", "How"], [value["run_id"], "Completed"]]


def test_a_query_without_a_result_prints_nothing(ended: Mlrun) -> None:
    assert ended("run", "show", "-r", "@latest", "--query", "nothing").stdout == ""
    assert ended("run", "list", "--query", "[?status=='Failed']").stdout == "[]\n"


def test_a_table_for_people_fits_its_terminal(ended: Mlrun) -> None:
    ended.environment["COLUMNS"] = "60"
    try:
        lines = ended("run", "list", "-o", "table").stdout.splitlines()
    finally:
        del ended.environment["COLUMNS"]
    assert "Completed" in lines[1]
    assert max(map(len, lines)) <= 60


@pytest.mark.parametrize(
    "locale", [{"LC_ALL": "C"}, {"LC_ALL": "POSIX", "PYTHONUTF8": "0"}, {"PYTHONIOENCODING": "ascii"}]
)
def test_output_is_utf_8_in_every_locale(ended: Mlrun, locale: dict[str, str]) -> None:
    done = subprocess.run(
        [*ended.command, "run", "list"],
        cwd=ended.folder, env={**ended.environment, **locale}, capture_output=True, check=True,
    )  # fmt: skip
    assert json.loads(done.stdout.decode())[0]["tags"] == {"bare": None, "näme": "wörth €"}


def test_a_log_of_any_text_streams_in_the_c_locale(mlrun: Mlrun) -> None:
    mlrun.script("import sys; sys.stdout.buffer.write('wörth €\\n'.encode())")
    mlrun.environment["LC_ALL"] = "C"
    assert "wörth €\n" in mlrun("run", "submit-script", "train.py").stderr


@pytest.mark.parametrize("closed", ["<&-", ">&-", "2>&-", "<&- >&- 2>&-"])
def test_closed_streams_do_no_harm(mlrun: Mlrun, closed: str) -> None:
    mlrun.script("print('printed')")
    done = bash(mlrun, f"mlrun run submit-script train.py {closed}")
    assert (done.returncode, "bug" in done.stderr) == (0, False)
    assert mlrun.log(mlrun.show("@latest")["run_id"]) == "printed\n"


@pytest.mark.parametrize(("script", "exit_code"), [("print('printed')", 0), ("import sys; sys.exit(2)", 1)])
def test_a_full_disk_under_stderr_keeps_the_result_and_the_exit_code(mlrun: Mlrun, script: str, exit_code: int) -> None:
    mlrun.script(script)
    done = bash(mlrun, "mlrun run submit-script -o tsv --query status train.py 2>/dev/full")
    assert (done.returncode, done.stdout) == (exit_code, "Failed\n" if exit_code else "Completed\n")
    refusal = bash(mlrun, "mlrun run show -r no_such_run --debug 2>/dev/full")
    assert refusal.returncode == 3


def test_a_reader_of_stderr_that_stops_reading_ends_the_command(mlrun: Mlrun) -> None:
    mlrun.script("print('printed')")
    done = bash(mlrun, "mlrun run submit-script -o none train.py 2>&1 | head -1; echo ${PIPESTATUS[0]}")
    assert done.stdout.splitlines()[1] == "141"


def test_a_reader_that_stops_reading_ends_the_command_quietly(ended: Mlrun) -> None:
    done = bash(ended, "mlrun run list | head -1; echo ${PIPESTATUS[0]}")
    assert done.stdout.splitlines()[0] == "["
    assert said(done) == []


def test_jq_like_pipes_get_nothing_but_json(mlrun: Mlrun) -> None:
    mlrun.script("print('{not json'); import sys; sys.exit(2)")
    text = "script: train.py\nnodeCont: 2\nenvironment:\n  python:\n    userManagedDependencies: true\n"
    (mlrun.folder / ".azureml" / "odd.runconfig").write_text(text, encoding="utf-8")
    done = mlrun("run", "submit-script", "-c", "odd", check=False)
    assert json.loads(done.stdout)["status"] == "Failed"
    assert "nodeCont" in done.stderr
    assert " nodeCount?" in done.stderr


def test_verbose_says_what_a_run_is_made_of_and_debug_by_what(mlrun: Mlrun) -> None:
    mlrun.script("")
    for name, pins in (("local", ()), ("sklearn", ("-d", "empty.yml"))):
        (mlrun.folder / "empty.yml").write_text("dependencies: []\n", encoding="utf-8")
        done = mlrun("run", "submit-script", "--async", "--verbose", "-c", name, *pins, "train.py")
        run = json.loads(done.stdout)
        plan = json.loads((mlrun.run_folder(run["run_id"]) / "environment.json").read_text(encoding="utf-8"))
        expected = {
            "Workspace 'default', resource group 'default', subscription '00000000-0000-0000-0000-000000000000': "
            f"{mlrun.database.parent}",
            f"Runconfig: {mlrun.folder}/.azureml/{name}.runconfig",
            f"Interpreter: {plan['interpreter']}" if name == "local" else f"Environment: {plan['build']['key']}",
        }
        assert expected <= set(said(done))
        assert any(line.startswith(f"Snapshot: {run['properties']['ContentSnapshotId']}, ") for line in said(done))
    assert not any(line.startswith(("Workspace", "Python")) for line in said(mlrun("run", "list")))
    assert any(f"MLRUN_HOME {mlrun.home}" in line for line in said(mlrun("run", "list", "--debug")))


def test_an_empty_list_names_the_option_that_lists_what_is_elsewhere(mlrun: Mlrun) -> None:
    mlrun.script("")
    pipeline = "pipeline:\n  name: x\n  steps:\n    A: {type: PythonScriptStep, script_name: train.py}\n"
    (mlrun.folder / "p.yml").write_text(pipeline, encoding="utf-8")

    def note(*words: str) -> str:
        done = mlrun(*words, "-o", "table")
        assert done.stdout == ""
        return done.stderr

    assert "--" not in note("run", "list")
    assert "--" not in note("pipeline", "list")
    assert "--" not in note("experiment", "list")
    run_id = mlrun.ended()["run_id"]
    assert "--all-experiments" in note("run", "list", "-e", "other")
    assert "--deleted" not in note("run", "list", "-e", "other")
    mlrun("run", "delete", "-r", run_id, "--yes")
    told = note("run", "list")
    assert "--deleted" in told and "--all-experiments" not in told
    published = mlrun.json("pipeline", "create", "-y", "p.yml", "-n", "mine")["id"]
    mlrun("pipeline", "disable", "-i", published)
    assert "--all " in note("pipeline", "list")
    mlrun("experiment", "delete", "-e", "exp", "--yes")
    assert "--deleted" in note("experiment", "list")


def test_the_ways_to_have_a_compute_target_are_a_line_each(mlrun: Mlrun) -> None:
    mlrun.script("")
    failure = mlrun.fails("run", "submit-script", "--ct", "nosuch", "train.py", exit_code=3)
    assert failure.code == "ComputeTargetNotFound"
    commands = [line for line in failure.hint.splitlines() if line.startswith("  mlrun computetarget ")]
    assert len(commands) == 4
    assert all("nosuch" in command for command in commands)
    assert max(map(len, failure.hint.splitlines())) <= 100


def test_a_terminal_is_told_which_columns_of_a_query_a_table_leaves_out(mlrun: Mlrun) -> None:
    mlrun.script("")
    mlrun.ended()
    words = ("run", "list", "-o", "table", "--query")
    assert mlrun(*words, "[].{id: run_id, how: status}").stderr == ""
    for query, is_told in (("[].{id: run_id, how: status}", True), ("[].{run: run_id, how: status}", False)):
        with Terminal(mlrun, [*mlrun.command, *words, query], columns=120) as terminal:
            terminal.wait_for("Completed")
            assert terminal.wait() == 0
        assert ("leave out 'id'" in terminal.output) is is_told
