"""What bad input gets: one to three lines on stderr, the right exit code, and nothing half done."""

from __future__ import annotations

import errno
import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.acceptance.installed import bash, installed, local_package, run_count, said
from tests.running import Failure, Mlrun


@pytest.fixture
def loose(tmp_path: Path) -> Iterator[Mlrun]:
    """In a folder that is not attached."""
    with installed(tmp_path, attach=False) as mlrun:
        mlrun.script("")
        yield mlrun


@pytest.fixture
def ready(mlrun: Mlrun) -> Mlrun:
    """In an attached folder with an empty script."""
    mlrun.script("")
    return mlrun


def submit_fails(mlrun: Mlrun, *words: str, exit_code: int = 2) -> Failure:
    """Return the error of `submit-script`, which leaves no run and no trace of one."""
    failure = mlrun.fails("run", "submit-script", *words, exit_code=exit_code)
    assert run_count(mlrun) == 0
    return failure


def runconfig(mlrun: Mlrun, text: str, name: str = "broken") -> None:
    (mlrun.folder / ".azureml" / f"{name}.runconfig").write_text(text, encoding="utf-8")


@pytest.mark.parametrize(
    "words",
    [
        ("submit-script", "train.py"),
        ("list",),
        ("show", "-r", "x"),
        ("update", "-r", "x", "--add-tag", "a"),
        ("cancel", "--all"),
    ],
)
def test_without_an_attached_folder_both_ways_out_are_named(loose: Mlrun, words: tuple[str, ...]) -> None:
    told = loose.fails("run", *words)
    assert told.code == "WorkspaceRequired"
    assert "mlrun folder attach" in told.text
    assert "-w NAME" in told.text
    assert not loose.home.exists()


def test_a_workspace_that_is_not_there_is_named_and_not_made(loose: Mlrun) -> None:
    told = loose.fails("run", "list", "-w", "nowhere", "-e", "exp", exit_code=3)
    assert told.code == "WorkspaceNotFound"
    assert "'nowhere'" in told.text
    assert not loose.home.exists()


@pytest.mark.parametrize("words", [("-w", "no"), ("-g", "no"), ("--subscription", "no"), ("--subscription-id", "no")])
def test_a_misspelled_workspace_of_an_attached_folder_is_not_made(ready: Mlrun, words: tuple[str, str]) -> None:
    ready.fails("run", "list", *words, exit_code=3)
    assert len(ready.json("workspace", "list")) == 1


def test_a_workspace_without_an_experiment_names_both_ways_out(loose: Mlrun) -> None:
    loose("folder", "attach", "--path", "elsewhere", "-w", "ws")
    for verb, words, has_all in (("submit-script", ["train.py"], 0), ("list", [], 1), ("cancel", ["--all"], 0)):
        told = loose.fails("run", verb, "-w", "ws", *words)
        assert told.code == "ExperimentRequired"
        assert "-e NAME" in told.text
        assert "mlrun folder attach" in told.text
        assert told.text.count("--all-experiments") == has_all


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "empty"),
        (b"{'workspace_name': 1", "line 1"),
        (b"[1, 2]", "mapping"),
        (b"\xff\xfe\x00", "UTF-8"),
        (b'{"Scope": "/subscriptions/s"}', "resource group"),
        (b'{"subscription_id": "s", "resource_group": "g"}', "workspace name"),
        (b'{"subscription_id": "s", "resource_group": "g", "workspace_name": "../../x"}', "'/'"),
    ],
)
def test_a_config_that_is_none_is_named_with_what_is_wrong(ready: Mlrun, content: bytes, reason: str) -> None:
    path = ready.folder / ".azureml" / "config.json"
    path.write_bytes(content)
    told = submit_fails(ready, "train.py")
    assert told.code == "InvalidFile"
    assert "config.json" in told.text
    assert reason in told.text


def test_a_config_that_is_a_folder_is_named(ready: Mlrun) -> None:
    path = ready.folder / ".azureml" / "config.json"
    path.unlink()
    path.mkdir()
    failure = submit_fails(ready, "train.py")
    assert failure.code == "InvalidFile"
    assert "config.json" in failure.text


