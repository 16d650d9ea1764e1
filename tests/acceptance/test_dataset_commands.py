"""The subcommands of `dataset` and of registered environments: az's options, and files of this machine."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.acceptance.installed import bash, installed
from tests.running import Mlrun

GUID = "a13a4034-02d1-40bd-8107-b5d591a464b7"
SPECIFICATION = {
    "schemaVersion": 1,
    "datasetType": "Tabular",
    "parameters": {
        "path": ["a.csv", {"datastoreName": "workspaceblobstore", "relativePath": "/never/*.csv"}],
        "sourceType": "delimited_files",
        "separator": ";",
        "header": False,
    },
    "timeSeries": {"fineGrainTimestamp": "when"},
    "registration": {"name": "rows", "description": "Rows.", "tags": {"kind": "sample"}, "createNewVersion": True},
}
READ = """
from azureml.core import Dataset, Workspace
table = Dataset.get_by_name(Workspace.from_config(), "rows")
print(table._definition["options"]["separator"], table._definition["options"]["header"], table.timestamp_columns)
"""


@pytest.fixture(scope="module")
def mlrun(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mlrun]:
    """In an attached folder with a folder of two files."""
    with installed(tmp_path_factory.mktemp("datasets")) as command:
        command.script("x;1\n", "data/a.csv")
        command.script("two", "data/deep/b.txt")
        yield command


def written(mlrun: Mlrun, specification: object, name: str = "data/dataset.json") -> str:
    return str(mlrun.script(json.dumps(specification), name))


def test_a_file_of_azure_is_registered_as_it_says(mlrun: Mlrun) -> None:
    file = written(mlrun, SPECIFICATION)
    told = mlrun.fails("dataset", "register", "-f", file, exit_code=3)
    assert told.code == "DataNotFound"
    assert "never" in told.text
    assert mlrun.json("dataset", "list") == []

    line = f"az ml dataset register -f '{file}' --skip-validation -t out/dataset.json"
    done = bash(mlrun, line)
    assert done.returncode == 0, done.stderr
    registered = json.loads(done.stdout)
    assert registered == json.loads((mlrun.folder / "out" / "dataset.json").read_text(encoding="utf-8"))
    assert set(registered) == {"definition", "registration", "source"}
    assert registered["registration"].items() >= {"name": "rows", "version": 1, "tags": {"kind": "sample"}}.items()
    assert registered["source"] == [str(mlrun.folder / "data" / "a.csv"), "('workspaceblobstore', 'never/*.csv')"]
    assert mlrun.json("dataset", "register", "-f", file, "--skip-validation") == registered

    assert mlrun.python(str(mlrun.script(READ, "read.py"))) == "; NO_HEADERS ('when', None)\n"

    changed = {**SPECIFICATION, "parameters": {**SPECIFICATION["parameters"], "path": "a.csv"}}  # type: ignore[dict-item]
    newer = mlrun.json("dataset", "register", "-f", written(mlrun, changed))
    assert newer["registration"]["version"] == 2
    assert mlrun.json("dataset", "show", "-n", "rows", "-v", "1") == registered
    assert mlrun.json("dataset", "show", "-i", newer["registration"]["id"]) == newer
    forgotten = mlrun.json("dataset", "unregister", "-n", "rows")
    assert (forgotten["name"], forgotten["version"]) == ("rows", 2)
    failure = mlrun.fails("dataset", "show", "-n", "rows", exit_code=3)
    assert failure.code == "DatasetNotFound"
    assert "'rows'" in failure.text


def test_the_template_can_be_registered_once_it_is_filled_in(mlrun: Mlrun) -> None:
    template = mlrun.json("dataset", "register", "--show-template")
    template["datasetType"] = "Tabular"
    template["parameters"]["sourceType"] = "parquet_files"
    done = mlrun("dataset", "register", "-f", written(mlrun, template), "--skip-validation", "-n", "other")
    assert done.stderr == ""
    assert json.loads(done.stdout)["registration"]["name"] == "other"
    mlrun("dataset", "unregister", "-n", "other")


def test_a_runconfig_with_an_id_of_azure_finds_the_files_of_here(mlrun: Mlrun) -> None:
    words = ("dataset", "register", "-n", "images", "-p", "data", "--id", GUID)
    first = mlrun.json(*words)
    assert first["registration"]["id"] == GUID
    assert mlrun.json(*words) == first
    document = {
        "script": "list.py",
        "arguments": ["--data", "DatasetConsumptionConfig:images"],
        "environment": {"python": {"userManagedDependencies": True}},
        "data": {"images": {"dataLocation": {"dataset": {"id": GUID.upper()}}, "mechanism": "mount"}},
    }
    written(mlrun, document, "mnist.runconfig")
    mlrun.script("import os, sys; print('found', sorted(os.listdir(sys.argv[2])))", "list.py")
    run = mlrun.ended("-c", "mnist")
    assert "found ['a.csv', " in mlrun.log(run["run_id"])

    mlrun("dataset", "unregister", "-n", "images")
    assert mlrun.json(*words)["registration"] == first["registration"]
    told = mlrun.fails("dataset", "register", "-n", "more", "-p", "data/deep", "--id", GUID)
    assert told.code == "AlreadyExists"
    assert "'images', version 1" in told.text
    told = mlrun.fails("dataset", "register", "-n", "images", "-p", "data/deep")
    assert told.code == "AlreadyExists"
    assert "--create-new-version" in told.text
    assert mlrun.json("dataset", "list", "--query", "[].[name, version, id]") == [["images", 1, GUID]]


@pytest.mark.parametrize(
    ("change", "code", "fact"),
    [
        ({"datasetType": "Folder"}, "InvalidFile", "line 1: datasetType: "),
        ({"schemaVersion": 2}, "InvalidFile", "schemaVersion: "),
        ({"registration": {}}, "InvalidFile", "registration: 'name'"),
        ({"parameters": {}}, "InvalidFile", "parameters: 'path'"),
        ({"parameters": {"path": [1, []]}}, "InvalidFile", "parameters.path[1]: "),
        ({"parameters": {"path": "a.csv", "query": {"datastoreName": "sql"}}}, "Unsupported", "query"),
        ({"parameters": {"path": "a.csv", "partitionFormat": "/{x}"}}, "Unsupported", "partitionFormat"),
        ({"parameters": {"path": "a.csv", "sourceType": "sql_query"}}, "InvalidFile", "'sql_query'"),
        ({"parameters": {"path": "s3://bucket/a.csv"}}, "InvalidValue", "'s3'"),
        ({"parameters": {"path": {"datastoreName": "nowhere", "relativePath": "a"}}}, "DatastoreNotFound", "'nowhere'"),
    ],
)
def test_what_a_file_cannot_say_is_refused_with_its_place(
    mlrun: Mlrun, change: dict[str, object], code: str, fact: str
) -> None:
    file = written(mlrun, {**SPECIFICATION, **change})
    failure = mlrun.fails("dataset", "register", "-f", file, exit_code=3 if code.endswith("NotFound") else 2)
    assert failure.code == code
    assert fact in failure.text


@pytest.mark.parametrize(
    ("words", "code", "fact"),
    [
        ((), "OneOptionRequired", "-f FILE"),
        (("-p", "data"), "MissingOption", "-n NAME"),
        (("-n", "x", "-p", "data", "-f", "x.json"), "OneOptionRequired", "-p PATH"),
        (("-n", "x", "-p", "data", "--id", "17"), "InvalidName", "'17'"),
        (("-n", "x", "-p", ""), "InvalidValue", "--src-path"),
        (("-f", "x.json", "--tabular"), "ConflictingOptions", "--src-path"),
    ],
)
def test_options_that_do_not_go_together_are_refused(
    mlrun: Mlrun, words: tuple[str, ...], code: str, fact: str
) -> None:
    failure = mlrun.fails("dataset", "register", *words)
    assert failure.code == code
    assert fact in failure.text


def test_paths_of_this_machine_of_a_datastore_and_of_the_web(mlrun: Mlrun) -> None:
    failure = mlrun.fails("dataset", "register", "-n", "no", "-p", "nowhere", exit_code=3)
    assert failure.code == "DataNotFound"
    assert "nowhere" in failure.text
    mlrun("datastore", "upload", "-n", "workspaceblobstore", "-p", "data/a.csv", "-u", "table")
    words = ("--datastore", "workspaceblobstore", "-p", "/table/*.csv", "--tabular")
    table = mlrun.json("dataset", "register", "-n", "table", *words, "--tag", "a=b", "--description", "A table.")
    assert table["source"] == ["('workspaceblobstore', 'table/*.csv')"]
    web = mlrun.json("dataset", "register", "-n", "web", "-p", "https://me:password@example.com/a.csv?sig=secret")
    assert web["source"] == ["https://example.com/a.csv"]
    rows = mlrun("dataset", "list", "--query", "[?name!='images'].[name, datasetType]", "-o", "tsv").stdout
    assert rows == "table\tTabular\nweb\tFile\n"


def test_an_environment_goes_from_a_folder_to_the_workspace_and_back(mlrun: Mlrun, tmp_path: Path) -> None:
    folder, copy = tmp_path / "my env", tmp_path / "copy"
    line = f"az ml environment scaffold -n training -d '{folder}' && az ml environment register -d '{folder}'"
    done = bash(mlrun, line)
    assert done.returncode == 0, done.stderr
    failure = mlrun.fails("environment", "scaffold", "-n", "x", "-d", str(folder))
    assert failure.code == "FileAlreadyExists"
    assert "already" in failure.text
    for name in ("", " ", "AzureML-Minimal"):
        mlrun.fails("environment", "scaffold", "-n", name, "-d", str(copy))
    (folder / "conda_dependencies.yml").write_text("dependencies:\n- pip:\n  - numpy==1.26\n", encoding="utf-8")
    registered = mlrun.json("environment", "register", "-d", str(folder))
    assert (registered["name"], registered["version"]) == ("training", "2")
    assert registered["python"]["condaDependencies"] == {"dependencies": [{"pip": ["numpy==1.26"]}]}
    assert mlrun.json("environment", "register", "-d", str(folder)) == registered
    assert mlrun.json("environment", "list") == [registered]
    assert mlrun.json("environment", "show", "-n", "training") == registered
    assert mlrun.json("environment", "show", "-n", "training", "-v", "1")["version"] == "1"

    mlrun("environment", "download", "-n", "training", "-d", str(copy))
    definition = json.loads((copy / "azureml_environment.json").read_text(encoding="utf-8"))
    assert "condaDependencies" not in definition["python"]
    text = (copy / "conda_dependencies.yml").read_text(encoding="utf-8")
    assert text == "dependencies:\n- pip:\n  - numpy==1.26\n"
    again = ("environment", "download", "-n", "training", "-v", "1", "-d", str(copy))
    failure = mlrun.fails(*again)
    assert failure.code == "FileAlreadyExists"
    assert "already" in failure.text
    mlrun(*again, "--overwrite")
    assert (copy / "conda_dependencies.yml").read_text(encoding="utf-8") != text
    loaded = f"from azureml.core import Environment; print(Environment.load_from_directory({str(copy)!r}).version)"
    assert mlrun.python("-c", loaded) == "1\n"

    mlrun.script("from azureml.core import Workspace; print(*Workspace.from_config().environments)", "names.py")
    assert [name for name in mlrun.python("names.py").split() if not name.startswith("AzureML-")] == ["training"]
    told = mlrun.fails("environment", "show", "-n", "nothing", exit_code=3)
    assert told.code == "EnvironmentNotFound"
    assert told.target == "nothing" and told.message.endswith(" training.")
    assert mlrun.json("environment", "list", "--built") == []
    mlrun.fails("environment", "show")
    failure = mlrun.fails("environment", "show", "--built", "0123", exit_code=3)
    assert failure.code == "EnvironmentNotFound"
    assert "--built" in failure.text
    failure = mlrun.fails("environment", "register", "-d", ".")
    assert failure.code == "MissingFile"
    assert "azureml_environment.json" in failure.text
