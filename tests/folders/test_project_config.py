from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from mlrun_cli.errors import InvalidFile, InvalidPath, MissingFile
from mlrun_cli.folders.project_config import (
    ProjectConfig,
    find_project_config,
    read_project_config,
    write_project_config,
)

SCOPE = "/subscriptions/S/resourceGroups/G/providers/Microsoft.MachineLearningServices/workspaces/W"
FLAT = '{"subscription_id": "S", "resource_group": "G", "workspace_name": "W"}'


def scoped(text: str) -> str:
    return text.replace("SCOPE", SCOPE)


def config(folder: Path, place: str, content: str | bytes = FLAT) -> Path:
    path = folder / place
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def names(found: ProjectConfig | None) -> tuple[str, str, str, str | None]:
    assert found is not None
    return found.subscription_id, found.resource_group, found.workspace_name, found.experiment_name


@pytest.mark.parametrize(
    ("content", "experiment"),
    [
        (FLAT, None),
        (FLAT[:-1] + ', "location": "eastus", "experiment_name": "e", "auth": null}', None),
        (scoped('{"Id": null, "Scope": "SCOPE"}'), None),
        (scoped('{"Scope": "SCOPE/"}'), None),
        (scoped('{"Id": "E", "Scope": "SCOPE/projects/E"}'), "E"),
        (scoped('{"Id": "E", "Scope": "SCOPE/experiments/E"}'), "E"),
        (scoped('{"Id": "E", "Scope": "SCOPE"}'), "E"),
        (
            scoped('{"id": null, "scope": "SCOPE/Projects/E"}').replace("resourceGroups", "resourcegroups"),
            "E",
        ),
        (
            '{"Id": "0-1-2", "Scope": "/subscriptions/S/resourceGroups/G/providers/'
            'Microsoft.MachineLearningExperimentation/accounts/A/workspaces/W/projects/E"}',
            "E",
        ),
        (b"\xef\xbb\xbf" + FLAT.encode(), None),
        (FLAT.replace(" ", "\r\n\t"), None),
    ],
)
def test_both_families_are_read(tmp_path: Path, content: str | bytes, experiment: str | None) -> None:
    config(tmp_path, ".azureml/config.json", content)

    assert names(find_project_config(tmp_path)) == ("S", "G", "W", experiment)


def test_places_are_tried_in_azures_order_and_upwards(tmp_path: Path) -> None:
    inner = tmp_path / "a" / "b"
    inner.mkdir(parents=True)
    places = [
        config(folder, f"{within}/{name}")
        for folder in (inner, tmp_path)
        for within in ("aml_config", ".azureml")
        for name in ("project.json", "config.json")
    ]

    for place in places:
        found = find_project_config(inner)
        assert found is not None
        assert (found.path, found.folder) == (place, place.parents[1])
        place.unlink()


def test_a_config_among_the_sources_counts_if_it_names_a_workspace_and_no_folder_is_attached(tmp_path: Path) -> None:
    inner = tmp_path / "a"
    inner.mkdir()
    for text in ('{"lr": 0.1}', "[1]", "not JSON", '{"scope": "user"}'):  # a file of another program
        config(inner, "config.json", text)
        assert find_project_config(inner) is None
    download = config(tmp_path, "config.json")
    found = find_project_config(inner)
    assert found is not None and (found.path, found.folder) == (download, tmp_path)
    config(inner, "config.json", FLAT.replace("W", "V"))
    assert names(find_project_config(inner))[2] == "V"
    attached = config(tmp_path, ".azureml/config.json", FLAT.replace("W", "U"))
    assert names(find_project_config(inner))[2] == "U"
    attached.unlink()
    config(inner, "config.json", '{"workspace_name": "V"}')
    with pytest.raises(InvalidFile, match="subscription id"):
        find_project_config(inner)


def test_without_a_config_anywhere_there_is_none(tmp_path: Path) -> None:
    assert find_project_config(tmp_path) is None


def test_a_file_may_be_given_for_its_folder_or_as_the_config_itself(tmp_path: Path) -> None:
    inside = config(tmp_path, ".azureml/config.json")
    elsewhere = config(tmp_path, "deploy/config.json", FLAT.replace("W", "V"))
    runconfig = config(tmp_path, "src/train.runconfig", "")

    for start, name in ((inside, "W"), (elsewhere, "V"), (runconfig, "W")):
        assert names(find_project_config(start))[2] == name
    with pytest.raises(InvalidPath, match=r"src/train\.py"):
        find_project_config(config(tmp_path, "src/train.py", ""))


