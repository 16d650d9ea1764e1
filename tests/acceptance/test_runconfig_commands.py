"""`mlrun runconfig`, and what a runconfig may name: environments, files of Windows, `run submit-script --dry-run`."""

from __future__ import annotations

import json
import os
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from mlrun_cli.runconfigs.runconfig import read_runconfig
from tests.running import Mlrun, find_files_with
from tests.sdk.driving import drive

CONDA = f"""#!/bin/sh
mkdir -p "$4/bin" && ln -s {os.path.realpath(sys.executable)} "$4/bin/python"
"""
OWN = "environment:\n  python:\n    userManagedDependencies: true\n"


@pytest.fixture
def mlrun(tmp_path: Path) -> Iterator[Mlrun]:
    one = Mlrun(tmp_path)
    yield one
    one.close()


def runconfig(mlrun: Mlrun, text: str, name: str = "train") -> Path:
    path = mlrun.folder / ".azureml" / f"{name}.runconfig"
    path.write_text(text, encoding="utf-8")
    return path


def dry_run(mlrun: Mlrun, *words: str) -> dict[str, Any]:
    record: dict[str, Any] = mlrun.json("run", "submit-script", "--dry-run", *words)
    return record


def refusal(mlrun: Mlrun, *words: str, exit_code: int = 2) -> str:
    done = mlrun(*words, check=False)
    assert (done.returncode, done.stdout) == (exit_code, "")
    return done.stderr


def test_the_runconfigs_of_a_folder_are_listed_with_what_is_wrong(mlrun: Mlrun) -> None:
    runconfig(mlrun, "script: [a]\n", "wrong")
    runconfig(mlrun, "script: a.py\ntarget: cpu\nframework: Smalltalk\n", "strange")
    (mlrun.folder / ".azureml" / "plain").write_text(f"script: b.py\n{OWN}", encoding="utf-8")
    listed = {record["name"]: record for record in mlrun.json("runconfig", "list", "--path", str(mlrun.folder))}

    assert listed.keys() == {"local", "sklearn", "plain", "strange", "wrong"}
    assert listed["plain"] == {
        "name": "plain",
        "path": ".azureml/plain",
        "target": "local",
        "script": "b.py",
        "ok": True,
        "reason": None,
    }
    assert "line 1: script: " in listed["wrong"]["reason"]
    assert "strange.runconfig, line 3: framework " in listed["strange"]["reason"]
    assert listed["strange"]["target"] == "cpu"


@pytest.mark.parametrize(
    ("name", "text", "what"),
    [
        ("run.json", None, "is the record of a run"),
        (
            "inference.json",
            '{"entryScript": "score.py", "environment": {"python": {"userManagedDependencies": true}}, "script": 1}',
            "is an inference configuration",
        ),
        (
            "inference.yml",
            "entryScript: score.py\nenvironment:\n  python:\n    userManagedDependencies: true\n",
            "is an inference configuration",
        ),
        ("deployment.yml", "computeType: ACI\ntarget: x\nscript: y\n", "is a deployment configuration"),
    ],
)
def test_what_azure_keeps_beside_runconfigs_is_none(mlrun: Mlrun, name: str, text: str | None, what: str) -> None:
    mlrun.script("")
    if text is None:
        mlrun("run", "submit-script", "-t", name, "train.py")
    else:
        mlrun.script(text, name)
    assert {one["name"] for one in mlrun.json("runconfig", "list")} == {"local", "sklearn"}
    assert f"{name}, line 1: {what}" in refusal(mlrun, "run", "submit-script", "-c", name)


