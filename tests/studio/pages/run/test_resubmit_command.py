"""The line that a run's page copies: typed into a shell, it submits the same again."""

from __future__ import annotations

import html
import json
import re
from pathlib import Path
from typing import Any

from tests.running import COMMAND, Mlrun
from tests.studio.serving import Studio

_SECTIONS = "environment:\n  python:\n    userManagedDependencies: true\n"
_CONDA = "environment:\n  python:\n    condaDependencies:\n      dependencies: [python=3.4]\n"


def _command(studio: Studio, run_id: str) -> str | None:
    text = studio.get(studio.urls.run(run_id)).text
    found = re.search(r'data-copy="([^"]*)">Copy command', text)
    return None if found is None else html.unescape(found[1])


def _typed(mlrun: Mlrun, folder: Path, line: str) -> Any:
    """What the line prints in another folder; None where the shell or the command refuses it."""
    path = f"{COMMAND.parent}:{mlrun.environment['PATH']}"
    done = mlrun.run("env", f"PATH={path}", "sh", "-c", line, folder=folder)
    return json.loads(done.stdout) if done.stdout else None


def _submission(mlrun: Mlrun, run_id: str) -> Any:
    document = json.loads((mlrun.run_folder(run_id) / "submission.json").read_text(encoding="utf-8"))
    del document["run_id"]
    return document


def _make_files(mlrun: Mlrun) -> None:
    mlrun.script("import sys; print('top', sys.argv[1:])")
    mlrun.script("import sys; print('top', sys.argv[1:])", "which.py")
    mlrun.script("import sys; print('sub', sys.argv[1:])", "sub dir/which.py")
    mlrun.script("dependencies: [python=3.4]", "conda.yml")
    runconfigs = {
        "sec": f"script: train.py\narguments: [--api-key, hunter2]\n{_SECTIONS}",
        "cmd": f"command: echo said && echo twice\n{_SECTIONS}",
        "old": f"script: train.py\n{_CONDA}",
    }
    for name, text in runconfigs.items():
        mlrun.script(text, f".azureml/{name}.runconfig")
    mlrun.script(f"script: train.py\narguments: [beside]\n{_SECTIONS}", "beside.runconfig")
    mlrun("computetarget", "create", "amlcompute", "-n", "cpu", "--max-nodes", "1", "--vm-size", "any")


_CALLS = (
    ("train.py", "--lr", "a b", "$HOME", "it's", ""),
    ("-c", "sec"),
    ("-c", "sec", "which.py", "typed"),
    ("-c", "cmd"),
    ("--command", "python", "sub dir/which.py", "a b"),
    ("--command", "echo said && echo twice"),
    ("-c", "beside"),
    ("--source-directory", "sub dir", "which.py", "x"),
    ("--environment", "current", "-c", "old", "train.py"),
    ("--environment", "current", "-d", "conda.yml", "train.py"),
    ("--ct", "cpu", "-e", "other", "train.py"),
)


def test_the_copied_command_submits_the_same_from_anywhere(mlrun: Mlrun, studio: Studio, tmp_path: Path) -> None:
    _make_files(mlrun)
    for words in _CALLS:
        run_id = mlrun.submit(*words)
        assert mlrun.wait(run_id)["status"] == "Completed", words
        line = _command(studio, run_id)
        assert line is not None, words
        assert "hunter2" not in line
        again = _typed(mlrun, tmp_path, line)
        assert again is not None, (words, line)
        assert _submission(mlrun, again["run_id"]) == _submission(mlrun, run_id), (words, line)
        assert mlrun.log(again["run_id"]) == mlrun.log(run_id), words


def test_an_environment_that_a_variable_asked_for_is_in_the_command(
    mlrun: Mlrun, studio: Studio, tmp_path: Path
) -> None:
    _make_files(mlrun)
    mlrun.environment["MLRUN_ENVIRONMENT"] = "current"
    run_id = mlrun.ended("-c", "old")["run_id"]
    del mlrun.environment["MLRUN_ENVIRONMENT"]
    line = _command(studio, run_id)
    assert line is not None
    assert _submission(mlrun, _typed(mlrun, tmp_path, line)["run_id"]) == _submission(mlrun, run_id)