def test_the_parent_of_a_linked_folder_is_that_of_its_target(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config(tmp_path, "real/.azureml/config.json")
    (tmp_path / "real" / "outer" / "inner").mkdir(parents=True)
    (tmp_path / "link").symlink_to(tmp_path / "real" / "outer" / "inner")
    monkeypatch.chdir(tmp_path)

    assert names(find_project_config(Path("link/..")))[2] == "W"


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("", "is empty"),
        ("{", "line 1: is not JSON"),
        ('root:"{}"', "line 1: is not JSON"),
        ("workspace_name: W", "line 1: is not JSON"),
        ("[]", "expected a mapping, found a list"),
        ("{}", "does not say the subscription id"),
        (FLAT.replace('"workspace_name"', '"workspace"'), "does not say the workspace name"),
        (FLAT.replace('"W"', "null"), "does not say the workspace name"),
        (FLAT.replace('"W"', '["W"]'), "workspace_name: expected text, found a list"),
        (FLAT.replace('"W"', '"../W"'), "workspace_name: '../W'"),
        ('{"Scope": 5}', "does not say the subscription id"),
        ('{"Scope": {}}', "Scope: expected text, found a mapping"),
        (scoped('{"Id": "..", "Scope": "SCOPE"}'), "Id: '..'"),
        (FLAT.replace("{", '{"Store": "postgresql://host/runs",'), "line 1: Store: names a store of several machines"),
        (FLAT.replace('"S"', '"\\ud800"'), "subscription_id: holds half of a surrogate pair"),
    ],
)
def test_a_config_that_says_nothing_is_an_error_in_words(tmp_path: Path, content: str, words: str) -> None:
    path = config(tmp_path, ".azureml/config.json", content)

    with pytest.raises(InvalidFile) as caught:
        find_project_config(tmp_path)

    assert caught.value.message.startswith(str(path))
    assert words in caught.value.message


def test_a_folder_in_the_files_place_is_an_error(tmp_path: Path) -> None:
    (tmp_path / ".azureml" / "config.json").mkdir(parents=True)

    with pytest.raises(InvalidFile) as caught:
        find_project_config(tmp_path)
    assert caught.value.file == str(tmp_path / ".azureml" / "config.json")
    assert re.search(r"\bfolder\b", caught.value.message)


def test_a_start_that_is_not_there_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(MissingFile, match=re.escape(str(tmp_path / "missing"))):
        find_project_config(tmp_path / "missing")
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()

    with pytest.raises(MissingFile, match=r"'\.'|\bworking\b"):
        find_project_config(Path())


@pytest.mark.parametrize("existing", ["aml_config/project.json", "aml_config/config.json", "aml_config/x", None])
def test_what_was_written_is_found(tmp_path: Path, existing: str | None) -> None:
    (tmp_path / ".azureml").mkdir()
    if existing:
        config(tmp_path, existing)

    written = write_project_config(
        tmp_path, subscription_id="S", resource_group="Größe", workspace_name="V", experiment_name='a"b'
    )

    assert find_project_config(tmp_path) == written
    document = json.loads(written.path.read_text(encoding="utf-8"))
    assert document["Id"] == 'a"b'
    assert document["Scope"].endswith(
        '/resourceGroups/Größe/providers/Microsoft.MachineLearningServices/workspaces/V/projects/a"b'
    )


def test_reading_a_config_imports_no_yaml() -> None:
    script = (
        "import sys, mlrun_cli.folders.project_config, mlrun_cli.core.documents.read\n"
        "print(sorted({'yaml', 'asyncio', 'importlib.metadata', 'subprocess'} & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-S", "-c", f"import sys; sys.path[:] = {sys.path!r}\n{script}"],
        capture_output=True,
        text=True,
        check=True,
    )

    assert done.stdout == "[]\n"


def test_any_file_can_be_read_as_a_config(tmp_path: Path) -> None:
    path = config(tmp_path, "ci config.json")

    assert names(read_project_config(path)) == ("S", "G", "W", None)
