"""Secrets reach the script, and are in no record, no log of ours and no file of the home when the run has ended."""

from __future__ import annotations

import os
import stat
import subprocess
from contextlib import suppress

import pytest

from tests.acceptance.installed import local_package
from tests.running import Mlrun, find_files_with, until

SECRET = "hunter2-which-nobody-else-writes"
CHECK = """
import os, sys
secret = sys.stdin.read() or "hunter2-which-nobody-else" + "-writes"
expected = ["--password", secret, f"--api-key={secret}", f"https://me:{secret}@host/x", f"MY_TOKEN={secret}"]
assert sys.argv[1:] == expected, "arguments"
for name in ("DB_PASSWORD", "SHELL_TOKEN", "OWN_NAME", "STORAGE_KEY"):
    assert os.environ[name] == secret, name
for name in ("ADDRESS", "STORE", "HEADER", "SIGNED", "OPTIONS"):
    assert secret in os.environ[name], name
"""


def test_no_secret_is_left_anywhere(mlrun: Mlrun) -> None:
    mlrun.script(CHECK)
    local = local_package(mlrun.folder.parent, "local")
    (mlrun.folder / ".azureml" / "conda.yml").write_text(
        f"dependencies:\n- pip:\n  - --extra-index-url https://me:{SECRET}@127.0.0.1:9/simple\n  - {local}\n",
        encoding="utf-8",
    )
    (mlrun.folder / ".azureml" / "secret.runconfig").write_text(
        "script: train.py\n"
        f"arguments: [--password, {SECRET}, --api-key={SECRET}, 'https://me:{SECRET}@host/x', MY_TOKEN={SECRET}]\n"
        "environment:\n"
        "  environmentVariables:\n"
        f"    DB_PASSWORD: {SECRET}\n    ADDRESS: postgres://me:{SECRET}@host/db\n    OWN_NAME: {SECRET}\n"
        f"    STORAGE_KEY: {SECRET}\n    STORE: AccountName=me;AccountKey={SECRET};EndpointSuffix=core\n"
        f"    HEADER: Bearer {SECRET}\n    SIGNED: https://host/c/b?sv=1&sig={SECRET}\n"
        f"    OPTIONS: --password {SECRET}\n"
        "  docker:\n"
        f"    arguments: [-e, MY_PASS={SECRET}]\n"
        "  python:\n    condaDependenciesFile: .azureml/conda.yml\n",
        encoding="utf-8",
    )
    mlrun.environment.update(SHELL_TOKEN=SECRET, MLRUN_SECRET_NAMES="own_name")
    for name, value in {"user.email": "a@b.c", "user.name": "A"}.items():
        subprocess.run(["git", "config", "--global", name, value], env=mlrun.environment, check=True)
    for words in (
        ["init", "-q"],
        ["remote", "add", "origin", f"https://me:{SECRET}@host/repository.git"],
        ["add", "train.py"],
        ["commit", "-q", "-m", "first"],
    ):
        subprocess.run(["git", *words], cwd=mlrun.folder, env=mlrun.environment, check=True)

    assert SECRET not in mlrun("runconfig", "show", "secret").stdout
    assert SECRET not in mlrun("run", "submit-script", "-c", "secret", "--dry-run").stdout
    done = mlrun("run", "submit-script", "-c", "secret", "-t", "run.json")
    assert "Execution Summary" in done.stderr
    shown = mlrun("run", "show", "-r", "@latest").stdout
    assert SECRET not in shown + done.stdout + done.stderr
    assert "https://***@host/repository.git" in shown
    assert "DB_PASSWORD" in shown
    assert SECRET not in (mlrun.folder / "run.json").read_text(encoding="utf-8")
    assert find_files_with(SECRET, mlrun.home) == []


