"""The subcommands of `model`, as a pipeline types them after a run."""

from __future__ import annotations

import json

from tests.acceptance.installed import bash
from tests.running import Mlrun

TRAIN = """
import os
os.makedirs("outputs/net", exist_ok=True)
for name in ("model.pkl", "net/a.bin", "net/b.bin"):
    open("outputs/" + name, "w").write("made by the run: " + name)
"""


def test_a_pipeline_goes_from_a_run_to_the_files_of_its_model(mlrun: Mlrun) -> None:
    mlrun.script(TRAIN)
    mlrun("run", "submit-script", "-t", "run.json", "train.py")
    run_id = json.loads((mlrun.folder / "run.json").read_text(encoding="utf-8"))["run_id"]
    line = (
        "mlrun ml model register -n mymodel -f run.json --asset-path outputs/model.pkl -d 'A model' --tag data=diabetes"
        " --tag model=regression --property accuracy=0.9 --model-framework ScikitLearn"
        " --model-framework-version 1.5 --cc 1 --gb 0.5 -t metadata/model.json"
    )
    done = bash(mlrun, line)
    assert done.returncode == 0, done.stderr
    written = json.loads((mlrun.folder / "metadata" / "model.json").read_text(encoding="utf-8"))
    assert written == json.loads(done.stdout)
    assert written["modelId"] == written["id"] == "mymodel:1"
    assert written["resourceConfiguration"] == {"cpu": 1.0, "memoryInGB": 0.5, "gpu": None}
    assert {key: written[key] for key in ("runId", "experimentName", "framework", "frameworkVersion", "tags")} == {
        "runId": run_id,
        "experimentName": "exp",
        "framework": "ScikitLearn",
        "frameworkVersion": "1.5",
        "tags": {"data": "diabetes", "model": "regression"},
    }

    for words, name in (("--overwrite", "models/model.pkl"), ("--overwrite -o tsv", "models/model.pkl")):
        done = bash(mlrun, f"mlrun ml model download -i mymodel:1 --target-dir ./models {words}")
        assert done.stdout.strip().strip('"') == name
    assert (mlrun.folder / "models" / "model.pkl").read_text(encoding="utf-8") == "made by the run: model.pkl"
    failure = mlrun.fails("model", "download", "-i", "mymodel:1", "--target-dir", "models")
    assert failure.code == "FileAlreadyExists"
    assert "--overwrite" in failure.hint

    for words in (run_id, run_id[:-1], "@latest"):
        assert [each["id"] for each in mlrun.json("model", "list", "--run-id", words)] == ["mymodel:1"]
        assert mlrun.json("model", "show", "-n", "mymodel", "--run-id", words)["id"] == "mymodel:1"
    mlrun("run", "delete", "-r", run_id, "--force", "--yes")
    shown = {key: value for key, value in written.items() if key not in ("modelId", "workspaceName")}
    shown.pop("resourceGroupName")
    assert mlrun.json("model", "show", "-n", "mymodel") == shown
    assert mlrun.json("model", "list", "--run-id", run_id, "--tag", "data") == [shown]


def test_download_takes_minus_t_for_its_folder(mlrun: Mlrun) -> None:
    mlrun.script("")
    mlrun("model", "register", "-n", "mymodel", "-p", "train.py")
    for _ in range(2):  # the folder is there the second time
        mlrun("model", "download", "-i", "mymodel:1", "-t", "models", "--overwrite")
    assert (mlrun.folder / "models" / "train.py").is_file()


def test_register_takes_the_options_of_azures_first_extension(mlrun: Mlrun) -> None:
    mlrun.script("")
    for option in ("-m", "--model", "--model-path"):
        mlrun("model", "register", "-n", "mymodel", option, "train.py")
    assert mlrun.json("model", "show", "-n", "mymodel")["version"] == 3
    assert mlrun.fails("model", "register", "-n", "mymodel").code == "OneOptionRequired"
    assert "--model," not in mlrun("model", "register", "-h").stdout


