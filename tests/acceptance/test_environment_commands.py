"""Environments as a user meets them: asked for loosely, listed, shown and pruned; R, Spark and MLflow."""

from __future__ import annotations

import errno
import json
import os
import re
import sys
import zipfile
from pathlib import Path

import pytest

from tests.acceptance.installed import local_package
from tests.packages import make_wheel, package_index
from tests.running import Mlrun, kill, until, user_error

VERSION = ".".join(map(str, sys.version_info[:3]))
DRIVER = """
from azureml.core import Environment, Experiment, ScriptRunConfig, Workspace
environment = Environment.from_conda_specification("mine", "conda.yml")
config = ScriptRunConfig(".", "train.py", environment=environment)
Experiment(Workspace.from_config(), "driven").submit(config).wait_for_completion(show_output=True)
"""
SAY_PYTHON = "import sys; print(sys.prefix != sys.base_prefix, sys.executable)"


def write_conda_file(mlrun: Mlrun, *pip: str, python: str = "") -> None:
    packages = [f"python{python}"] if python else []
    content = {"dependencies": [*packages, {"pip": ["--no-index", *pip]}]}
    mlrun.script(json.dumps(content), "conda.yml")


def put_on_path(mlrun: Mlrun, name: str, text: str) -> Path:
    """A stand-in for a program of this name, first on PATH."""
    program = mlrun.script(f"#!/bin/sh\n{text}\n", f"programs/{name}")
    program.chmod(0o755)
    mlrun.environment["PATH"] = f"{program.parent}{os.pathsep}{mlrun.environment['PATH']}"
    return program


def test_a_package_that_cannot_be_had_names_it_and_both_ways_out(mlrun: Mlrun) -> None:
    mlrun.script(SAY_PYTHON)
    write_conda_file(mlrun, "no-such-package==9")
    done = mlrun("run", "submit-script", "-d", "conda.yml", "train.py", check=False)
    message = json.loads(done.stdout)["error"]["error"]["message"]
    assert done.returncode == 1
    for words in ("no-such-package", "--environment relaxed", "--environment current"):
        assert words in message


def test_a_folder_of_environments_that_cannot_be_written_is_named_with_the_way_out(mlrun: Mlrun) -> None:
    mlrun.script(SAY_PYTHON)
    write_conda_file(mlrun)
    environments = mlrun.home / "environments"
    environments.mkdir(mode=0o555)
    if os.geteuid() == 0:  # without these two, root is bound by permission bits
        mlrun.command = ["setpriv", "--bounding-set", "-dac_override,-dac_read_search", *mlrun.command]
    done = mlrun("run", "submit-script", "-d", "conda.yml", "train.py", check=False)
    error = json.loads(done.stdout)["error"]["error"]
    assert (done.returncode, error["code"]) == (1, "UserError")
    assert str(environments) in error["message"] and os.strerror(errno.EACCES) in error["message"]
    assert "MLRUN_HOME" in error["message"]


def test_a_conda_that_says_nothing_is_named_with_its_exit_code(mlrun: Mlrun) -> None:
    mlrun.script(SAY_PYTHON)
    mlrun.script(json.dumps({"dependencies": ["numpy", {"pip": ["six", "idna"]}]}), "conda.yml")
    put_on_path(mlrun, "conda", "exit 3")
    done = mlrun("run", "submit-script", "-d", "conda.yml", "train.py", check=False)
    message = user_error(json.loads(done.stdout), "EnvironmentNotBuilt")
    assert re.search(r": Error: conda .* exit code 3 [^(]*\. \(", message)


def test_current_takes_the_python_on_path_and_says_so(mlrun: Mlrun) -> None:
    mlrun.script(SAY_PYTHON)
    write_conda_file(mlrun, "no-such-package==9", python="=3.6.2")
    done = mlrun("run", "submit-script", "--environment", "current", "-d", "conda.yml", "train.py")
    record = json.loads(done.stdout)
    assert record["status"] == "Completed"
    python = record["run_definition"]["environment"]["python"]["interpreterPath"]
    assert re.search(rf"^WARNING: .* PATH, '{re.escape(python)}', ", done.stderr)
    assert record["run_definition"]["environment"]["python"]["userManagedDependencies"] is True
    assert not (mlrun.home / "environments").exists()