def test_a_runconfig_that_is_not_found_is_answered_with_all_paths_and_the_nearest_name(ready: Mlrun) -> None:
    told = submit_fails(ready, "-c", "skleran", "train.py")
    assert told.code == "RunconfigNotFound"
    for tried in (".azureml/skleran", ".azureml/skleran.runconfig", "skleran.runconfig"):
        assert tried in told.text
    assert "'sklearn'" in told.text


@pytest.mark.parametrize(
    ("text", "reasons"),
    [
        ("script: [unclosed", ["line"]),
        ("- script: train.py\n- target: local\n", ["mapping", "list"]),
        ("just words", ["mapping"]),
        ("", ["empty"]),
        (
            "script: train.py\nenvironment:\n  python:\n    userManagedDependencies: true\n"
            "    interpreterPath: [a, b]\n",
            ["environment.python.interpreterPath", "line 5"],
        ),
        ("script: train.py\nenvironment:\n  python:\n    userManagedDependencies: perhaps\n", ["line 4"]),
        ("script: train.py\nnodeCount: many\n", ["nodeCount", "line 2"]),
        ("script: train.py\nmaxRunDurationSeconds: -5\n", ["maxRunDurationSeconds", "line 2"]),
        ("script: train.py\nmaxRunDurationSeconds: 0\n", ["maxRunDurationSeconds", "line 2", "from 1"]),
        ("script: train.py\noutputData: {a=b: {}}\n", ["outputData", "'a=b'"]),
        (f"script: train.py\ndataReferences: {{{'r' * 300}: {{}}}}\n", ["dataReferences", "too long"]),
        ("script: train.py\nenvironment:\n  environmentVariables: [A]\n", ["environmentVariables", "line 3"]),
        ("script: train.py\narguments:\n  deep: 1\n", ["arguments"]),
        ("script: train.py\nnodeCount: -2\n", ["nodeCount", "line 2"]),
        ("script: train.py\nnodeCount: 1000\n", ["nodeCount", "256"]),
        ("script: train.py\ncommunicator: Gloo\npytorch: {processCount: four}\n", ["pytorch.processCount", "four"]),
        ("script: train.py\nframework: PySpark\n", ["framework"]),
        ("script: train.py\ntarget: gpu-cluster\n", ["gpu-cluster"]),
        ('script: !!python/object/apply:os.system ["touch pwned"]\n', ["line 1"]),
    ],
)
def test_a_runconfig_that_is_none_is_named_with_key_and_line(ready: Mlrun, text: str, reasons: list[str]) -> None:
    runconfig(ready, text)
    told = submit_fails(ready, "-c", "broken", "train.py", exit_code=3 if "gpu-cluster" in text else 2)
    assert told.code in {"ComputeTargetNotFound", "InvalidFile", "InvalidName", "Unsupported"}
    for reason in reasons:
        assert reason in told.text
    assert not (ready.folder / "pwned").exists()


@pytest.mark.parametrize("variables", ["API_TOKEN=hunter2", "{API_TOKEN=hunter2: 1}", "{API_TOKEN: !hunter2 x}"])
def test_what_is_wrong_with_variables_is_told_without_their_values(ready: Mlrun, variables: str) -> None:
    runconfig(ready, f"script: train.py\nenvironmentVariables: {variables}\n")
    told = submit_fails(ready, "-c", "broken")
    assert told.code == "InvalidFile"
    assert "line 2: environmentVariables" in told.text
    assert "hunter2" not in told.text


def test_a_runconfig_of_50_mb_is_refused_unread(ready: Mlrun) -> None:
    with open(ready.folder / ".azureml" / "broken.runconfig", "wb") as file:
        file.truncate(50 * 1024 * 1024)
    failure = submit_fails(ready, "-c", "broken", "train.py")
    assert failure.code == "InvalidFile"


def test_an_alias_bomb_is_refused(ready: Mlrun) -> None:
    levels = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    levels += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 12)]
    runconfig(ready, "script: train.py\n" + "\n".join(levels) + "\narguments: *a11\n")
    told = submit_fails(ready, "-c", "broken")
    assert told.code == "InvalidFile"
    assert "broken.runconfig" in told.text