def test_versions_are_listed_shown_changed_and_deleted(mlrun: Mlrun) -> None:
    mlrun.script(TRAIN)
    run_id = mlrun.json("run", "submit-script", "train.py")["run_id"]
    whole = mlrun.json("model", "register", "-n", "net", "--run-id", "@latest", "--asset-path", "outputs/net/")
    assert (whole["id"], whole["runId"]) == ("net:1", run_id)
    mlrun("model", "download", "-i", "net:1", "--target-dir", ".")
    assert sorted(path.name for path in (mlrun.folder / "net").iterdir()) == ["a.bin", "b.bin"]
    own = mlrun.json("model", "register", "--name", "net", "--model-path", "train.py", "--run-id", run_id[:-1])
    assert (own["id"], own["runId"]) == ("net:2", run_id)
    mlrun("model", "register", "-n", "other", "-p", "net")

    def ids(*words: str) -> list[str]:
        return [model["id"] for model in mlrun.json("model", "list", *words)]

    assert ids() == ["other:1", "net:2", "net:1"]
    assert ids("--latest") == ["other:1", "net:2"]
    assert ids("--model-name", "net") == ["net:2", "net:1"]
    mlrun("model", "update", "-i", "net:1", "--add-tag", "stage=old", "--add-property", "a=b", "-d", "The first")
    assert ids("--tag", "stage=old") == ids("--property", "a") == ["net:1"]
    assert "'stages'" in mlrun("model", "update", "-i", "net:1", "--remove-tag", "stages").stderr
    changed = mlrun.json("model", "update", "-i", "net:1", "--remove-tag", "stage", "--gc", "2")
    assert (changed["tags"], changed["description"], changed["resourceConfiguration"]["gpu"]) == ({}, "The first", 2)
    assert (
        mlrun.json("model", "show", "-n", "net", "--version", "1")
        == changed
        == mlrun.json("model", "show", "-i", "net:1")
    )
    assert mlrun.json("model", "delete", "-i", "net:2") == "net:2"
    assert ids() == ["other:1", "net:1"]


def test_what_cannot_be_registered_is_refused_with_a_way_out(mlrun: Mlrun) -> None:
    mlrun.script(TRAIN)
    (mlrun.folder / "old.json").write_text('{"runId": "exp_0"}', encoding="utf-8")
    (mlrun.folder / "list.json").write_text("[]", encoding="utf-8")
    mlrun("run", "submit-script", "train.py")
    for words, exit_code, code, fact in (
        ("-p train.py --asset-path outputs", 2, "OneOptionRequired", "--asset-path"),
        ("", 2, "OneOptionRequired", "-p PATH"),
        ("--asset-path outputs", 2, "MissingOption", "--run-id"),
        ("--asset-path outputs --run-id @latest -f old.json", 2, "ConflictingOptions", "--run-id"),
        ("--asset-path outputs -f train.py", 2, "InvalidFile", "train.py"),
        ("--asset-path outputs -f list.json", 2, "InvalidFile", "'run_id'"),
        ("--asset-path outputs -f nope.json", 2, "InvalidFile", "nope.json"),
        ("--asset-path outputs -f old.json", 3, "RunNotFound", "'exp_0'"),
        ("--asset-path outputs/nope --run-id @latest", 3, "ModelFileNotFound", "outputs/model.pkl"),
        ("-p nope.pkl", 2, "MissingFile", "nope.pkl'"),
        ("-p train.py --model-framework-version 1", 2, "MissingOption", "framework"),
    ):
        failure = mlrun.fails(*f"model register -n mymodel {words}".split(), exit_code=exit_code)
        assert failure.code == code
        assert fact in failure.text
    for line, exit_code, code, fact in (
        ("model register -n my/model -p train.py", 2, "InvalidName", "'my/model'"),
        ("model show -n mymodel", 3, "ModelNotFound", "'mymodel'"),
        ("model show", 2, "OneOptionRequired", "-n name"),
        ("model delete -i mymodel:one", 2, "InvalidName", "name:version"),
        ("ml model deploy -n service", 2, "UnsupportedCommand", "mlrun model download"),
    ):
        failure = mlrun.fails(*line.split(), exit_code=exit_code)
        assert failure.code == code
        assert fact in failure.text
    assert mlrun.json("model", "list") == []
