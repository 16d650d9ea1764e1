from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from mlrun_cli.actions.data_outputs import register_outputs
from mlrun_cli.actions.datasets import register_dataset, save_dataset
from mlrun_cli.actions.datastores import register_datastore, unregister_datastore
from mlrun_cli.core.redaction import Redactor
from mlrun_cli.errors import DataNotFound, Unsupported, UsageError
from mlrun_cli.runconfigs.run_configuration import RunConfiguration
from mlrun_cli.runs.run import SCRIPT_RUN, Run
from mlrun_cli.runs.status import RunStatus
from mlrun_cli.submit.data import bind_data, preview_data
from mlrun_cli.submit.run_data import RunData
from mlrun_cli.workspace import Workspace
from mlrun_cli.workspace_locator import WorkspaceIdentity, locate_workspace


@pytest.fixture
def workspace(tmp_path: Path) -> Iterator[Workspace]:
    with Workspace.open(
        locate_workspace(tmp_path / "home", WorkspaceIdentity("s", "g", "w")), create=True, redactor=Redactor()
    ) as opened:
        opened.get_run_folder("r_1").path.mkdir()
        yield opened


@pytest.fixture
def source(tmp_path: Path) -> Path:
    folder = tmp_path / "my folder"
    (folder / "data" / "sub").mkdir(parents=True)
    (folder / "data" / "a.csv").write_text("a", encoding="utf-8")
    (folder / "data" / "sub" / "b.csv").write_text("b", encoding="utf-8")
    return folder


def bind(workspace: Workspace, source: Path, rest: dict[str, Any], **fields: Any) -> RunData:
    return bind_data(workspace, RunConfiguration(rest=rest, **fields), "r_1", source)


def preview(workspace: Workspace, source: Path, rest: dict[str, Any]) -> RunData:
    return preview_data(workspace, RunConfiguration(rest=rest), source)


def files(*paths: str) -> dict[str, Any]:
    return {"kind": "file", "paths": [{"path": path} for path in paths]}


def entry(**fields: Any) -> dict[str, Any]:
    location = {key: fields.pop(key) for key in ("dataset", "dataPath", "uri") if key in fields}
    return {"dataLocation": location, "mechanism": "mount", **fields}


def test_a_configuration_without_data_stays_as_it_is(workspace: Workspace, source: Path) -> None:
    bound = bind(workspace, source, {}, arguments=("--x", "$HOME", "a:b"), command="echo $HOME")
    assert (bound.arguments, bound.command) == (("--x", "$HOME", "a:b"), "echo $HOME")
    assert not (bound.variables or bound.inputs or bound.outputs or bound.notes)


def test_a_mount_of_one_folder_or_file_is_its_path(workspace: Workspace, source: Path) -> None:
    whole = entry(uri={"path": "data"})
    one = entry(uri={"path": str(source / "data" / "a.csv")}, environmentVariableName="ONE")
    bound = bind(workspace, source, {"data": {"whole": whole, "one": one}})
    assert bound.variables["whole"] == bound.variables["AZUREML_DATAREFERENCE_whole"] == str(source / "data")
    assert bound.variables["ONE"] == str(source / "data" / "a.csv") and "one" not in bound.variables
    assert [(given["name"], given["path"]) for given in bound.inputs] == [
        ("whole", str(source / "data")),
        ("one", str(source / "data" / "a.csv")),
    ]


