from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from mlrun_cli.actions.folders import attach_folder
from mlrun_cli.core.names import DEFAULT_RESOURCE_GROUP, DEFAULT_SUBSCRIPTION_ID, DEFAULT_WORKSPACE
from mlrun_cli.environments.conda_file import read_conda_dependencies
from mlrun_cli.errors import FileNotWritable, InvalidFile, InvalidPath, UsageError
from mlrun_cli.folders.project_config import find_project_config
from mlrun_cli.runconfigs.lookup import resolve_runconfig_name
from mlrun_cli.runconfigs.runconfig import read_runconfig
from mlrun_cli.snapshots.ignore import IgnoreRules
from mlrun_cli.submit.review import review_configuration

FILES = [
    ".amlignore",
    ".azureml/conda_dependencies.yml",
    ".azureml/config.json",
    ".azureml/local.runconfig",
    ".azureml/sklearn.runconfig",
]


def attach(path: Path, experiment_name: str | None = None, workspace_name: str = "myworkspace") -> dict[str, str]:
    return attach_folder(
        path,
        subscription_id=DEFAULT_SUBSCRIPTION_ID,
        resource_group="myresourcegroup",
        workspace_name=workspace_name,
        experiment_name=experiment_name,
    )


def files(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def test_a_missing_folder_is_made_and_attached(tmp_path: Path) -> None:
    folder = tmp_path / "new" / "my 'iris'\nproject é"

    assert attach(folder) == {
        "Experiment name": "my-iris-project-é",
        "Project path": str(folder),
        "Resource group": "myresourcegroup",
        "Subscription id": DEFAULT_SUBSCRIPTION_ID,
        "Workspace name": "myworkspace",
    }
    assert files(folder) == FILES
    found = find_project_config(folder)
    assert found is not None
    assert (found.workspace_name, found.experiment_name) == ("myworkspace", "my-iris-project-é")


def test_the_defaults_are_valid_names(tmp_path: Path) -> None:
    attach_folder(
        tmp_path,
        subscription_id=DEFAULT_SUBSCRIPTION_ID,
        resource_group=DEFAULT_RESOURCE_GROUP,
        workspace_name=DEFAULT_WORKSPACE,
    )

    assert find_project_config(tmp_path) is not None


@pytest.mark.parametrize("within", [".azureml", "aml_config"])
def test_the_samples_are_found_read_and_honoured_without_a_word(tmp_path: Path, within: str) -> None:
    (tmp_path / within).mkdir()
    attach(tmp_path)

    for name in ("local", "sklearn"):
        path, found_notes = resolve_runconfig_name(tmp_path, name)
        configuration, notes = read_runconfig(path)
        assert (found_notes, notes, review_configuration(configuration)) == ((), (), ())
        assert configuration.script == "train.py"
        assert configuration.python.user_managed_dependencies is (name == "local")
        dependencies = configuration.python.conda_dependencies_file
        if dependencies is not None:
            packages = read_conda_dependencies(tmp_path / dependencies).packages
            assert [package.name for package in packages] == ["scikit-learn"]


def test_a_second_attach_changes_the_config_and_nothing_else(tmp_path: Path) -> None:
    attach(tmp_path, "first")
    for name in set(FILES) - {".azureml/config.json"}:
        with (tmp_path / name).open("a", encoding="utf-8") as file:
            file.write("# mine\n")

    attach(tmp_path, "second", "other")

    found = find_project_config(tmp_path)
    assert found is not None
    assert (found.experiment_name, found.workspace_name) == ("second", "other")
    for name in set(FILES) - {".azureml/config.json"}:
        assert (tmp_path / name).read_text(encoding="utf-8").endswith("# mine\n")
    assert files(tmp_path) == FILES


def test_a_gitignore_has_its_effect_beside_the_amlignore(tmp_path: Path) -> None:
    (tmp_path / ".gitignore").write_text("data/\n!/outputs/\n", encoding="utf-8")
    attach(tmp_path)
    rules = IgnoreRules.read(tmp_path)
    assert rules.file_name == ".amlignore"
    ignored = {name for name in ("data", "outputs", "docs", "src") if rules.ignores(name, is_folder=True)}
    assert ignored == {"data"}


def test_a_gitignore_that_is_not_utf8_counts_by_itself(tmp_path: Path) -> None:
    (tmp_path / ".gitignore").write_bytes(b"caf\xe9\n")
    attach(tmp_path)
    assert IgnoreRules.read(tmp_path).file_name == ".gitignore"
    assert files(tmp_path) == sorted({*FILES, ".gitignore"} - {".amlignore"})


def test_azures_samples_without_suffix_are_not_doubled(tmp_path: Path) -> None:
    (tmp_path / ".azureml").mkdir()
    (tmp_path / ".azureml" / "local").write_text("script: train.py\n", encoding="utf-8")

    attach(tmp_path)

    assert resolve_runconfig_name(tmp_path, "local") == (tmp_path / ".azureml" / "local", ())


def test_an_older_config_that_would_be_found_first_is_replaced(tmp_path: Path) -> None:
    (tmp_path / "aml_config").mkdir()
    (tmp_path / "aml_config" / "project.json").write_text("{}", encoding="utf-8")

    attach(tmp_path, "mine")

    found = find_project_config(tmp_path)
    assert found is not None
    assert found.experiment_name == "mine"


@pytest.mark.parametrize("name", ["", "a/b", "..", "x" * 300])
def test_a_wrong_name_leaves_nothing_behind(tmp_path: Path, name: str) -> None:
    for keywords in ({"experiment_name": name}, {"workspace_name": name}):
        with pytest.raises(UsageError):
            attach(tmp_path / "new", **keywords)

    assert list(tmp_path.iterdir()) == []


def test_a_file_cannot_be_attached(tmp_path: Path) -> None:
    path = tmp_path / "train.py"
    path.touch()

    with pytest.raises(InvalidPath):
        attach(path)


def test_what_cannot_be_written_to_the_end_is_undone(tmp_path: Path) -> None:
    (tmp_path / "in the way").touch()
    folder = tmp_path / "half"
    (folder / ".amlignore").mkdir(parents=True)
    (folder / ".azureml" / "config.json").mkdir(parents=True)

    with pytest.raises(InvalidFile, match=r"config\.json"):
        attach(folder)
    with pytest.raises(FileNotWritable) as caught:
        attach(tmp_path / "in the way" / "new")
    assert str(caught.value.target).startswith(str(tmp_path / "in the way"))

    assert files(tmp_path) == ["in the way"]


def test_a_read_only_place_is_an_error_in_words() -> None:
    script = (
        "import os, sys\nfrom pathlib import Path\nfrom mlrun_cli.actions.folders import attach_folder\n"
        "from mlrun_cli.errors import MlrunError\n"
        "if os.getuid() == 0: os.setuid(65534)\n"
        "try: attach_folder(Path(sys.argv[1]), subscription_id='s', resource_group='g', workspace_name='w')\n"
        "except MlrunError as error: print(error)\n"
    )
    # pytest's own folder is closed to other users, who would not get as far as this one.
    with tempfile.TemporaryDirectory() as place:
        Path(place).chmod(0o555)
        new = Path(place) / "new"
        done = subprocess.run([sys.executable, "-c", script, str(new)], capture_output=True, text=True, check=True)

        assert done.stdout == f"'{new}' cannot be written: Permission denied.\n"
        assert list(Path(place).iterdir()) == []