def test_relaxed_by_the_variable_runs_and_warns_of_what_it_left_open(mlrun: Mlrun) -> None:
    wheel = mlrun.folder / "wheels" / "tiny-1.0-py3-none-any.whl"
    wheel.parent.mkdir()
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr("tiny.py", "")
        archive.writestr("tiny-1.0.dist-info/METADATA", "Metadata-Version: 2.1\nName: tiny\nVersion: 1.0\n")
        archive.writestr("tiny-1.0.dist-info/WHEEL", "Wheel-Version: 1.0\nTag: py3-none-any\n")
        archive.writestr("tiny-1.0.dist-info/RECORD", "")
    mlrun.script("from azureml.core import Run; import tiny")
    write_conda_file(mlrun, "--find-links ./wheels", "tiny==0.20.3", python="=3.99")
    no_other_python = {"UV_PYTHON_DOWNLOADS": "never", "PYENV_ROOT": str(mlrun.folder)}
    mlrun.environment |= {"MLRUN_ENVIRONMENT": "relaxed", **no_other_python}

    done = mlrun("run", "submit-script", "-d", "conda.yml", "train.py")

    assert re.search(r" Python 3\.99 .* \d\.\d+\.\d+, '/", done.stderr)
    record = json.loads(done.stdout)
    (warning,) = record["warnings"]
    assert ": tiny==0.20.3." in warning["message"]
    assert warning["message"] in done.stderr
    # A second run takes the same environment, and says the same.
    assert mlrun.json("run", "submit-script", "-d", "conda.yml", "train.py")["warnings"] == record["warnings"]


def test_a_mode_that_is_none_is_refused_with_those_there_are(mlrun: Mlrun) -> None:
    mlrun.script(SAY_PYTHON)
    mlrun.environment["MLRUN_ENVIRONMENT"] = "lose"
    said = mlrun.fails("run", "submit-script", "train.py")
    assert (said.code, said.target) == ("InvalidValue", "MLRUN_ENVIRONMENT")
    assert "'lose'" in said.text and " pinned, relaxed, dated, current." in said.text
    said = mlrun.fails("run", "submit-script", "--environment", "dated:2020-02-30", "train.py")
    assert (said.code, said.target) == ("InvalidValue", "--environment")
    assert "'2020-02-30'" in said.text


def test_dated_takes_the_versions_of_the_day_and_says_which_and_from_where(mlrun: Mlrun) -> None:
    mlrun.script("import tiny; print(tiny.version)")
    uploaded = {
        "tiny-1.0-py3-none-any.whl": "2020-05-01T10:00:00Z",
        "tiny-2.0-py3-none-any.whl": "2021-05-01T10:00:00Z",
    }
    for file in uploaded:
        make_wheel(mlrun.folder.parent / "served", *file.split("-")[:2])
    with package_index(mlrun.folder.parent / "served", uploaded=uploaded) as address:
        content = {"dependencies": [f"python={VERSION}", {"pip": [f"-i http://{address}/simple/", "tiny"]}]}
        conda_file = mlrun.script(json.dumps(content), "conda.yml")
        os.utime(conda_file, (1_591_000_000, 1_591_000_000))
        asked = ("run", "submit-script", "--environment", "dated", "-d", "conda.yml")

        would = mlrun.json(*asked, "--dry-run", "train.py")["environment"]
        done = mlrun(*asked, "train.py")
        mlrun.environment["MLRUN_ENVIRONMENT"] = "dated:2021-06-01"
        from_python = mlrun.run(sys.executable, "-c", DRIVER).stdout
    day, source = "2020-06-01", f"the time of {conda_file}"
    assert (would["day"], would["day_source"]) == (day, source)
    assert f" {day} ({source}), on Python {VERSION}" in done.stderr
    run_id = json.loads(done.stdout)["run_id"]
    assert mlrun.log(run_id) == "1.0\n"
    record = json.loads((mlrun.run_folder(run_id) / "artifacts/system_logs/environment.json").read_text("utf-8"))
    assert (record["day"], record["day_source"]) == (day, source)
    asked_for = json.loads((mlrun.run_folder(run_id) / "submission.json").read_text("utf-8"))["asked"]
    assert asked_for["environment_mode"] == f"dated:{day}"
    assert mlrun.json("environment", "list", "--built")[-1]["day"] == day
    assert "2.0" in from_python.splitlines()