def test_data_is_found_by_the_name_that_azure_gives_it_too(workspace: Workspace, source: Path) -> None:
    rest = {
        "data": {
            "in_put": entry(uri={"path": "data"}),
            "inPut": entry(uri={"path": "data/sub"}),
            "_x": entry(uri={"path": "data"}),
        },
        "dataReferences": {"My_place": {"dataStoreName": "workspaceblobstore"}},
    }
    texts = ("DatasetConsumptionConfig:in_put", "DatasetConsumptionConfig:inPut", "$AZUREML_DATAREFERENCE_myPlace")
    bound = bind(workspace, source, rest, arguments=texts)
    place = bound.variables["AZUREML_DATAREFERENCE_My_place"]
    assert bound.arguments == (str(source / "data"), str(source / "data" / "sub"), place)
    assert bound.variables["AZUREML_DATAREFERENCE_myPlace"] == place
    assert bound.variables["AZUREML_DATAREFERENCE_inPut"] == str(source / "data" / "sub")
    assert [given["name"] for given in bound.inputs] == ["in_put", "inPut", "_x"]


def test_a_mount_of_chosen_files_is_a_folder_of_links(workspace: Workspace, source: Path) -> None:
    dataset = register_dataset(workspace, files(str(source / "data/**/*.csv")), "csv")
    bound = bind(workspace, source, {"data": {"chosen": entry(dataset={"name": "csv", "version": "1"})}})
    folder = Path(bound.inputs[0]["path"])
    assert folder == workspace.get_run_folder("r_1").path / "inputs" / "chosen"
    assert (folder / "sub" / "b.csv").is_symlink() and (folder / "sub" / "b.csv").read_text(encoding="utf-8") == "b"
    assert bound.inputs[0]["dataset_id"] == dataset.dataset_id


def test_a_download_is_a_copy_that_may_be_changed(workspace: Workspace, source: Path) -> None:
    one = entry(dataset={"definition": files(str(source / "data" / "a.csv"))}, mechanism="Download")
    whole = entry(dataset={"definition": files(str(source / "data"))}, mechanism="download")
    bound = bind(workspace, source, {"data": {"one": one, "../whole": whole}})
    copied = Path(bound.inputs[0]["path"])
    copied.write_text("changed", encoding="utf-8")
    assert copied.name == "a.csv" and (source / "data" / "a.csv").read_text(encoding="utf-8") == "a"
    assert Path(bound.inputs[1]["path"], "sub", "b.csv").read_text(encoding="utf-8") == "b"
    inputs = workspace.get_run_folder("r_1").path / "inputs"
    assert {path.parent for path in map(Path, (copied.parent, bound.inputs[1]["path"]))} == {inputs}
    assert (os.stat(inputs).st_mode & 0o777) == 0o700


def test_what_stands_for_data_is_replaced_wherever_it_stands(workspace: Workspace, source: Path) -> None:
    rest = {
        "data": {"d": entry(uri={"path": "data"}), "d2": entry(uri={"path": "data/sub"}, mechanism="direct")},
        "dataReferences": {"r": {"dataStoreName": "workspaceblobstore", "pathOnDataStore": "in", "mode": "upload"}},
        "outputData": {"o": {"outputLocation": {"dataPath": {"relativePath": "out/{run-id}/{output-name}"}}}},
    }
    command = "cat DatasetConsumptionConfig:d/a.csv > DatasetOutputConfig:o/x"
    texts = (
        "--data=DatasetConsumptionConfig:d/a.csv",
        "DatasetConsumptionConfig:d2",
        "${AZUREML_DATAREFERENCE_r}/x",
        "$AZUREML_DATAREFERENCE_d",
        "DatasetOutputConfig:o",
    )
    bound = bind(workspace, source, rest, arguments=texts, command=command)
    store = workspace.folder / "datastores" / "workspaceblobstore"
    assert bound.arguments == (
        f"--data={source / 'data'}/a.csv",
        bound.inputs[1]["dataset_id"],
        f"{store}/in/x",
        str(source / "data"),
        f"{store}/out/r_1/o",
    )
    assert bound.command == 'cat "${AZUREML_DATAREFERENCE_d}"/a.csv > "${AZUREML_DATAREFERENCE_o}"/x'
    assert (store / "in").is_dir() and (store / "out" / "r_1" / "o").is_dir()
    assert bound.inputs[1]["path"] is None
    assert bound.references == {
        "r": {"dataStoreName": "workspaceblobstore", "mode": "upload", "pathOnDataStore": "in", "pathOnCompute": None}
    }
    assert bound.outputs[0]["relative_path"] == "out/r_1/o" and bound.outputs[0]["registration"] is None