def test_list_and_validate_find_the_same_in_the_whole_of_an_attached_folder(mlrun: Mlrun) -> None:
    whole = f"script: train.py\n{OWN}"
    pair = '{"script": "train.py", "environment": {"python": {"userManagedDependencies": true}}}'
    inner = ("a/venv", "a/node_modules", "a/.git", "a/conda")
    texts = {
        "config/train.runconfig": whole,
        "config/hidden/.azureml/noext": "script: train.py\n",
        ".azureml/twin.runconfig": whole,
        "twin.runconfig": whole,
        ".azureml/broken.yml": "framework: [\n",
        "run_config.yml": whole,
        "pair.json": pair,
        "pair.yml": "environment: {python: {userManagedDependencies: true}}\nscript: train.py\n",
        # Not these:
        "package.json": '{"name": {"script": 1, "target": 2}}',
        "data.yml": "environment: 1\n",
        "environment.yml": "name: x\npython:\n  userManagedDependencies: true\n",
        "train.log": whole,
        "a/venv/pyvenv.cfg": "",
        "a/conda/conda-meta/history": "",
        **{f"{folder}/x.runconfig": whole for folder in inner},
        "home/runs/r_1/x.runconfig": whole,
    }
    for name, text in texts.items():
        mlrun.script(text, name)
    mlrun.script("")
    mlrun.environment["MLRUN_HOME"] = str(mlrun.folder / "home")
    mlrun("folder", "attach", "-o", "none")
    listed = {record["path"]: record["name"] for record in mlrun.json("runconfig", "list")}
    done = mlrun("runconfig", "validate", "--all", check=False)
    verdicts = {verdict["file"]: verdict for verdict in json.loads(done.stdout)}

    assert listed == {
        ".azureml/broken.yml": "broken.yml",
        ".azureml/local.runconfig": "local",
        ".azureml/sklearn.runconfig": "sklearn",
        ".azureml/twin.runconfig": "twin",
        "config/hidden/.azureml/noext": "config/hidden/.azureml/noext",
        "config/train.runconfig": "config/train",
        "pair.json": "pair.json",
        "pair.yml": "pair.yml",
        "run_config.yml": "run_config.yml",
        "twin.runconfig": str(mlrun.folder / "twin.runconfig"),
    }
    assert verdicts.keys() == listed.keys()
    assert done.returncode == 2
    assert verdicts["config/train.runconfig"]["missing"] == []
    assert verdicts["config/hidden/.azureml/noext"]["missing"] == ["train.py"]
    assert "no workspace" not in done.stderr
    for path, name in listed.items():
        assert mlrun("runconfig", "show", name, check=False).returncode == (2 if path.endswith("broken.yml") else 0)


def test_what_a_runconfig_says_is_shown_with_defaults_and_without_secrets(mlrun: Mlrun) -> None:
    text = (
        "script: a.py\narguments: [--token, s3cret, 0.10]\nenvironmentVariables: {API_TOKEN: s3cret, A: 1}\n"
        "credentialPassthrough: false\nenvironment:\n  docker: {baseImageRegistry: {password: s3cret}}\n"
    )
    path = runconfig(mlrun, text)
    done = mlrun("runconfig", "show", "train")
    shown = json.loads(done.stdout)

    assert "s3cret" not in done.stdout + done.stderr
    assert shown["arguments"] == ["--token", "***", "0.10"]
    assert shown["environmentVariables"] == {"API_TOKEN": "***", "A": "1"}
    assert (shown["target"], shown["nodeCount"], shown["credentialPassthrough"]) == ("local", 1, False)
    assert shown["environment"]["python"]["interpreterPath"] == "python"
    # What is shown is a runconfig itself.
    path.write_text(done.stdout, encoding="utf-8")
    assert read_runconfig(path)[1] == ()
    assert mlrun.json("runconfig", "show", "train") == shown


def test_a_runconfig_of_workbench_is_shown_in_todays_keys(mlrun: Mlrun) -> None:
    runconfig(mlrun, "ArgumentVector: [a.py]\nTarget: docker\n")
    done = mlrun("runconfig", "show", "train")

    assert "train.runconfig" in done.stderr
    assert json.loads(done.stdout)["script"] == "a.py"
    assert json.loads(done.stdout)["environment"]["docker"]["enabled"] is True