def test_what_was_installed_is_kept_with_the_run_and_the_environment_is_shown(mlrun: Mlrun) -> None:
    mlrun.script("import tiny")
    write_conda_file(mlrun, local_package(mlrun.folder, "tiny"))
    assert mlrun.json("environment", "list", "--built") == []
    run_id = mlrun.json("run", "submit-script", "-d", "conda.yml", "train.py")["run_id"]

    (listed,) = mlrun.json("environment", "list", "--built")
    shown = mlrun.json("environment", "show", "--built", listed["key"][:6])
    assert shown["packages"] == len(shown["installed"]) == 1
    assert shown["installed"][0].startswith("tiny")
    assert shown["options"] == ["--no-index"]
    assert shown["bytes"] > 0
    assert "system_logs/environment.json" in mlrun.json("run", "files", "-r", run_id)
    record = json.loads((mlrun.run_folder(run_id) / "artifacts/system_logs/environment.json").read_text("utf-8"))
    assert record["key"] == listed["key"]
    assert record["installed"] == shown["installed"]
    assert record["python"] == listed["python"]


def test_an_environment_that_is_not_there_is_answered_with_exit_code_3(mlrun: Mlrun) -> None:
    failure = mlrun.fails("environment", "show", "--built", "abc", exit_code=3)
    assert (failure.code, failure.target) == ("EnvironmentNotFound", "abc")


def test_an_environment_goes_when_no_live_run_has_it(mlrun: Mlrun) -> None:
    mlrun.script("import os; open(os.environ['GATE']).read()")
    gate = mlrun.folder.parent / "gate"
    os.mkfifo(gate)
    mlrun.environment["GATE"] = str(gate)
    write_conda_file(mlrun)
    run_id = mlrun.submit("-d", "conda.yml", "train.py")
    mlrun.wait_for_status(run_id, "Running")
    (key,) = (one["key"] for one in mlrun.json("environment", "list", "--built"))

    assert mlrun.json("environment", "prune", "--older-than", "0s")["environments"] == []
    kill(mlrun.supervisor(run_id))
    mlrun.wait(run_id)
    would = mlrun.json("environment", "prune", "--older-than", "0s", "--dry-run")
    assert (would["environments"], would["dryRun"]) == ([key], True)
    assert mlrun.json("environment", "prune", "--older-than", "1d")["environments"] == []
    assert mlrun.json("environment", "prune", "--older-than", "0s")["environments"] == [key]
    assert mlrun.json("environment", "list", "--built") == []

    gate.unlink()
    gate.write_text("", encoding="utf-8")
    assert mlrun.json("run", "submit-script", "-d", "conda.yml", "train.py")["status"] == "Completed"


@pytest.mark.parametrize(("framework", "program"), [("R", "Rscript"), ("PySpark", "spark-submit")])
def test_a_framework_without_its_program_is_refused_by_name(mlrun: Mlrun, framework: str, program: str) -> None:
    mlrun.script("", "train.R")
    mlrun.script(f"framework: {framework}\nscript: train.R\n", ".azureml/other.runconfig")
    mlrun.environment["PATH"] = str(Path(mlrun.command[0]).parent)
    said = mlrun.fails("run", "submit-script", "-c", "other")
    assert (said.code, said.target) == ("Unsupported", "framework")
    assert program in said.text


