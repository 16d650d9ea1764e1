from __future__ import annotations

import os
from pathlib import Path

import pytest

from mlrun_cli.errors import MissingOption, RunconfigNotFound, UsageError
from mlrun_cli.runconfigs.lookup import list_runconfig_names, resolve_runconfig_name


def make(folder: Path, *places: str) -> list[Path]:
    paths = [folder / place for place in places]
    for path in paths:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("script: train.py\n", encoding="utf-8")
    return paths


@pytest.mark.parametrize("within", [".azureml", "aml_config"])
def test_places_are_tried_in_azures_order(tmp_path: Path, within: str) -> None:
    places = make(tmp_path, f"{within}/train", f"{within}/train.runconfig", "train.runconfig", "train")

    while places:
        found, notes = resolve_runconfig_name(tmp_path, "train")
        assert found == places.pop(0)
        assert len(notes) == len(places)
        found.unlink()


@pytest.mark.parametrize(
    ("name", "place"),
    [
        ("sklearn.runconfig", ".azureml/sklearn.runconfig"),
        ("config/train", "config/train.runconfig"),
        ("config/train.runconfig", "config/train.runconfig"),
        ("./config/train.yml", "config/train.yml"),
        (".azureml/train", ".azureml/train.runconfig"),
        ("sub/train", ".azureml/sub/train.runconfig"),
        ("a b'é", ".azureml/a b'é.runconfig"),
        ("../up", "../up.runconfig"),
    ],
)
def test_real_spellings_are_found(tmp_path: Path, name: str, place: str) -> None:
    folder = tmp_path / "folder"
    make(folder, ".azureml/other.runconfig", place)

    found, notes = resolve_runconfig_name(folder, name)

    assert found.samefile(folder / place)
    assert notes == ()


def test_an_absolute_path_is_found(tmp_path: Path) -> None:
    (path,) = make(tmp_path, "elsewhere/x.runconfig")

    assert resolve_runconfig_name(tmp_path / "elsewhere", str(path)) == (path, ())


def test_a_relative_folder_gives_an_absolute_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (path,) = make(tmp_path, ".azureml/local.runconfig")
    monkeypatch.chdir(tmp_path)

    assert resolve_runconfig_name(Path(), "local") == (path, ())


def test_aml_config_hides_dot_azureml(tmp_path: Path) -> None:
    make(tmp_path, "aml_config/other.runconfig", ".azureml/local.runconfig")

    with pytest.raises(UsageError) as caught:
        resolve_runconfig_name(tmp_path, "local")

    assert "-c .azureml/local" in (caught.value.hint or "")
    assert resolve_runconfig_name(tmp_path, ".azureml/local")[0] == tmp_path / ".azureml" / "local.runconfig"


def test_a_path_that_is_a_file_is_the_runconfig(tmp_path: Path) -> None:
    (path,) = make(tmp_path, "x.yml")

    assert resolve_runconfig_name(path, "anything") == (path, ())


def test_the_one_that_is_not_used_is_named(tmp_path: Path) -> None:
    first, second = make(tmp_path, ".azureml/local", ".azureml/local.runconfig")

    assert resolve_runconfig_name(tmp_path, "local") == (first, (f"{second} is not used: .azureml/local comes first.",))


def test_the_one_in_a_folder_that_is_not_looked_into_is_named(tmp_path: Path) -> None:
    first, second = make(tmp_path, "aml_config/train.runconfig", ".azureml/train.runconfig")

    assert resolve_runconfig_name(tmp_path, "train") == (
        first,
        (f"{second} is not used: aml_config/train.runconfig comes first.",),
    )
    assert resolve_runconfig_name(tmp_path, ".azureml/train") == (second, ())


def test_a_folder_of_that_name_is_passed_over(tmp_path: Path) -> None:
    (path,) = make(tmp_path, ".azureml/train.runconfig")
    (tmp_path / ".azureml" / "train").mkdir()
    (tmp_path / "train").mkdir()

    assert resolve_runconfig_name(tmp_path, "train") == (path, ())


def test_what_is_not_found_is_told_with_all_places_and_the_nearest_name(tmp_path: Path) -> None:
    make(tmp_path, ".azureml/sklearn.runconfig", ".azureml/docker", "config.json", "training.runconfig")

    with pytest.raises(RunconfigNotFound) as caught:
        resolve_runconfig_name(tmp_path, "sklern")

    assert f"'sklern' in {tmp_path}: " in caught.value.message
    assert caught.value.message.endswith(" .azureml/sklern, .azureml/sklern.runconfig, sklern.runconfig, sklern.")
    assert "'sklearn'" in str(caught.value.hint)
    assert list_runconfig_names(tmp_path) == ["docker", "sklearn", "training"]
    with pytest.raises(RunconfigNotFound) as caught:
        resolve_runconfig_name(tmp_path, "zebra")
    assert str(caught.value.hint).endswith(": docker, sklearn, training.")


def test_an_empty_name_is_called_empty(tmp_path: Path) -> None:
    for name in ("", " "):
        with pytest.raises(MissingOption):
            resolve_runconfig_name(tmp_path, name)


@pytest.mark.parametrize("name", ["x" * 5000, "a\0b", "missing/folder/x"])
def test_a_name_that_no_file_can_have_is_an_error_in_words(tmp_path: Path, name: str) -> None:
    with pytest.raises(UsageError) as caught:
        resolve_runconfig_name(tmp_path, name)

    assert caught.value.hint


def test_a_fifo_is_found_and_left_to_its_reader_to_refuse(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")

    assert resolve_runconfig_name(tmp_path, "pipe") == (tmp_path / "pipe", ())