def test_runconfigs_are_validated_as_a_submit_would_take_them(mlrun: Mlrun) -> None:
    mlrun.script("")
    runconfig(mlrun, f"script: train.py\narguments: [--lr, 0.10, a b]\n{OWN}", "good")
    runconfig(mlrun, f"script: train.py\ntarget: cpu\n{OWN}", "nowhere")
    runconfig(mlrun, f"script: gone.py\n{OWN}", "gone")
    (good,) = mlrun.json("runconfig", "validate", "good")
    done = mlrun("runconfig", "validate", "good", "nowhere", "gone", check=False)
    _, nowhere, gone = json.loads(done.stdout)

    assert good["loads"] is True
    assert good["would_run_as"].startswith("python train.py --lr 0.10 'a b' ")
    assert done.returncode == 2
    assert re.search(r"nowhere\.runconfig, line 2: target: .*'cpu'", nowhere["refused_because"])
    assert "computetarget create amlcompute" in nowhere["hint"]
    assert gone["missing"] == ["gone.py"]
    assert mlrun.fails("runconfig", "validate").code == "OneOptionRequired"
    failure = mlrun.fails("runconfig", "validate", "zebra")
    assert (failure.code, failure.target) == ("RunconfigNotFound", "zebra")


def test_all_below_a_folder_that_is_not_attached_are_validated_in_a_table(mlrun: Mlrun, tmp_path: Path) -> None:
    inner = tmp_path / "others" / "deep" / "aml_config"
    inner.mkdir(parents=True)
    (inner / "a.runconfig").write_text(f"target: cpu\nenviroment: x\npriority: 3\n{OWN}", encoding="utf-8")
    (inner.parent / "run_config.yml").write_text(f"script: gone.py\nframework: Python\n{OWN}", encoding="utf-8")
    (inner.parent / "pipeline.yml").write_text("pipeline: {}\n", encoding="utf-8")
    (inner / "b.runconfig").write_text("Zebra: 1\n", encoding="utf-8")
    words = ("runconfig", "validate", "--path", str(tmp_path / "others"), "--all")
    done = mlrun(*words, "-o", "table", check=False)
    lines = done.stdout.splitlines()

    assert done.returncode == 2
    assert lines[0].split("  ")[0] == "File"
    assert [line.split()[:2] for line in lines[2:]] == [
        ["deep/aml_config/a.runconfig", "yes"],
        ["deep/aml_config/b.runconfig", "no"],
        ["deep/run_config.yml", "yes"],
    ]
    assert "python SCRIPT " in lines[2] and "'cpu'" in lines[2]
    assert re.search(r"line 2: .*'enviroment' .* environment\? \(.* 1 .*\)$", lines[2].rstrip())
    assert "workspace" in done.stderr
    assert lines[3].rstrip().endswith(": Zebra)")
    assert lines[4].rstrip().endswith("gone.py")
    assert not list((tmp_path / "others").rglob("*.db"))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("communicator: Foo\n", "line 3: communicator cannot be used: 'Foo' is not known here."),
        ("nodeCount: 1000\n", "line 3: nodeCount cannot be used: "),
        ("command: a.py\n", "line 3: command: Both script and command are set in the runconfig."),
        ("target: cpu\n", "line 3: target: There is no compute target 'cpu'."),
        ("environment: gone.yml\n", "line 3: environment: There is no environment file 'gone.yml'."),
        ("environment: gone\n", "line 3: environment: There is no environment 'gone'."),
        ("environment:\n  name: gone\n", "line 4: environment.name: There is no environment 'gone'."),
        (
            "environment:\n  python:\n    condaDependenciesFile: gone.yml\n",
            "line 5: environment.python.condaDependenciesFile: There is no conda dependencies file 'gone.yml'.",
        ),
        ("environment: inner.yml\n", "inner.yml, line 2: environment.python.condaDependenciesFile: There is no conda"),
        (f"{OWN}dataReferences:\n  inp: {{dataStoreName: far}}\n", "line 7: dataReferences.inp: There is no datastore"),
        (f"{OWN}outputData:\n  out: [x]\n", "line 7: outputData"),
        (f"{OWN}arguments:\n- a\n- $AZUREML_DATAREFERENCE_x\n", "line 8: arguments[1]: 'x' is not in the section"),
    ],
)
def test_an_error_of_what_a_file_says_names_its_line(mlrun: Mlrun, text: str, said: str) -> None:
    mlrun.script("")
    mlrun.script("python:\n  condaDependenciesFile: gone.yml\n", "inner.yml")
    path = runconfig(mlrun, f"# One\nscript: train.py\n{text}")
    done = mlrun("run", "submit-script", "--dry-run", "-c", "train", check=False)
    place = mlrun.folder if said.startswith("inner.yml") else f"{path},"

    assert done.returncode in {2, 3}
    assert done.stderr.startswith((f"ERROR: {place}/{said}", f"ERROR: {place} {said}"))