@pytest.mark.parametrize(
    "words",
    [
        ["--password", SECRET, "--note", SECRET],
        ["--note", SECRET, "--password", SECRET],
        [f"--password={SECRET}", f"--note={SECRET}"],
        [SECRET, f"https://me:{SECRET}@host/x", f"say {SECRET}, please"],
        ["--password", SECRET, "--note", f"a-{SECRET}"],
        ["--note", SECRET],
    ],
)
def test_a_secret_that_is_given_twice_is_hidden_twice(mlrun: Mlrun, words: list[str]) -> None:
    mlrun.script("import sys; assert sum('hunter2-' + 'which' in word for word in sys.argv)")
    if len(words) < 3:
        mlrun.environment["SHELL_TOKEN"] = SECRET
    assert SECRET not in mlrun("run", "submit-script", "--dry-run", "train.py", *words).stdout
    run = mlrun.json("run", "submit-script", "train.py", *words)
    assert run["status"] == "Completed"
    assert find_files_with(SECRET, mlrun.home) == []


@pytest.mark.parametrize("words", [["--password", SECRET], [f"https://me:{SECRET}@host/x"]])
def test_what_is_said_about_a_run_hides_the_secrets_of_its_command_line(mlrun: Mlrun, words: list[str]) -> None:
    mlrun.script("pass")
    said = ["--tag", f"note={SECRET}", "--property", f"why=for {SECRET}"]
    run_id = mlrun.submit(*said, "--description", SECRET, "train.py", *words)
    run = mlrun.wait(run_id)
    assert run["tags"] == {"note": "***"} and run["properties"]["why"] == "for ***"
    assert find_files_with(SECRET, mlrun.home) == []
    again = mlrun.json("run", "rerun", "-r", run_id, "--tag", f"note={SECRET}", "train.py", *words)
    assert again["tags"]["note"] == "***"
    assert find_files_with(SECRET, mlrun.home) == []


def test_what_is_said_about_a_sweep_hides_the_secrets_of_its_command_line(mlrun: Mlrun) -> None:
    mlrun.script("pass")
    said = ["--tag", f"note={SECRET}", "--property", f"why=for {SECRET}", "--description", SECRET]
    words = ["--grid", "lr=1,2", "--concurrent", "2", "--minimize", "loss", *said, "train.py", "--password", SECRET]
    run = mlrun.wait(mlrun.json("run", "sweep", "--async", *words)["run_id"])
    assert (run["tags"]["note"], run["properties"]["why"], run["description"]) == ("***", "for ***", "***")
    until(lambda: not find_files_with(SECRET, mlrun.home))


def test_a_variable_of_the_run_hides_its_secret_in_arguments_and_tags(mlrun: Mlrun) -> None:
    mlrun.script("pass")
    words = ["--env", f"OWN_TOKEN={SECRET}", "--tag", f"note={SECRET}", "train.py", "--note", SECRET]
    assert mlrun.wait(mlrun.submit(*words))["tags"] == {"note": "***"}
    assert find_files_with(SECRET, mlrun.home) == []


def test_a_secret_parameter_of_a_pipeline_is_hidden_in_arguments_and_tags(mlrun: Mlrun) -> None:
    mlrun.script(
        "pipeline:\n  parameters: {password: {type: string}}\n  steps:\n    Only: {type: PythonScriptStep,"
        " script_name: train.py, source_directory: ., arguments: ['parameter:password'],"
        " parameters: {password: {source: password}}}\n",
        "p.yml",
    )
    mlrun.script("pass")
    words = ["-p", f"password={SECRET}", "--tag", f"note={SECRET}"]
    run = mlrun.json("run", "submit-pipeline", "-y", "p.yml", "-n", "exp", *words)
    assert mlrun.wait(run["run_id"])["tags"] == {"note": "***"}
    until(lambda: not find_files_with(SECRET, mlrun.home))


def test_while_the_script_runs_its_secrets_are_its_own(mlrun: Mlrun) -> None:
    mlrun.script("print('started', flush=True); import time; time.sleep(600)")
    mlrun.environment["SHELL_TOKEN"] = SECRET
    run_id = mlrun.submit("train.py", "--token", SECRET)
    mlrun.wait_for_status(run_id, "Running")
    assert find_files_with(SECRET, mlrun.home) == []