def test_a_folder_that_is_not_attached_needs_its_workspace_named(mlrun: Mlrun, studio: Studio, tmp_path: Path) -> None:
    plain = tmp_path / "plain"
    plain.mkdir()
    (plain / "train.py").write_text("print()", encoding="utf-8")
    run_id = mlrun.ended("--path", str(plain), "-w", mlrun.database.parent.name, "-e", "exp", "train.py")["run_id"]
    line = _command(studio, run_id)
    assert line is not None
    again = _typed(mlrun, tmp_path, line)
    assert again is not None, line
    assert _submission(mlrun, again["run_id"]) == _submission(mlrun, run_id)


def test_a_secret_is_a_hole_that_the_shell_does_not_pass(mlrun: Mlrun, studio: Studio, tmp_path: Path) -> None:
    mlrun.script("import sys; print(sys.argv[1:])")
    run_id = mlrun.ended("train.py", "--api-key", "hunter2", "--url", "https://me:hunter3@host/a b", "end")["run_id"]
    line = _command(studio, run_id)
    assert line is not None
    assert "hunter" not in line and "***" not in line
    assert _typed(mlrun, tmp_path, line) is None
    assert mlrun.stored("SELECT count(*) FROM runs") == [(1,)]
    mlrun.environment |= {"SECRET_1": "hunter2", "SECRET_2": "me:hunter3"}
    assert mlrun.log(_typed(mlrun, tmp_path, line)["run_id"]) == mlrun.log(run_id)


def test_what_python_submitted_has_a_command_where_one_can_say_it(mlrun: Mlrun, studio: Studio, tmp_path: Path) -> None:
    _make_files(mlrun)
    configs = {
        "ScriptRunConfig('sub dir', 'which.py', ['x', 1])": True,
        "ScriptRunConfig('.', 'train.py', compute_target='cpu')": True,
        "ScriptRunConfig('.', command='echo said')": True,
        "ScriptRunConfig('.', 'train.py', max_run_duration_seconds=60)": False,
        "ScriptRunConfig('.', 'train.py', run_config=with_variable)": False,
    }
    mlrun.script(
        f"""
        from azureml.core import Experiment, ScriptRunConfig, Workspace
        from azureml.core.runconfig import RunConfiguration
        with_variable = RunConfiguration()
        with_variable.environment_variables = {{"A": "1"}}
        experiment = Experiment(Workspace.from_config(), "exp")
        print(*(experiment.submit(config).id for config in ({", ".join(configs)})))
        """,
        "driver.py",
    )
    run_ids = mlrun.run(str(COMMAND.with_name("python")), "driver.py").stdout.splitlines()[-1].split()
    for (config, is_there), run_id in zip(configs.items(), run_ids, strict=True):
        record = mlrun.wait(run_id)
        line = _command(studio, run_id)
        assert (line is not None) == is_there, config
        if line is not None:
            again = _typed(mlrun, tmp_path, line)
            assert again is not None, line
            assert mlrun.log(again["run_id"]) == mlrun.log(run_id), config
            assert again["target"] == record["target"], config
        else:
            assert "submitted from Python" in studio.get(studio.urls.submit_form(like=run_id)).text, config


def test_a_run_that_a_script_opened_itself_has_no_command(mlrun: Mlrun, studio: Studio) -> None:
    mlrun.script(
        """
        from azureml.core import Experiment, Workspace
        run = Experiment(Workspace.from_config(), "exp").start_logging()
        run.complete()
        print(run.id)
        """
    )
    run_id = mlrun.run(str(COMMAND.with_name("python")), "train.py").stdout.strip().splitlines()[-1]
    assert _command(studio, run_id) is None