def test_an_error_of_what_an_option_says_names_no_line(mlrun: Mlrun) -> None:
    mlrun.script("")
    runconfig(mlrun, f"script: gone.py\ntarget: cpu\n{OWN}")
    words = ("run", "submit-script", "--dry-run", "-c", "train")

    assert re.search(r"\n2\. There .*'gpu'", refusal(mlrun, *words, "--ct", "gpu"))
    said = refusal(mlrun, *words, "--ct", "local", "lost.py")
    assert said.startswith("ERROR: ") and "'lost.py'" in said
    assert "train.runconfig, line 1: script: " in refusal(mlrun, *words, "--ct", "local")


def test_the_schema_has_every_key_that_is_read(mlrun: Mlrun) -> None:
    schema = mlrun.json("runconfig", "schema")

    assert schema["properties"]["nodeCount"]["default"] == 1
    environment = schema["properties"]["environment"]["anyOf"][0]
    assert environment["properties"]["python"]["properties"]["interpreterPath"]["type"] == ["string", "null"]
    assert "MPI" in schema["properties"]["mpi"]["description"]
    assert {"enum": ["nccl", "gloo"]} in schema["properties"]["pytorch"]["properties"]["communicationBackend"]["anyOf"]


def test_a_dry_run_says_what_would_run_and_stores_nothing(mlrun: Mlrun) -> None:
    mlrun.script("")
    mlrun.script("", "outputs/old.txt")
    (mlrun.folder / "loose").symlink_to("/etc/hosts")
    text = (
        f"{OWN}maxRunDurationSeconds: 60\npriority: 3\nenvironmentVariables: {{MY_TOKEN: s3cret, A: 1}}\n"
        "dataReferences:\n  images: {dataStoreName: workspaceblobstore, pathOnDataStore: img, mode: upload}\n"
    )
    runconfig(mlrun, text)
    words = ("-c", "train", "train.py", "--password", "s3cret", "$AZUREML_DATAREFERENCE_images")
    record = dry_run(mlrun, *words)

    assert record["command_line"][1:4] == ["train.py", "--password", "***"]
    assert record["command_line"][4].endswith("/img")
    assert not Path(record["command_line"][4]).exists()
    assert record["environment"]["kind"] == "user-managed"
    assert record["environment"]["interpreter"] == record["command_line"][0]
    assert record["environment_variables"]["MY_TOKEN"] == "***"
    assert record["environment_variables"]["A"] == "1"
    assert (record["target"], record["max_run_duration_seconds"]) == ("local", 60)
    (note,) = record["notes"]
    assert note.startswith("priority ")
    assert record["snapshot"]["files"] == 2  # the script and .amlignore
    assert [one["path"] for one in record["snapshot"]["left_out"]] == ["loose", ".azureml/", "outputs/"]
    assert mlrun.json("run", "list") == []
    assert not (mlrun.database.parent / "runs").exists() or not list((mlrun.database.parent / "runs").iterdir())

    page = mlrun("run", "submit-script", "--dry-run", "-o", "table", *words).stdout
    assert "s3cret" not in page
    assert "- priority " in page
    assert mlrun.json("run", "list") == []