def test_a_queued_run_has_its_own_secrets_and_is_canceled_when_its_cancel_was_killed_after_these_had_gone(
    mlrun: Mlrun,
) -> None:
    mlrun("computetarget", "create", "amlcompute", "-n", "single", "--max-nodes", "1")
    gate = mlrun.folder.parent / "gate"
    os.mkfifo(gate)
    mlrun.script(f"open({str(gate)!r}).read()")
    tag = "from azureml.core import Run; Run.get_context().tag('own_id', 'x')"
    (mlrun.folder / "tag.py").write_text(tag, encoding="utf-8")
    first, second = (mlrun.submit("--ct", "single", "train.py") for _ in range(2))
    mlrun.environment["MLRUN_SECRET_NAMES"] = "own"
    third = mlrun.submit("--ct", "single", "tag.py")
    del mlrun.environment["MLRUN_SECRET_NAMES"]
    mlrun.wait_for_status(first, "Running")
    (mlrun.run_folder(second) / "secrets.json").unlink()
    gate.open("w").close()

    assert mlrun.wait(second)["status"] == "Canceled"
    assert mlrun.history(second) == ["NotStarted", "Queued", "Canceled"]
    assert mlrun.wait(third)["tags"] == {"own_id": "***"}


def test_a_command_keeps_its_secrets_from_every_record(mlrun: Mlrun) -> None:
    mlrun.script("import os, sys; print(len(sys.argv[2]), len(os.environ['MY_TOKEN']))")
    (mlrun.folder / ".azureml" / "command.runconfig").write_text(
        f"command: MY_TOKEN={SECRET} python train.py --password {SECRET} && echo done\n", encoding="utf-8"
    )
    shown = mlrun.json("run", "submit-script", "-c", "command")
    assert shown["run_definition"]["command"] == "MY_TOKEN=*** python train.py --password *** && echo done"
    assert mlrun.log(shown["run_id"]) == f"{len(SECRET)} {len(SECRET)}\ndone\n"
    assert find_files_with(SECRET, mlrun.home) == []


@pytest.mark.parametrize(
    "ending",
    ["raise RuntimeError(words)", "from azureml.core import Run; Run.get_context().fail(error_details=words); exit(1)"],
)
def test_an_error_is_recorded_without_the_secrets_that_it_tells(mlrun: Mlrun, ending: str) -> None:
    words = f"postgresql://me:{SECRET}@db/x OWN_ID={SECRET}; AccountKey={SECRET} --password {SECRET} and"
    mlrun.script(f"import os\nwords = {words!r} + f\" {{os.environ['MY_TOKEN']}} {{os.environ['A_KEY']}}\"\n{ending}")
    (mlrun.folder / ".azureml" / "token.runconfig").write_text(
        f"script: train.py\nenvironment: {{environmentVariables: {{MY_TOKEN: {SECRET}}}}}\n", encoding="utf-8"
    )
    mlrun.environment.update(MLRUN_SECRET_NAMES="own_id,a_key", A_KEY="of-the-shell")
    run_id = mlrun.submit("-c", "token")
    mlrun.wait_for_status(run_id, "Failed")
    error = mlrun.show(run_id)["error"]["error"]
    assert error["message"] == "postgresql://***@db/x OWN_ID=***; AccountKey=*** --password *** and *** ***"
    trace = error["debugInfo"].get("stackTrace", "")
    assert SECRET not in trace and "of-the-shell" not in trace
    assert "of-the-shell" not in (mlrun.run_folder(run_id) / "outcome.json").read_text(encoding="utf-8")
    # What the script itself prints and hands to the SDK is its own, and so is its text.
    folder = mlrun.run_folder(run_id)
    own = {path.relative_to(folder).parts[0] for path in find_files_with(SECRET, folder)}
    assert own == {"artifacts" if "raise" in ending else "journal"}
    assert SECRET.encode() not in mlrun.database.read_bytes()


def test_everything_in_a_workspace_belongs_to_its_user_alone(mlrun: Mlrun) -> None:
    mlrun.script("open('made', 'w').close()")
    mlrun("run", "submit-script", "train.py")
    workspace = mlrun.database.parent
    for path in (workspace, workspace / "runs", *(workspace / "runs").iterdir(), workspace / "snapshots"):
        assert stat.S_IMODE(path.stat().st_mode) == 0o700, path
    for path in find_files_with("", workspace):
        if "work" not in path.relative_to(workspace).parts:
            with suppress(FileNotFoundError):
                assert stat.S_IMODE(path.stat().st_mode) & 0o077 == 0, path