@pytest.mark.parametrize(
    ("script", "code"),
    [
        ("nowhere.py", "ScriptNotFound"),
        (".azureml", "ScriptNotFound"),
        ("../outside.py", "ScriptNotInSnapshot"),
        ("/etc/hostname", "ScriptNotInSnapshot"),
        ("", "ScriptNotFound"),
    ],
)
def test_a_script_that_cannot_be_run_is_named(ready: Mlrun, script: str, code: str) -> None:
    (ready.folder.parent / "outside.py").write_text("", encoding="utf-8")
    failure = submit_fails(ready, script)
    assert failure.code == code
    assert f"'{script}'" in failure.message


def test_a_script_that_is_left_out_of_the_snapshot_is_named(ready: Mlrun) -> None:
    (ready.folder / ".amlignore").write_text("train.py\n", encoding="utf-8")
    failure = submit_fails(ready, "train.py")
    assert failure.code == "ScriptNotInSnapshot"
    assert "train.py" in failure.text


def test_a_script_that_leads_out_of_the_source_is_named(ready: Mlrun) -> None:
    (ready.folder.parent / "outside.py").write_text("", encoding="utf-8")
    (ready.folder / "link.py").symlink_to("../outside.py")
    failure = submit_fails(ready, "link.py")
    assert failure.code == "ScriptNotInSnapshot"
    assert "link.py" in failure.text


def test_a_script_that_must_not_be_read_is_named(ready: Mlrun) -> None:
    (ready.folder / "train.py").chmod(0)
    if os.geteuid() == 0:  # without these two, root is bound by permission bits
        ready.command = ["setpriv", "--bounding-set", "-dac_override,-dac_read_search", *ready.command]
    failure = submit_fails(ready, "train.py")
    assert failure.code == "ScriptNotFound"


@pytest.mark.parametrize("source", ["nowhere", "train.py"])
def test_a_source_directory_that_is_none_is_named(ready: Mlrun, source: str) -> None:
    failure = submit_fails(ready, "--source-directory", source, "train.py")
    assert failure.code == "InvalidPath"
    assert f"{source}" in failure.text


@pytest.mark.parametrize(
    ("words", "code", "fact"),
    [
        (("--source-directory", "nope", "train.py"), "InvalidPath", "nope'"),
        (("--source-directory", "train.py", "train.py"), "InvalidPath", "--source-directory"),
        (("tarin.py",), "ScriptNotFound", "'train.py'"),
        (("src/evaluat",), "ScriptNotFound", "'src/evaluate.py'"),
        (("notes.py",), "ScriptNotFound", "'notes.py'"),
        ((".",), "ScriptNotFound", "train.py"),
        (("--", "--lr", "1"), "ScriptNotFound", "train.py --lr"),
        (("--path", "/nonexist", "train.py"), "MissingFile", "--path"),
    ],
)
def test_a_wrong_folder_or_script_is_answered_with_what_to_do(
    ready: Mlrun, words: tuple[str, ...], code: str, fact: str
) -> None:
    ready.script("", "src/evaluate.py")
    failure = submit_fails(ready, *words)
    assert failure.code == code
    assert fact in failure.text


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        ("mkdir .azureml/odd.runconfig", ".azureml/odd.runconfig (a folder)"),
        ("ln -s nowhere .azureml/odd.runconfig", ".azureml/odd.runconfig (a link that leads nowhere)"),
        ("ln -s odd.runconfig .azureml/odd.runconfig", ".azureml/odd.runconfig (a link that leads in a circle)"),
    ],
)
def test_what_stands_in_the_place_of_a_runconfig_is_told(ready: Mlrun, make: str, reason: str) -> None:
    bash(ready, make)
    told = submit_fails(ready, "-c", "odd", "train.py")
    assert told.code == "RunconfigNotFound"
    assert reason in told.text
    assert "'odd'?" not in told.text


@pytest.mark.parametrize("text", ["", "- a\n", "script: [x", "nodeCount: many\nscript: train.py\n", "a: 1\na: 2\n"])
def test_every_broken_file_is_answered_with_what_to_do(ready: Mlrun, text: str) -> None:
    runconfig(ready, text)
    assert len(submit_fails(ready, "-c", "broken", "train.py").text.splitlines()) == 2
    (ready.folder / ".azureml" / "config.json").write_text(text, encoding="utf-8")
    failure = submit_fails(ready, "train.py")
    assert failure.code == "InvalidFile"
    assert "'mlrun folder attach'" in failure.hint