def test_what_each_run_sets_by_itself_is_skipped_by_name(mlrun: Mlrun) -> None:
    variables = '{PYTHONUNBUFFERED: "", AZUREML_NODE_COUNT: "9", RANK: "7", MLRUN_HOME: /no, LR: "1"}'
    runconfig(mlrun, f"script: train.py\n{OWN}environmentVariables: {variables}\n")
    names = ("PYTHONUNBUFFERED", "AZUREML_NODE_COUNT", "RANK", "MLRUN_HOME", "LR", "PWD")
    mlrun.script(f"import os; print(*(os.environ[name] for name in {names}), sep='|')")
    said = "environmentVariables.{} is skipped: each run sets it by itself."
    own = ("AZUREML_NODE_COUNT", "MLRUN_HOME")
    plan = dry_run(mlrun, "-c", "train")
    assert plan["notes"] == [said.format(name) for name in own]
    assert plan["environment_variables"] == {"PYTHONUNBUFFERED": "", "RANK": "7", "LR": "1"}
    run_id = mlrun.submit("-c", "train")
    assert mlrun.wait(run_id)["run_definition"]["environmentVariables"] == plan["environment_variables"]
    assert mlrun.log(run_id) == f"|1|7|{mlrun.home}|1|{mlrun.run_folder(run_id) / 'work'}\n"
    runconfig(mlrun, f"script: train.py\n{OWN}communicator: PyTorch\nenvironmentVariables: {variables}\n", "torch")
    assert said.format("RANK") in dry_run(mlrun, "-c", "torch")["notes"]


def test_a_dry_run_names_the_packages_of_an_environment_that_would_be_built(mlrun: Mlrun) -> None:
    mlrun.script("")
    (mlrun.folder / "conda.yml").write_text("dependencies: [{pip: [numpy==1.26.4]}]\n", encoding="utf-8")
    runconfig(mlrun, "environment: {python: {condaDependenciesFile: conda.yml}}\n")
    words = ("-c", "train", "train.py")
    environment = dry_run(mlrun, *words)["environment"]
    page = ("run", "submit-script", "--dry-run", "-o", "table", *words)

    assert f", with Python {environment['python']} and:\n             numpy==1.26.4\n" in mlrun(*page).stdout
    (mlrun.folder / "conda.yml").write_text("dependencies: []\n", encoding="utf-8")
    assert f", with Python {environment['python']}\nVariables " in mlrun(*page).stdout

    assert environment["kind"] == "built"
    assert environment["is_there"] is False
    assert environment["requirements"] == ["numpy==1.26.4"]
    assert not Path(environment["folder"]).exists()


@pytest.mark.parametrize("place", ["conda.yml", "the runconfig"])
def test_variables_of_conda_dependencies_are_the_scripts_below_those_of_the_runconfig(mlrun: Mlrun, place: str) -> None:
    mlrun.script("import os; print(os.environ['A'], os.environ['B'], os.environ['MY_TOKEN'], os.environ['C'])")
    program = mlrun.script(CONDA, "programs/conda")
    program.chmod(0o755)
    mlrun.environment["PATH"] = f"{program.parent}{os.pathsep}{mlrun.environment['PATH']}"
    mlrun.environment["A"] = "of the shell"
    text = "{dependencies: [python], variables: {A: 0.10, B: inner, C: , MY_TOKEN: s3cr3t-word}}"
    mlrun.script(text, "conda.yml")
    named = "condaDependenciesFile: conda.yml" if place == "conda.yml" else f"condaDependencies: {text}"
    runconfig(mlrun, f"environment: {{python: {{{named}}}}}\nenvironmentVariables: {{B: outer}}\n")
    words = ("run", "submit-script", "-c", "train")
    page = mlrun(*words, "--dry-run", "-o", "table", "train.py").stdout
    done = mlrun(*words, "train.py")
    record = json.loads(done.stdout)

    assert mlrun.log(record["run_id"]) == "0.10 outer s3cr3t-word \n"
    shown = {"A": "0.10", "B": "outer", "C": "", "MY_TOKEN": "***"}
    assert record["run_definition"]["environmentVariables"] == shown
    assert re.search(r"\n +python\nVariables +A=0\.10\n", page)
    assert "s3cr3t" not in page + done.stdout
    assert not [file for file in find_files_with("s3cr3t", mlrun.home) if file.suffix == ".json"]


