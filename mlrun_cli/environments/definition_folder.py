"""A folder that defines an environment, in the format of `Environment.save_to_directory` and `az ml environment`.

azureml_environment.json    the `environment` section of a runconfig
conda_dependencies.yml      its conda dependencies, if it has any
BaseDockerfile              its Dockerfile, if it has one
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mlrun_cli.core.documents.read import read_document
from mlrun_cli.core.text_files import read_text, replace_text
from mlrun_cli.errors import FileAlreadyExists, FileNotWritable, InvalidFile, MissingFile
from mlrun_cli.folders.samples import CONDA_DEPENDENCIES

DEFINITION_NAME = "azureml_environment.json"
CONDA_NAME = "conda_dependencies.yml"
DOCKERFILE_NAME = "BaseDockerfile"

_SCAFFOLD: Mapping[str, Any] = {
    "environmentVariables": {},
    "python": {
        "userManagedDependencies": False,
        "interpreterPath": "python",
        "condaDependenciesFile": None,
        "baseCondaEnvironment": None,
    },
    "docker": {"enabled": False, "baseImage": None, "baseDockerfile": None, "arguments": []},
}


def read_environment_folder(folder: Path) -> dict[str, Any]:
    """Read the environment definition in a folder, including its conda file and Dockerfile; raise if it has no name.

    Raises:
        UsageError: the folder has no definition.
        InvalidFile: a file cannot be read, or is not valid.
    """
    path = folder / DEFINITION_NAME
    if not path.exists():
        raise MissingFile(
            f"There is no {DEFINITION_NAME} in {folder}.",
            hint=f"'mlrun environment scaffold -n NAME -d {folder}' writes one.",
            target=DEFINITION_NAME,
        )
    root = read_document(path)
    name = root.as_mapping().get("name")
    if name is None or name.is_null or not name.as_text().strip():
        raise InvalidFile(path, "has no 'name'", hint="Name the environment in it.")
    definition = {key: node.to_plain() for key, node in root.as_mapping().items()}
    conda_file, dockerfile = folder / CONDA_NAME, folder / DOCKERFILE_NAME
    if conda_file.exists():
        python = _copy_section(path, definition, "python")
        python.update(condaDependencies=read_document(conda_file).to_plain(), condaDependenciesFile=None)
    if dockerfile.exists():
        _copy_section(path, definition, "docker").update(baseDockerfile=read_text(dockerfile))
    return definition


def write_environment_folder(folder: Path, definition: Mapping[str, Any], *, overwrite: bool) -> None:
    """Write an environment definition into a folder, which is created if needed.

    Args:
        folder: the folder to write to.
        definition: the definition, including its name.
        overwrite: whether existing files of an environment may be replaced.

    Raises:
        UsageError: the folder already has files of an environment.
        MlrunError: a file cannot be written.
    """
    import yaml  # noqa: PLC0415 - its import takes 16 ms

    document = {key: dict(value) if isinstance(value, Mapping) else value for key, value in definition.items()}
    conda = (document.get("python") or {}).pop("condaDependencies", None)
    dockerfile = (document.get("docker") or {}).pop("baseDockerfile", None)
    texts = {
        CONDA_NAME: None if conda is None else yaml.safe_dump(conda, sort_keys=False, allow_unicode=True),
        DOCKERFILE_NAME: dockerfile,
        DEFINITION_NAME: json.dumps(document, indent=4, ensure_ascii=False) + "\n",
    }
    _write_files(folder, texts, overwrite=overwrite)


def scaffold_environment_folder(folder: Path, name: str) -> None:
    """Write a sample environment definition with this name into a folder.

    Raises:
        UsageError: the folder already has files of an environment.
        MlrunError: a file cannot be written.
    """
    definition = {"name": name, "version": None, **_SCAFFOLD}
    texts = {CONDA_NAME: CONDA_DEPENDENCIES, DEFINITION_NAME: json.dumps(definition, indent=4) + "\n"}
    _write_files(folder, texts, overwrite=False)


def _write_files(folder: Path, texts: Mapping[str, str | None], *, overwrite: bool) -> None:
    """Write the files in order; with `overwrite`, replace existing files and delete those whose text is None."""
    there = [name for name in (DEFINITION_NAME, CONDA_NAME, DOCKERFILE_NAME) if os.path.lexists(folder / name)]
    if there and not overwrite:
        raise FileAlreadyExists(
            f"'{folder}' already has an environment: {', '.join(there)}.",
            hint="Choose another folder with -d.",
            target=folder,
        )
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name in set(there) - {name for name, text in texts.items() if text is not None}:
            (folder / name).unlink()
        for name, text in texts.items():
            if text is not None:
                replace_text(folder / name, text)
    except OSError as error:
        raise FileNotWritable(folder, error, hint="Choose a folder that you may write to.") from error


def _copy_section(path: Path, definition: dict[str, Any], key: str) -> dict[str, Any]:
    """Replace a section of `definition` with a copy, or add an empty one if it is missing; return the new section."""
    section = definition.get(key)
    if section is not None and not isinstance(section, dict):
        raise InvalidFile(path, f"'{key}' is not a mapping")
    made: dict[str, Any] = dict(section or {})
    definition[key] = made
    return made