def test_r_is_started_by_rscript(mlrun: Mlrun) -> None:
    program = put_on_path(mlrun, "Rscript", 'echo "R runs $@ in $AZUREML_RUN_ID"')
    mlrun.script("", "train.R")
    mlrun.script("framework: R\nscript: train.R\narguments: [--lr, 0.1]\n", ".azureml/r.runconfig")
    done = mlrun("run", "submit-script", "-c", "r")
    run_id = json.loads(done.stdout)["run_id"]
    assert mlrun.log(run_id) == f"R runs train.R --lr 0.1 in {run_id}\n"
    assert "environment.python " in done.stderr
    assert mlrun.show(run_id)["run_definition"]["environment"]["python"]["interpreterPath"] == str(program)


def test_pyspark_is_started_by_spark_submit_with_the_runs_python(mlrun: Mlrun) -> None:
    put_on_path(mlrun, "spark-submit", 'echo "$@"; echo "$PYSPARK_PYTHON"')
    mlrun.script("")
    mlrun.script(
        """\
        framework: PySpark
        script: train.py
        arguments: [--lr, 0.1]
        spark: {configuration: {spark.app.name: Mine, spark.yarn.maxAppAttempts: 1, spark.executor.memory: 1g}}
        environment:
          python: {userManagedDependencies: true, interpreterPath: python}
          spark:
            repositories: [https://repo.example.org/maven]
            packages: [{group: com.example, artifact: reader, version: 1.2}]
        """,
        ".azureml/spark.runconfig",
    )
    run_id = mlrun.json("run", "submit-script", "-c", "spark")["run_id"]
    words, python = mlrun.log(run_id).splitlines()
    assert words == (
        "--packages com.example:reader:1.2 --repositories https://repo.example.org/maven"
        " --conf spark.app.name=Mine --conf spark.executor.memory=1g train.py --lr 0.1"
    )
    assert python == str(Path(mlrun.command[0]).with_name("python"))


def test_a_secret_setting_of_spark_is_refused_without_being_shown(mlrun: Mlrun) -> None:
    put_on_path(mlrun, "spark-submit", "")
    mlrun.script("")
    mlrun.script(
        "framework: PySpark\nscript: train.py\n"
        "environment: {python: {userManagedDependencies: true}}\n"
        "spark: {configuration: {fs.azure.account.key.mine: s3cr3t-word}}\n",
        ".azureml/spark.runconfig",
    )
    said = mlrun.fails("run", "submit-script", "-c", "spark")
    assert said.code == "Unsupported"
    assert "fs.azure.account.key.mine" in said.text
    assert "s3cr3t-word" not in said.text


def test_data_of_mlflow_that_a_script_leaves_behind_is_kept_and_said(mlrun: Mlrun) -> None:
    mlrun.script("import os; os.makedirs('mlruns/0'); open('mlruns/0/meta.yaml', 'w').close()")
    record = mlrun.json("run", "submit-script", "train.py")
    folder = mlrun.run_folder(record["run_id"]) / "work" / "mlruns"
    (warning,) = record["warnings"]
    assert str(folder) in warning["message"]
    assert (folder / "0" / "meta.yaml").exists()


def test_a_run_that_lost_its_supervisor_says_what_is_not_with_its_files_or_metrics(mlrun: Mlrun) -> None:
    mlrun.script(
        "import os, time; os.makedirs('mlruns'); os.symlink('/bin', 'disk')\n"
        "open('ready', 'w').close(); time.sleep(600)"
    )
    run_id = mlrun.submit()
    until((mlrun.run_folder(run_id) / "work" / "ready").exists)
    kill(mlrun.supervisor(run_id))
    told = "\n".join(warning["message"] for warning in mlrun.wait(run_id)["warnings"])
    assert "mlruns" in told
    assert "disk" in told