@pytest.mark.parametrize("words", [("gone.py",), ("--ct", "cpu", "train.py"), ("-c", "zebra", "train.py")])
def test_a_dry_run_is_refused_as_the_submit_is(mlrun: Mlrun, words: tuple[str, ...]) -> None:
    mlrun.script("")
    dry = mlrun("run", "submit-script", "--dry-run", *words, check=False)
    real = mlrun("run", "submit-script", *words, check=False)

    assert (dry.returncode, dry.stdout, dry.stderr) == (real.returncode, "", real.stderr)


def test_an_environment_may_stand_in_a_file_as_the_sdk_writes_it(mlrun: Mlrun) -> None:
    mlrun.script("import os; print('A is', os.environ['A'])")
    drive(
        mlrun,
        """
        from azureml.core import RunConfiguration

        rc = RunConfiguration()
        rc.environment.python.user_managed_dependencies = True
        rc.environment.environment_variables = {"A": "0.10"}
        rc.save(".", "apart.runconfig", separate_environment_yaml=True)
        """,
    )
    done = mlrun("run", "submit-script", "-c", "apart", "train.py")

    assert "A is 0.10" in done.stderr


def test_an_environment_that_is_only_named_is_the_registered_one(mlrun: Mlrun) -> None:
    mlrun.script("")
    drive(
        mlrun,
        """
        from azureml.core import Environment, Workspace

        environment = Environment("training")
        environment.python.user_managed_dependencies = True
        environment.environment_variables = {"A": "inner", "B": "inner"}
        environment.register(Workspace.from_config())
        """,
    )
    for text in ("environment: training\n", "environment: {name: training, version: 1}\n"):
        runconfig(mlrun, f"{text}environmentVariables: {{A: outer}}\n")
        record = dry_run(mlrun, "-c", "train", "train.py")
        assert record["environment"]["kind"] == "user-managed"
        assert record["environment_variables"] == {"A": "outer", "B": "inner"}

    runconfig(mlrun, "environment: {name: unknown}\n")
    said = refusal(mlrun, "run", "submit-script", "-c", "train", "train.py", exit_code=3)
    assert re.search(r"environment\.name: .*'unknown'.*: training\.", said)
    assert "condaDependenciesFile" in said
    assert "register(" in said
    (mlrun.folder / "conda.yml").write_text("dependencies: []\n", encoding="utf-8")
    assert dry_run(mlrun, "-c", "train", "-d", "conda.yml", "train.py")["environment"]["kind"] == "built"
    assert dry_run(mlrun, "-c", "train", "--environment", "current", "train.py")["environment"]["kind"] != "built"
    runconfig(mlrun, "environment: gone.yml\n")
    failure = mlrun.fails("run", "submit-script", "-c", "train", "train.py")
    assert (failure.code, failure.target) == ("MissingFile", "gone.yml")


def test_paths_of_windows_are_read_and_said(mlrun: Mlrun) -> None:
    mlrun.script("", "src/train.py")
    (mlrun.folder / "conf").mkdir()
    (mlrun.folder / "conf/conda.yml").write_text("dependencies: []\n", encoding="utf-8")
    runconfig(mlrun, "script: src\\train.py\nenvironment: {python: {condaDependenciesFile: conf\\conda.yml}}\n")
    record = dry_run(mlrun, "-c", "train")

    assert record["script"] == "src/train.py"
    conda_note, script_note = record["notes"][:2]
    assert conda_note.startswith("environment.python.condaDependenciesFile: 'conf\\conda.yml' ")
    assert script_note.startswith("script: 'src\\train.py' ") and "'src/train.py'" in script_note
    runconfig(mlrun, f"script: C:\\code\\train.py\n{OWN}")
    said = refusal(mlrun, "run", "submit-script", "-c", "train")
    assert "train.runconfig, line 1: script: 'C:\\code\\train.py' " in said


@pytest.mark.parametrize("place", ["conda.yml", ".azureml/conda.yml", "conf/conda.yml"])
def test_a_conda_file_is_found_beside_the_project_the_runconfig_or_the_others(mlrun: Mlrun, place: str) -> None:
    mlrun.script("")
    (mlrun.folder / "conf").mkdir()
    (mlrun.folder / place).write_text("dependencies: [{pip: [numpy]}]\n", encoding="utf-8")
    text = "script: train.py\nenvironment: {python: {condaDependenciesFile: conda.yml}}\n"
    (mlrun.folder / "conf/train.runconfig").write_text(text, encoding="utf-8")

    assert dry_run(mlrun, "-c", "conf/train")["environment"]["requirements"] == ["numpy"]