@pytest.mark.parametrize("mode", ["mount", "download", "upload"])
def test_arguments_that_name_the_place_of_a_reference_on_azure_are_given_the_one_here(
    workspace: Workspace, source: Path, mode: str
) -> None:
    register_datastore(workspace, "mine", source)
    reference = {"dataStoreName": "mine", "pathOnDataStore": "data", "mode": mode, "pathOnCompute": "/mnt/in/"}
    bound = bind(workspace, source, {"dataReferences": {"r": reference}}, arguments=("/mnt/in/a.csv", "/mnt/input"))
    path = bound.variables["AZUREML_DATAREFERENCE_r"]
    assert bound.arguments == (f"{path}/a.csv", "/mnt/input")
    assert Path(path, "a.csv").is_file()
    (note,) = bound.notes
    assert note.startswith("dataReferences.r.pathOnCompute: /mnt/in/ ") and path in note


def test_a_mount_makes_no_folder_among_the_users_data(workspace: Workspace, source: Path) -> None:
    register_datastore(workspace, "mine", source)
    reference = {"dataStoreName": "mine", "pathOnDataStore": "dtaa/sub"}
    for look in (bind, preview):
        with pytest.raises(DataNotFound) as error:
            look(workspace, source, {"dataReferences": {"r": reference}})
        assert error.value.message.startswith("dataReferences.r: ")
        assert f" {source}/dtaa/sub, in datastore 'mine'" in error.value.message
        assert "pathOnDataStore" in str(error.value.hint)
    assert not (source / "dtaa").exists()

    bind(workspace, source, {"dataReferences": {"r": {**reference, "mode": "upload"}}})
    assert (source / "dtaa" / "sub").is_dir()


def test_a_mount_of_what_is_not_yet_in_the_workspace_is_an_empty_folder_and_told(
    workspace: Workspace, source: Path
) -> None:
    rest = {"dataReferences": {"r": {"dataStoreName": "workspaceblobstore", "pathOnDataStore": "made/by/script"}}}
    told = (
        "dataReferences.r: made/by/script is not yet in datastore 'workspaceblobstore': the script is given an empty "
        "folder."
    )
    folder = workspace.folder / "datastores" / "workspaceblobstore" / "made" / "by" / "script"
    assert preview(workspace, source, rest).notes == [told]
    assert not folder.exists()
    assert bind(workspace, source, rest).notes == [told]
    assert folder.is_dir()
    assert bind(workspace, source, rest).notes == []


@pytest.mark.parametrize("path", ["", "in/x", "there"])
def test_a_download_of_what_is_still_empty_in_the_workspace_is_an_empty_folder_and_told(
    workspace: Workspace, source: Path, path: str
) -> None:
    datastore = workspace.folder / "datastores" / "workspacefilestore"
    (datastore / "there").mkdir(parents=True)
    reference = {"dataStoreName": "workspacefilestore", "pathOnDataStore": path, "mode": "download"}
    what = "in/x is not yet" if path == "in/x" else f"no file is yet at {datastore / path},"
    told = f"dataReferences.r: {what} in datastore 'workspacefilestore': the script is given an empty folder."
    for look in (preview, bind):
        bound = look(workspace, source, {"dataReferences": {"r": reference}})
        assert bound.notes == [told]
    folder = Path(bound.variables["AZUREML_DATAREFERENCE_r"])
    assert folder.is_relative_to(workspace.get_run_folder("r_1").path) and not any(folder.iterdir())


