"""Runs in a venv with azureml-core: loads the given runconfigs, saves them and prints the results.

One more is `default`, which it has made itself. Prints JSON, by name of the file: `loads`; the class of the `error`;
`folder`, the one of the project where the file lay; `beside`, the files that it names, which are put there; `saves`,
false if it only does after it was given default conda dependencies; `saved`, the text without azureml-core's comments;
`written`, what else of the project has changed.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
from pathlib import Path
from typing import Any

from azureml.core.conda_dependencies import CondaDependencies
from azureml.core.runconfig import RunConfiguration

DEFAULT = Path("default")
NO_RUNCONFIGS = ("README.md", "expected.json")
CONDA_FILE = "name: beside\nchannels:\n- conda-forge\ndependencies:\n- python=3.8\n- pip:\n  - numpy\n"
ENVIRONMENT_FILE = "name: apart\npython:\n  userManagedDependencies: true\n  interpreterPath: python3\n"


def outcome(path: Path, top: Path) -> dict[str, Any]:
    """Return the results of loading and saving a runconfig in a new project, deep below `top` for `../../` paths."""
    project = top / "a" / "b" / "project"
    folder = "aml_config" if "__aml_config__" in path.name else ".azureml"
    given = project / folder / path.name
    given.parent.mkdir(parents=True)
    os.chdir(project)
    if path == DEFAULT:
        RunConfiguration().save(str(project), path.name)
    else:
        given.write_bytes(path.read_bytes())
    beside: dict[str, str] = {}
    try:
        loaded = load(given, project, beside)
    except Exception as error:
        return {"loads": False, "error": type(error).__name__, "folder": folder, "beside": beside}
    saves = save(given, project, loaded)
    texts = {
        os.path.relpath(file, project): without_comments(file.read_text("utf-8"))
        for file in sorted(top.rglob("*"))
        if file.is_file() and file != given
    }
    saved = texts.pop(os.path.join(folder, "saved"))
    written = {name: text for name, text in texts.items() if text != beside.get(name)}
    return {"loads": True, "folder": folder, "beside": beside, "saves": saves, "saved": saved, "written": written}


def load(given: Path, project: Path, beside: dict[str, str]) -> RunConfiguration:
    """Load a runconfig, creating the missing files that it refers to and adding them to `beside`."""
    while True:
        try:
            return RunConfiguration.load(str(project), given.name)
        except FileNotFoundError as error:
            missing = Path(error.filename)
            is_environment = f"environment: {missing.name}" in given.read_text("utf-8")
            name = os.path.relpath(missing, project)
            if name in beside:
                raise
            beside[name] = ENVIRONMENT_FILE if is_environment else CONDA_FILE
            missing.parent.mkdir(parents=True, exist_ok=True)
            missing.write_text(beside[name], "utf-8")


def save(given: Path, project: Path, loaded: RunConfiguration) -> bool:
    """Save a runconfig, and return whether that succeeded without help."""
    try:
        loaded.save(str(project), "saved")
    except KeyError:
        again = RunConfiguration.load(str(project), given.name)  # what has failed to be saved is spoilt
        again.environment.python.conda_dependencies = CondaDependencies()
        again.save(str(project), "saved")
        return False
    return True


def without_comments(text: str) -> str:
    """Return the lines of a text that are not comments."""
    return "".join(line for line in text.splitlines(keepends=True) if not line.lstrip().startswith("#"))


def main() -> None:
    """Process the files and folders given on the command line."""
    given = [Path(word).resolve() for word in sys.argv[1:]]
    files = [file for path in given for file in (sorted(path.iterdir()) if path.is_dir() else [path])]
    outcomes = {}
    for file in [*files, DEFAULT]:
        if file.name not in NO_RUNCONFIGS:
            with tempfile.TemporaryDirectory() as top:
                outcomes[file.name] = outcome(file, Path(top).resolve())
                os.chdir("/")
    print(json.dumps(outcomes, indent=1, ensure_ascii=False))


main()