def test_a_script_alone_keeps_the_arguments_of_the_runconfig(mlrun: Mlrun) -> None:
    mlrun.script("import sys; print(*sys.argv[1:])", "other.py")
    runconfig(mlrun, f"script: train.py\narguments: [--lr, 0.10]\n{OWN}")
    assert dry_run(mlrun, "-c", "train", "other.py")["arguments"] == ["--lr", "0.10"]
    assert dry_run(mlrun, "-c", "train", "other.py", "x")["arguments"] == ["x"]
    assert "--lr 0.10\n" in mlrun("run", "submit-script", "-c", "train", "other.py").stderr


def test_arguments_of_docker_are_honoured_without_a_container_or_named(mlrun: Mlrun) -> None:
    mlrun.script("import os, sys; print(open(sys.argv[1]).read(), os.environ['B'], os.environ['DATA'])")
    mlrun.script("seen", "my data/a.txt")
    programs = mlrun.folder / "programs"
    programs.mkdir()
    (programs / "python").symlink_to(sys.executable)
    mlrun.environment["PATH"] = str(programs)
    docker = "docker: {enabled: true, arguments: ['-v ./my data:/data', -v, '/gone:/more', -e, B=7, --ipc=host, -it]}"
    text = f"arguments: [/data/a.txt]\nenvironmentVariables: {{DATA: /data}}\nenvironment:\n  {docker}\n"
    runconfig(mlrun, text)
    plan = dry_run(mlrun, "-c", "train", "--environment", "current", "train.py")
    data = mlrun.folder / "my data"
    assert plan["arguments"] == [f"{data}/a.txt"]
    assert plan["environment_variables"] == {"DATA": str(data), "B": "7"}
    skipped, mounted, gone = plan["notes"][2:]
    assert skipped.startswith("environment.docker.arguments: --ipc=host, -it ")
    assert mounted.startswith("docker.arguments: -v './my data:/data': ")
    assert " /data " in mounted and mounted.endswith(f" {data}.")
    assert gone.startswith("docker.arguments: -v /gone:/more: ") and " /more " in gone and " /gone, " in gone
    done = mlrun("run", "submit-script", "-c", "train", "--environment", "current", "train.py")
    assert f"seen 7 {data}\n" in done.stderr
    assert f"WARNING: {skipped}\n" in done.stderr


ALL_WRONG = """\
script: gone.py
arguments: [ok, [list], $AZUREML_DATAREFERENCE_nowhere]
target: cpu
framework: Smalltalk
nodeCount: many
environmentVariables: {A=B: 1, C: [x]}
environment:
  python: {condaDependenciesFile: gone.yml}
credentialPassthrough: true
data:
  here: {dataLocation: {dataset: {id: 4711}}, mechanism: mount}
  there: {dataLocation: {dataset: {name: far}}, mechanism: fly}
dataReferences:
  lost: {dataStoreName: far}
"""