@pytest.mark.parametrize("mode", ["mount", "download"])
def test_a_file_that_is_not_yet_in_the_workspace_is_refused_and_nothing_is_made_in_its_place(
    workspace: Workspace, source: Path, mode: str
) -> None:
    reference = {"dataStoreName": "workspaceblobstore", "pathOnDataStore": "in/my points.csv", "mode": mode}
    for look in (preview, bind):
        with pytest.raises(DataNotFound, match=r"^dataReferences\.r: .*in/my points\.csv") as error:
            look(workspace, source, {"dataReferences": {"r": reference}})
        assert "mlrun datastore upload -n workspaceblobstore" in str(error.value.hint)
    datastore = workspace.folder / "datastores" / "workspaceblobstore"
    assert not (datastore / "in").exists()
    waiting = {**reference, "mode": "mount", "mayBeWrittenBefore": True}
    (note,) = preview(workspace, source, {"dataReferences": {"r": waiting}}).notes
    assert "in/my points.csv is not yet" in note
    for path in ("v1.0", "2020.01", ".cache"):
        bind(workspace, source, {"dataReferences": {"r": {**reference, "pathOnDataStore": path}}})


def test_a_download_of_nothing_among_the_users_data_says_how_files_come_there(
    workspace: Workspace, source: Path
) -> None:
    register_datastore(workspace, "mine", source)
    with pytest.raises(DataNotFound, match=r"^dataReferences\.r: .*/no such\.$") as error:
        reference = {"dataStoreName": "mine", "pathOnDataStore": "no such", "mode": "download"}
        bind(workspace, source, {"dataReferences": {"r": reference}})
    hint = str(error.value.hint)
    assert "pathOnDataStore" in hint and "'mlrun datastore upload -n mine -p FOLDER -u 'no such''" in hint


def test_new_datasets_are_to_be_stored_with_the_run_each_once(workspace: Workspace, source: Path) -> None:
    kept = save_dataset(workspace, files(str(source / "data" / "sub")))
    new, old = ({"dataLocation": {"uri": {"path": path}}, "mechanism": "direct"} for path in ("data", "data/sub"))
    bound = bind(workspace, source, {"data": {"a": new, "b": new, "c": old}})
    (dataset,) = bound.datasets
    assert [given["dataset_id"] for given in bound.inputs] == [dataset.dataset_id] * 2 + [kept.dataset_id]
    assert workspace.datasets.find_by_id(dataset.dataset_id) is None


HOSTILE = """it's "a" $(touch hacked) `touch hacked`; \\"""