def test_a_home_that_cannot_be_read_is_an_error_and_not_an_empty_list(ready: Mlrun) -> None:
    if os.geteuid() == 0:  # without these two, root is bound by permission bits
        ready.command = ["setpriv", "--bounding-set", "-dac_override,-dac_read_search", *ready.command]
    group = next(ready.home.glob("workspaces/*/*"))
    for closed in (ready.home, ready.home / "workspaces", group.parent, group):
        mode = closed.stat().st_mode
        closed.chmod(0)
        try:
            told = ready.fails("workspace", "list", exit_code=1)
            assert told.code == "FileNotReadable"
        finally:
            closed.chmod(mode)
        assert os.strerror(errno.EACCES) in told.text and str(closed) in told.text
    assert len(ready.json("workspace", "list")) == 1
    ready.environment["MLRUN_HOME"] = str(ready.folder / "train.py")
    assert ready.fails("workspace", "list").code == "InvalidPath"
    ready.environment["MLRUN_HOME"] = str(ready.folder / "none yet")
    assert ready.json("workspace", "list") == []


def test_a_runs_folder_without_permission_is_not_said_to_lack_room(ready: Mlrun) -> None:
    ready("run", "list")
    if os.geteuid() == 0:  # without these two, root is bound by permission bits
        ready.command = ["setpriv", "--bounding-set", "-dac_override,-dac_read_search", *ready.command]
    runs = ready.database.parent / "runs"
    runs.mkdir(exist_ok=True)
    runs.chmod(0o500)
    try:
        told = ready.fails("run", "submit-script", "train.py", exit_code=1)
    finally:
        runs.chmod(0o700)
    assert os.strerror(errno.EACCES) in told.text
    assert "permissions" in told.hint and "room" not in told.hint


def test_a_conda_file_that_is_not_there_is_named(ready: Mlrun) -> None:
    failure = submit_fails(ready, "-d", "nowhere.yml", "train.py")
    assert failure.code == "MissingFile"
    assert "nowhere.yml" in failure.text


def test_no_script_at_all_names_both_places_for_one(ready: Mlrun) -> None:
    told = submit_fails(ready)
    assert told.code == "ScriptNotFound"
    assert "mlrun run submit-script train.py" in told.text
    assert "script:" in told.text


def test_an_interpreter_of_the_attached_folder_that_is_not_there_is_refused(ready: Mlrun) -> None:
    text = "script: train.py\nenvironment: {python: {userManagedDependencies: true, interpreterPath: PATH}}\n"
    for path in ("venv/bin/python", "~/no such/python"):
        ready.script(text.replace("PATH", path), ".azureml/own.runconfig")
        failure = submit_fails(ready, "-c", "own", exit_code=1)
        assert (failure.code, Path(str(failure.target)).name) == ("InterpreterNotFound", "python")
    ready.script(text.replace("PATH", "/anaconda/envs/azureml/bin/python"), ".azureml/other.runconfig")
    (note,) = ready.json("run", "submit-script", "-c", "other", "--dry-run")["notes"]
    assert "/anaconda/envs/azureml/bin/python" in note


def test_without_a_python_on_path_nothing_is_started(ready: Mlrun) -> None:
    empty = ready.folder.parent / "empty"
    empty.mkdir()
    ready.environment["PATH"] = str(empty)
    told = ready.fails("run", "submit-script", "train.py", exit_code=1)
    assert told.code == "EnvironmentNotBuilt"
    assert "python" in told.text
    assert run_count(ready) == 0


def test_an_unknown_target_is_answered_with_those_there_are(ready: Mlrun) -> None:
    failure = submit_fails(ready, "--ct", "gpu", "train.py", exit_code=3)
    assert failure.code == "ComputeTargetNotFound"
    assert failure.target == "gpu" and "'gpu'" in failure.message
    assert failure.message.endswith(" local.")