def test_all_that_is_wrong_is_told_at_once_by_validate_dry_run_and_submit(mlrun: Mlrun) -> None:
    path = runconfig(mlrun, ALL_WRONG)
    mlrun.environment["MLRUN_SNAPSHOT_MAX_FILES"] = "0"
    words = ("run", "submit-script", "-c", "train")
    dry, real = (refusal(mlrun, *words, *more) for more in ((), ("--dry-run",)))
    done = mlrun("runconfig", "validate", "train", check=False)
    (verdict,) = json.loads(done.stdout)

    assert dry == real
    assert done.returncode == 2
    problems = verdict["problems"]
    assert [(one["line"], one["message"].split(":")[0].split(" ")[0]) for one in problems] == [
        (1, "script"),
        (2, "arguments[1]"),
        (2, "arguments[2]"),
        (3, "target"),
        (4, "framework"),
        (5, "nodeCount"),
        (6, "environmentVariables.A=***"),
        (6, "environmentVariables.C"),
        (8, "environment.python.condaDependenciesFile"),
        (9, "credentialPassthrough"),
        (11, "data.here"),
        (12, "data.there"),
        (14, "dataReferences.lost"),
        (None, "MLRUN_SNAPSHOT_MAX_FILES"),
    ]
    assert {one["file"] for one in problems} == {str(path), None}
    assert all(one["hint"] for one in problems)
    assert verdict["missing"] == ["gone.py", "gone.yml"]
    assert verdict["refused_because"] == f"{path}, line 2: {problems[1]['message']}"
    assert re.match(r"ERROR: 14 [^\n]*:\n1\. ", dry)
    for one in problems:
        place = "" if one["file"] is None else f"{one['file']}, line {one['line']}: "
        assert f". {place}{one['message']}\n   {one['hint']}\n" in dry
    page = mlrun("runconfig", "validate", "train", "-o", "table", check=False).stdout
    assert " (and 11 more)" in page


def test_validate_takes_the_mode_of_the_environment(mlrun: Mlrun) -> None:
    mlrun.script("")
    runconfig(mlrun, "script: train.py\nenvironment: {python: {baseCondaEnvironment: base}}\n")
    assert mlrun("runconfig", "validate", "train", check=False).returncode == 2
    (verdict,) = mlrun.json("runconfig", "validate", "train", "--environment", "current")
    assert (verdict["problems"], verdict["refused_because"]) == ([], None)


def test_a_run_for_a_target_that_is_not_here_can_be_sent_to_this_machine(mlrun: Mlrun) -> None:
    mlrun.script("")
    runconfig(mlrun, f"script: train.py\ntarget: cpu-cluster\n{OWN}")
    words = ("run", "submit-script", "-c", "train")
    assert "MLRUN_TARGETS=local" in refusal(mlrun, *words, exit_code=3)
    done = mlrun(*words, "--unknown-target", "local")
    assert json.loads(done.stdout)["target"] == "local"
    mlrun.environment["MLRUN_TARGETS"] = "local"
    (note,) = dry_run(mlrun, "-c", "train")["notes"]
    assert note.startswith("target: ") and "'cpu-cluster'" in note
    assert done.stderr.count(f"WARNING: {note}\n") == 1
    (verdict,) = mlrun.json("runconfig", "validate", "train")
    assert verdict["notes"] == [note] and verdict["would_run_as"].endswith(" on this machine")
    mlrun.environment["MLRUN_TARGETS"] = "gpu"
    assert mlrun.fails(*words).target == "MLRUN_TARGETS"
    mlrun("computetarget", "create", "amlcompute", "-n", "cpu-cluster", "--max-nodes", "1")
    mlrun.environment["MLRUN_TARGETS"] = "local"
    assert dry_run(mlrun, "-c", "train")["target"] == "cpu-cluster"


@pytest.mark.parametrize("target", ["amlcompute", "containerinstance"])
def test_a_run_for_which_azure_would_make_a_target_is_sent_to_this_machine(mlrun: Mlrun, target: str) -> None:
    mlrun.script("")
    runconfig(mlrun, f"script: train.py\ntarget: {target}\namlcompute: {{vmSize: STANDARD_D2_V2}}\n{OWN}")
    answer = dry_run(mlrun, "-c", "train")
    assert answer["target"] == "local"
    assert any(note.startswith("target: ") and f"'{target}'" in note for note in answer["notes"])
    mlrun("computetarget", "create", "amlcompute", "-n", target, "--max-nodes", "1")
    assert dry_run(mlrun, "-c", "train")["target"] == target


def test_a_file_of_another_kind_is_one_problem_with_its_file(mlrun: Mlrun) -> None:
    path = mlrun.script("pipeline: {}\n", "pipeline.yml")
    (verdict,) = json.loads(mlrun("runconfig", "validate", "pipeline.yml", check=False).stdout)
    (problem,) = verdict["problems"]
    assert (verdict["loads"], problem["file"]) == (False, str(path))
    assert (problem["code"], "pipeline" in problem["message"]) == ("Unsupported", True)
