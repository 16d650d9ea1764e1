"""Conda environments on this machine."""

import json
import os
import shutil
import subprocess
import sys
from typing import Iterator

_TIMEOUT_SECONDS = 60.0


def find_conda_interpreter(name_or_path: str) -> "str | None":
    """Return the Python executable of the conda environment with this name or path, or None if there is none."""
    for folder in _iterate_environment_folders():
        interpreter = os.path.join(folder, "bin", "python")
        names = (os.path.basename(folder), folder, "base" if _is_base_environment(folder) else None)
        if name_or_path in names and os.path.isfile(interpreter):
            return interpreter
    return None


def _is_base_environment(folder: str) -> bool:
    """Return whether a folder is conda's base environment."""
    return os.path.isdir(os.path.join(folder, "condabin"))


def _iterate_environment_folders() -> Iterator[str]:
    """Yield the paths of conda environments, starting with the environments that conda lists."""
    yield from _iterate_folders_listed_by_conda()
    prefix = os.environ.get("CONDA_PREFIX")
    if prefix:
        # In an active environment, the others are next to it.
        beside = os.path.dirname(prefix)
        yield from _iterate_subfolders(beside if os.path.basename(beside) == "envs" else os.path.join(prefix, "envs"))
        yield prefix
    listed = os.path.expanduser("~/.conda/environments.txt")
    if os.path.isfile(listed):
        with open(listed, encoding="utf-8") as file:
            yield from (line.strip() for line in file if line.strip())
    yield from _iterate_subfolders(os.path.expanduser("~/.conda/envs"))


def _iterate_folders_listed_by_conda() -> Iterator[str]:
    """Yield the paths of the environments that `conda env list`, or the same command of mamba or micromamba, lists."""
    command = shutil.which("conda") or shutil.which("mamba") or shutil.which("micromamba")
    if command is None:
        return
    try:
        listed = subprocess.run(
            [command, "env", "list", "--json"],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            timeout=_TIMEOUT_SECONDS,
            check=True,
        )
        folders = json.loads(listed.stdout)["envs"]
    except (OSError, subprocess.SubprocessError, ValueError, KeyError) as error:
        print(f"{command} does not say which environments there are: {error}", file=sys.stderr)
        return
    yield from folders


def _iterate_subfolders(folder: str) -> Iterator[str]:
    if os.path.isdir(folder):
        yield from sorted(os.path.join(folder, name) for name in os.listdir(folder))