def test_a_misspelled_option_before_the_script_is_answered_with_the_nearest(ready: Mlrun) -> None:
    failure = submit_fails(ready, "--asynk", "train.py")
    assert failure.code == "OptionNotFound"
    assert "--async" in failure.text


def test_a_file_of_t_that_is_there_stops_the_run_before_it_starts(ready: Mlrun) -> None:
    (ready.folder / "run.json").write_text("mine", encoding="utf-8")
    failure = submit_fails(ready, "-t", "run.json", "train.py")
    assert failure.code == "FileAlreadyExists"
    assert failure.target == "run.json"
    assert (ready.folder / "run.json").read_text(encoding="utf-8") == "mine"


@pytest.mark.parametrize("place", ["train.py/run.json", ".azureml"])
def test_a_file_of_t_that_cannot_be_written_stops_the_run_before_it_starts(ready: Mlrun, place: str) -> None:
    failure = submit_fails(ready, "-t", place, "train.py")
    assert failure.code == "InvalidPath"
    assert "-t" in failure.text


def test_of_two_submissions_with_the_same_file_of_t_one_is_refused_before_it_starts(ready: Mlrun) -> None:
    both = [ready.start("run", "submit-script", "-t", "new/run.json", "train.py") for _ in range(2)]
    printed = {process.communicate(timeout=120)[0]: process.returncode for process in both}
    assert sorted(printed.values()) == [0, 2]
    assert printed[""] == 2
    assert json.loads((ready.folder / "new" / "run.json").read_text(encoding="utf-8")) == json.loads(max(printed))
    assert run_count(ready) == 1


def test_a_file_of_t_that_cannot_be_written_any_more_does_not_end_the_streaming(ready: Mlrun) -> None:
    ready.script("print('streamed')")
    gone = ready.folder / "gone"
    gone.mkdir()
    (ready.folder / ".git").mkdir()
    git = ready.folder.parent / "bin" / "git"  # called while a run is submitted
    git.parent.mkdir()
    git.write_text(f"#!/bin/sh\nrm -rf '{gone}'; touch '{gone}'\n", encoding="utf-8")
    git.chmod(0o755)
    ready.environment["PATH"] = f"{git.parent}{os.pathsep}{ready.environment['PATH']}"
    done = ready("run", "submit-script", "-t", "gone/run.json", "train.py", check=False)
    assert done.returncode == 1
    assert json.loads(done.stdout)["status"] == "Completed"
    assert "WARNING: -t: 'gone/run.json' " in done.stderr
    assert "\nstreamed\n" in done.stderr
    assert "ERROR: -t: 'gone/run.json' " in done.stderr
    assert "bug" not in done.stderr


def test_a_dry_run_with_a_file_of_t_tells_of_the_folder_as_it_is(ready: Mlrun) -> None:
    plain, with_file = (
        ready.json("run", "submit-script", "--dry-run", *words, "train.py") for words in ((), ("-t", "new/run.json"))
    )
    assert with_file == plain


@pytest.mark.parametrize("words", [(), ("--dry-run",)])
def test_what_was_skipped_is_said_before_what_may_follow_from_it(ready: Mlrun, words: tuple[str, ...]) -> None:
    runconfig(ready, "Script: train.py\nenvironment: {python: {userManagedDependencies: true}}\npriority: 3\n")
    lines = said(ready("run", "submit-script", "-c", "broken", *words, check=False))
    assert "line 1: " in lines[0] and "'Script'" in lines[0] and lines[0].endswith(" script?")
    assert lines[1].startswith("WARNING: priority ")
    assert lines[2].startswith("ERROR: ")


def test_an_unknown_run_is_exit_code_3(ready: Mlrun) -> None:
    for verb in ("show", "monitor-logs", "metrics", "files", "cancel", "wait"):
        failure = ready.fails("run", verb, "-r", "exp_17", exit_code=3)
        assert failure.code == "RunNotFound"
        assert "'exp_17'" in failure.text
    failure = ready.fails("run", "update", "-r", "exp_17", "--add-tag", "a", exit_code=3)
    assert failure.code == "RunNotFound"
    assert "'exp_17'" in failure.text


def test_an_ambiguous_beginning_is_answered_with_the_candidates(ready: Mlrun) -> None:
    both = [ready.submit(), ready.submit()]
    told = ready.fails("run", "show", "-r", "exp_")
    assert told.code == "AmbiguousRunId"
    for run_id in both:
        assert run_id in told.text