@pytest.mark.parametrize(
    "text",
    [
        "DatasetConsumptionConfig:d",
        '"DatasetConsumptionConfig:d"',
        "'DatasetConsumptionConfig:d'",
        '"$AZUREML_DATAREFERENCE_d"',
        '"${AZUREML_DATAREFERENCE_d}"',
        '"${AZUREML_DATAREFERENCE_none-$AZUREML_DATAREFERENCE_d}"',
        "DatasetConsumptionConfig:dä",
        '"${AZUREML_DATAREFERENCE_a-b}"',
        "''DatasetConsumptionConfig:d",
        "\\\n DatasetConsumptionConfig:d",
    ],
)
def test_a_path_in_a_command_is_one_word_of_data_whatever_is_in_it(
    workspace: Workspace, tmp_path: Path, text: str
) -> None:
    data = tmp_path / "root" / HOSTILE
    data.mkdir(parents=True)
    rest = {"data": {name: entry(uri={"path": str(data)}) for name in ("d", "dä", "a-b")}}
    bound = bind(workspace, tmp_path, rest, command=f"printf '<%s>' \\\"; printf '<%s>' {text}/x")
    assert isinstance(bound.command, str)
    done = subprocess.run(
        ["/bin/sh", "-c", bound.command],
        cwd=tmp_path,
        env={"PATH": os.environ["PATH"], **bound.variables},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == f'<"><{data}/x>'
    assert not (tmp_path / "hacked").exists()


def test_quotes_in_a_comment_of_a_command_are_none(workspace: Workspace, source: Path) -> None:
    command = "# it's\n ls DatasetConsumptionConfig:d#'"
    bound = bind(workspace, source, {"data": {"d": entry(uri={"path": "data"})}}, command=command)
    assert bound.command == "# it's\n ls \"${AZUREML_DATAREFERENCE_d}\"#'"


def test_an_input_and_an_output_of_one_name_keep_their_paths_in_a_command(workspace: Workspace, source: Path) -> None:
    rest = {"data": {"d": entry(uri={"path": "data"})}, "outputData": {"d": {}}}
    bound = bind(workspace, source, rest, command="cp DatasetConsumptionConfig:d DatasetOutputConfig:d")
    assert bound.command == 'cp "${MLRUN_DATA_1}" "${AZUREML_DATAREFERENCE_d}"'
    assert bound.variables["MLRUN_DATA_1"] == str(source / "data")


@pytest.mark.parametrize(
    ("rest", "words"),
    [
        ({"data": {"d": entry(dataset={"id": "0-0"})}}, "data.d: There is no dataset with the id '0-0'"),
        ({"data": {"d": entry(dataset={"name": "cars"})}}, "data.d: There is no dataset 'cars'"),
        (
            {"data": {"d": entry(dataPath={"datastoreName": "far", "relativePath": "x"})}},
            "data.d: There is no datastore",
        ),
        (
            {"data": {"d": entry(uri={"path": "nowhere"})}},
            "data.d: The provided path is not valid: there is no file at",
        ),
        ({"data": {"d": entry()}}, "data.d does not say which data"),
        ({"data": {"d": entry(uri={"path": "data"}, mechanism="hdfs")}}, "data.d: mechanism: 'hdfs'"),
        ({"data": {"d": entry(dataset={"name": "n", "version": "new"})}}, "data.d: the version"),
        ({"data": {"d": 5}}, "data is a mapping"),
        ({"data": {"d": entry(dataset={"name": "n", "version": [1]})}}, "data.d: the version"),
        ({"data": {"d": entry(uri="https://me:pw@h/x")}}, "data.d.dataLocation.uri is a mapping, not a text."),
        ({"data": {"a=b": entry(uri={"path": "data"})}}, "data: 'a=b'"),
        ({"dataReferences": {"": {}}}, "dataReferences: ''"),
        ({"dataReferences": {"r" * 300: {}}}, "dataReferences: the name 'rrrrrrrrrrrrrrrrrrrr…' is too long"),
        ({"outputData": {"a=b": {}}}, "outputData: 'a=b'"),
        ({"dataReferences": {"r": {"dataStoreName": "far"}}}, "dataReferences.r: There is no datastore 'far'"),
        ({"dataReferences": {"r": {"pathOnDataStore": "../x"}}}, "dataReferences.r: '../x' leads out"),
        ({"outputData": {"o": {"additionalOptions": {"pathOnCompute": "x"}}}}, "outputData.o: output from a path"),
        (
            {"outputData": {"o": {"additionalOptions": {"registrationOptions": {"name": "a\nb"}}}}},
            "outputData.o.registrationOptions: 'a\\nb'",
        ),
    ],
)
def test_what_cannot_be_is_refused_by_name(
    workspace: Workspace, source: Path, rest: dict[str, Any], words: str
) -> None:
    with pytest.raises((DataNotFound, UsageError)) as error:
        bind(workspace, source, rest)
    assert words in error.value.message


def test_a_placeholder_is_no_id_to_register(workspace: Workspace, source: Path) -> None:
    with pytest.raises(DataNotFound) as error:
        bind(workspace, source, {"data": {"d": entry(dataset={"id": "<PUT DATASET ID HERE>"})}})
    assert "--id <" not in (error.value.hint or "")


@pytest.mark.parametrize("dataset", [{"id": "0-0"}, {"name": "cars"}])
def test_who_has_no_such_dataset_can_say_where_its_data_lies(
    workspace: Workspace, source: Path, dataset: dict[str, Any]
) -> None:
    with pytest.raises(DataNotFound) as error:
        bind(workspace, source, {"data": {"d": entry(dataset=dataset)}})
    hint = "data.d.dataLocation: 'dataPath: {datastoreName: workspaceblobstore, relativePath: FOLDER}'."
    assert str(error.value.hint).endswith(hint)
    bind(workspace, source, {"data": {"d": entry(dataPath={"datastoreName": "workspaceblobstore"})}})


def test_an_argument_that_stands_for_nothing_is_refused(workspace: Workspace, source: Path) -> None:
    with pytest.raises(UsageError, match=r"^arguments\[1\]: 'x' .*: d\.$"):
        bind(
            workspace,
            source,
            {"data": {"d": entry(uri={"path": "data"})}},
            arguments=("a", "DatasetConsumptionConfig:x"),
        )


def test_a_table_is_not_mounted(workspace: Workspace, source: Path) -> None:
    table = {**files(str(source / "data" / "a.csv")), "kind": "tabular"}
    with pytest.raises(Unsupported, match=r"\bdata\.t\b.*\btable\b"):
        bind(workspace, source, {"data": {"t": entry(dataset={"definition": table})}})


def test_each_run_registers_a_version_of_its_output(workspace: Workspace, source: Path) -> None:
    register_datastore(workspace, "mine", source)
    options = {"registrationOptions": {"name": "results", "description": "of a run", "tags": {"a": "b"}}}
    output = {"outputLocation": {"dataPath": {"datastoreName": "mine"}}, "additionalOptions": options}
    table = {"kind": "tabular", "options": {"format": "parquet"}, "steps": [["keep", ["x"]]], "glob": "*.parquet"}
    transformed = {**options["registrationOptions"], "datasetRegistrationOptions": {"additionalTransformation": table}}
    first = bind(workspace, source, {"outputData": {"o": output}})
    second = bind(
        workspace,
        source,
        {"outputData": {"o": {**output, "additionalOptions": {"registrationOptions": transformed}}}},
    )
    assert register_outputs(workspace, completed(workspace, first)) == ()
    assert register_outputs(workspace, completed(workspace, second)) == ()
    one, two = workspace.datasets.find("results", 1), workspace.datasets.find("results", 2)
    assert one is not None and one.definition["paths"] == [{"datastore": "mine", "path": "dataset/r_1/o"}]
    assert (one.description, one.tags) == ("of a run", {"a": "b"})
    assert two is not None and two.definition["paths"] == [{"datastore": "mine", "path": "dataset/r_1/o/*.parquet"}]
    assert (two.definition["kind"], two.definition["steps"]) == ("tabular", [["keep", ["x"]]])
    unregister_datastore(workspace, "mine")
    (line,) = register_outputs(workspace, completed(workspace, first))
    assert line.startswith("The output 'o' is not registered: There is no datastore 'mine'")


def completed(workspace: Workspace, bound: RunData) -> Run:
    with workspace.transaction():
        experiment, number = workspace.experiments.reserve_run_numbers("exp")
        key = workspace.runs.insert(
            experiment,
            number,
            f"exp_{number}",
            status=RunStatus.COMPLETED,
            run_type=SCRIPT_RUN,
            user_name="someone",
            target="local",
            definition={"outputData": bound.outputs},
        )
    return workspace.runs.get_by_key(key)


@pytest.mark.parametrize("mechanism", ["mount", "download"])
def test_one_file_at_a_path_on_azure_is_a_folder_with_that_file_in_it(
    workspace: Workspace, source: Path, mechanism: str
) -> None:
    one = entry(uri={"path": "data/a.csv"}, mechanism=mechanism, pathOnCompute="/data/", environmentVariableName="ONE")
    deeper = entry(uri={"path": "data/sub"}, mechanism="mount", pathOnCompute="/data/more")
    words = ("/data", "--in=/data/a.csv", "/data/more/b.csv", "/database", "x/data", "DatasetConsumptionConfig:d")
    fields: dict[str, Any] = {
        "arguments": words,
        "command": 'cat /data/a.csv "/data/a.csv" "$HOME"/data </data/more/b.csv',
        "environment_variables": {"DATA": "/data", "LIST": "/data/a.csv:/data/more", "OTHER": "/database"},
    }
    rest = {"data": {"d": one, "more": deeper}}
    before = preview_data(workspace, RunConfiguration(rest=rest, **fields), source)
    bound = bind(workspace, source, rest, **fields)
    folder = workspace.get_run_folder("r_1").path / "inputs" / "d"
    assert [path.name for path in folder.iterdir()] == ["a.csv"]
    assert (folder / "a.csv").read_text(encoding="utf-8") == "a"
    assert (folder / "a.csv").is_symlink() == (mechanism == "mount")
    sub = f"{source}/data/sub"
    file = f"{folder}/a.csv"
    assert bound.arguments == (str(folder), f"--in={file}", f"{sub}/b.csv", "/database", "x/data", file)
    assert bound.variables["ONE"] == bound.inputs[0]["path"] == file
    assert bound.variables["DATA"] == str(folder) and bound.variables["OTHER"] == "/database"
    assert bound.variables["LIST"] == f"{file}:{sub}"
    shell = {**os.environ, **bound.variables, "HOME": "/nowhere"}
    printed = subprocess.run(["sh", "-c", f"echo {bound.command}"], env=shell, capture_output=True, check=True)
    assert bound.command is not None and str(folder) not in bound.command
    assert printed.stdout.decode() == f"cat {file} {file} /nowhere/data\n"
    assert [text.replace("{run-id}", "r_1") for text in before.arguments] == list(bound.arguments)


def test_a_reference_to_one_file_is_in_a_folder_too(workspace: Workspace, source: Path) -> None:
    register_datastore(workspace, "mine", source)
    reference = {"dataStoreName": "mine", "pathOnDataStore": "data/a.csv", "mode": "mount", "pathOnCompute": "/mnt"}
    bound = bind(workspace, source, {"dataReferences": {"r": reference}}, arguments=("/mnt/a.csv", "/mnt"))
    assert bound.variables["AZUREML_DATAREFERENCE_r"] == bound.arguments[0]
    assert os.listdir(bound.arguments[1]) == ["a.csv"]


GUID = "A13A4034-02d1-40bd-8107-b5d591a464b7"


def test_an_id_of_azure_can_stand_for_a_dataset_of_here(workspace: Workspace, source: Path) -> None:
    register_dataset(workspace, files(str(source / "data")), "mine")
    register_dataset(workspace, files(str(source / "data/sub")), "mine", create_new_version=True)
    rest = {"data": {"d": entry(dataset={"id": GUID})}}
    configuration = RunConfiguration(rest=rest)

    def path(aliases: str) -> str:
        environment = {"MLRUN_DATASETS": aliases}
        bound = bind_data(workspace, configuration, "r_1", source, environ=environment)
        return str(bound.inputs[0]["path"])

    assert path(f"x=y, {GUID.lower()}=mine") == str(source / "data" / "sub")
    assert path(f"{GUID}=mine:1") == str(source / "data")
    with pytest.raises(DataNotFound, match=f"MLRUN_DATASETS .*{GUID}: .*'other'"):
        path(f"{GUID}=other")
    with pytest.raises(UsageError, match="MLRUN_DATASETS: 'mine' "):
        path("mine")
    with pytest.raises(DataNotFound) as caught:
        path("")
    assert f"MLRUN_DATASETS={GUID}=NAME" in str(caught.value.hint)