def test_latest_of_no_run_says_how_to_make_one(ready: Mlrun) -> None:
    failure = ready.fails("run", "show", "-r", "@latest", exit_code=3)
    assert failure.code == "NoRunsYet"


LONG = "x" * 300


@pytest.mark.parametrize("name", ["a/b", "..", "a\nb", LONG, "", " ", "a\\b", ".hidden", "a\x1b[31m"])
def test_names_that_could_name_no_folder_are_refused(ready: Mlrun, name: str) -> None:
    submit_fails(ready, "-e", name, "train.py")
    ready.fails("run", "show", "-r", name)
    ready.fails("folder", "attach", "-w", name, "--path", "other")
    assert not (ready.folder / "other").exists()


@pytest.mark.parametrize("name", ["", "../x", LONG])
def test_names_are_refused_wherever_they_can_be_typed(ready: Mlrun, name: str) -> None:
    for words in (
        ("folder", "attach", "--path", "other", "-e", name),
        ("folder", "attach", "--path", "other", "-g", name),
        ("run", "list", "-e", name),
        ("run", "list", "-w", name),
        ("run", "list", "-g", name),
        ("run", "list", "--parent-run-id", name),
        ("experiment", "show", "-e", name),
    ):
        ready.fails(*words)
    assert not (ready.folder / "other").exists()
    assert [path.name for path in ready.home.glob("workspaces/*/*/*")] == ["default"]


def test_tags_and_properties_without_a_key_change_nothing(ready: Mlrun) -> None:
    run = ready.ended()
    for words in (
        ("--add-tag", "=x"),
        ("--add-tag", ""),
        ("--add-tag", f"{LONG}=x"),
        ("--add-tag", "a\nb=x"),
        ("--remove-tag", ""),
        ("--add-properties", "alone"),
        ("--add-properties", "=x"),
    ):
        ready.fails("run", "update", "-r", "@latest", "--add-tag", "good=1", *words)
        assert ready.show(run["run_id"])["tags"] == {}


@pytest.mark.parametrize("number", ["0", "-1", "x", "1.5", ""])
def test_last_has_to_be_a_number_from_1_on(ready: Mlrun, number: str) -> None:
    failure = ready.fails("run", "list", "--last", number)
    assert failure.code == "InvalidValue"
    assert "--last" in failure.text


@pytest.mark.parametrize(
    ("words", "code", "fact"),
    [
        (("list", "--status", "complete"), "UnknownStatus", "'Completed'"),
        (("list", "--status", ""), "UnknownStatus", "NotStarted"),
        (("list", "--tags", "=x"), "InvalidFilter", "--tags"),
        (("list", "stray"), "InvalidQuery", "'stray'"),
        (("list", "-o", "xml"), "InvalidOutputFormat", "json"),
        (("list", "--watch", "--minimal"), "ConflictingOptions", "--minimal"),
        (("list", "--agg", "mean"), "MissingOption", "--group-by"),
        (("list", "--group-by", "lr", "--agg", "median"), "InvalidValue", "'median'"),
        (("list", "--group-by", "created"), "InvalidFilter", "tag.KEY"),
        (("list", "--query", "[?"), "InvalidQuery", "character 3"),
        (("list", "--query", ""), "InvalidQuery", "empty"),
        (("wait", "-r", "x", "--timeout", "soon"), "InvalidDuration", "10m"),
        (("cancel", "-r", "x", "--grace", "-1"), "InvalidDuration", "--grace"),
        (("cancel",), "OneOptionRequired", "--all"),
        (("delete", "-r", "x", "--all"), "OneOptionRequired", "--all"),
        (("show",), "MissingOption", "-r"),
        (("lst",), "CommandNotFound", "'list'"),
        (("download-logs", "-r", "x"), "MissingOption", "--output-dir"),
    ],
)
def test_wrong_usage_is_exit_code_2(ready: Mlrun, words: tuple[str, ...], code: str, fact: str) -> None:
    failure = ready.fails("run", *words)
    assert failure.code == code
    assert fact in failure.text


@pytest.mark.parametrize(
    ("words", "code", "fact"),
    [
        (("model", "show", "-n", "\udcff"), "InvalidValue", "'\\udcff'"),
        (("workspace", "create", "-w", "ws", "-g", "group", "--description", "\udcff"), "InvalidValue", "UTF-8"),
        (("model", "show", "-n", "a", "--version", "99999999999999999999"), "InvalidValue", "9223372036854775807"),
    ],
)
def test_what_no_store_can_hold_is_wrong_usage(ready: Mlrun, words: tuple[str, ...], code: str, fact: str) -> None:
    failure = ready.fails(*words)
    assert failure.code == code
    assert fact in failure.text


def test_a_package_that_cannot_be_installed_fails_the_run_and_keeps_its_log(ready: Mlrun) -> None:
    broken = local_package(ready.folder.parent, "broken", when_built="raise RuntimeError('no compiler for broken')")
    (ready.folder / "conda.yml").write_text(f"dependencies:\n- pip:\n  - {broken}\n", encoding="utf-8")
    done = bash(ready, "mlrun run submit-script -d conda.yml train.py")
    assert done.returncode == 1
    assert "no compiler for broken" in done.stderr
    run = ready.show("@latest")
    assert run["status"] == "Failed"
    assert run["error"]["error"]["message"]
    assert any("no compiler for broken" in line for line in said(done)[-25:])
    ready("run", "download-logs", "-r", "@latest", "-d", "logs")
    kept = "".join(path.read_text(encoding="utf-8") for path in (ready.folder / "logs").rglob("*.*") if path.is_file())
    assert "no compiler for broken" in kept


@pytest.mark.parametrize(
    ("words", "code", "advice"),
    [
        ("run submit-pipeline p.yml", "UnexpectedArgument", "-y p.yml"),
        ("run submit-hyperdrive p.yml train.py", "MissingOption", "--hyperdrive-configuration-name p.yml"),
        ("run submit-script cpu.runconfig", "ScriptNotFound", "-c cpu"),
        ("run submit-script cpu train.py", "ScriptNotFound", "-c cpu"),
        ("run submit-script p.yml", "ScriptNotPython", "submit-pipeline -y p.yml"),
        ("pipeline create p.yml", "MissingOption", "-y p.yml"),
        ("pipeline create-schedule -n a -e exp -i b p.yml", "UnexpectedArgument", "-y p.yml"),
        ("dataset register p.yml", "UnexpectedArgument", "-f p.yml"),
    ],
)
def test_a_file_without_its_option_is_answered_with_the_option(
    mlrun: Mlrun, words: str, code: str, advice: str
) -> None:
    mlrun.script("")
    (mlrun.folder / "p.yml").write_text("pipeline: {}", encoding="utf-8")
    (mlrun.folder / ".azureml" / "cpu.runconfig").write_text("target: local", encoding="utf-8")
    failure = mlrun.fails(*words.split())
    assert failure.code == code
    assert advice in failure.hint


@pytest.mark.parametrize(
    "command", ["compare", "cancel", "show", "metrics", "delete --permanently", "wait", "restore", "diff", "update"]
)
def test_several_ids_after_one_option_are_answered_with_the_option_repeated(mlrun: Mlrun, command: str) -> None:
    failure = mlrun.fails("run", *command.split(), "-r", "one", "two")
    assert failure.code == "UnexpectedArgument"
    assert "-r one -r two" in failure.hint


def test_notify_and_studio_check_their_options_before_optional_packages(mlrun: Mlrun) -> None:
    program = (
        "import importlib.util, sys; find = importlib.util.find_spec\n"
        "importlib.util.find_spec = lambda name, *rest: None if name in ('apprise', 'uvicorn') else find(name, *rest)\n"
        "from mlrun_cli.cli.program import main; main()"
    )
    python = str(Path(mlrun.command[0]).with_name("python"))
    for words, fact in (
        (("notify", "add", "json://127.0.0.1", "--on", "nosuch"), "nosuch"),
        (("studio", "--base-path", "a b"), "--base-path"),
    ):
        done = mlrun.run(python, "-c", program, *words)
        assert done.returncode == 2
        assert fact in done.stderr and "install" not in done.stderr
