"""The folders from which the runs of a workspace were submitted, with their scripts and runconfigs."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path

from mlrun_cli.core.json_files import read_json
from mlrun_cli.core.named_tuple import NamedTuple
from mlrun_cli.folders.project_config import CONFIGURATION_FOLDERS
from mlrun_cli.runconfigs.lookup import list_runconfig_names
from mlrun_cli.runs.filter import RunFilter
from mlrun_cli.runs.run import Run
from mlrun_cli.runs.submission import Submission
from mlrun_cli.workspace import Workspace

_MAX_RUNS = 200
_MAX_SCRIPTS = 500
_MAX_LOOKED_AT = 5000
_SUFFIXES = (".py", ".r", ".R", ".sh")
_LEFT_OUT = frozenset({"__pycache__", "node_modules", *CONFIGURATION_FOLDERS})


class FolderChoices(NamedTuple):
    """The scripts of a folder, as relative paths, and its runconfigs, as names that `-c` accepts."""

    scripts: Sequence[str]
    runconfigs: Sequence[str]


def read_submission(workspace: Workspace, run: Run) -> Submission | None:
    """Return the submission from which a run was started, or None if the run was not submitted."""
    document = read_json(workspace.get_run_folder(run.run_id).submission)
    return None if document is None else Submission.from_json(document)


def list_attached_folders(workspace: Workspace) -> Sequence[str]:
    """Return the paths of existing folders from which the newest runs were submitted, most recently used first."""
    runs = workspace.runs.list(RunFilter(last=_MAX_RUNS))
    submissions = (read_submission(workspace, run) for run in runs)
    folders = dict.fromkeys(found.folder for found in submissions if found is not None and found.folder)
    return [folder for folder in folders if os.path.isdir(folder)]


def read_folder_choices(folder: Path) -> FolderChoices:
    """Return the runconfigs and scripts in a folder; both are empty if the folder no longer exists."""
    return FolderChoices(sorted(_iterate_scripts(folder)), list_runconfig_names(folder))


def _iterate_scripts(folder: Path) -> Iterator[str]:
    """Yield the relative paths of the scripts in a folder, upper folders first, up to a limit."""
    waiting = [str(folder)]
    looked_at = found = 0
    for place in waiting:
        with suppress(OSError), os.scandir(place) as entries:
            for entry in entries:
                looked_at += 1
                if looked_at > _MAX_LOOKED_AT or found >= _MAX_SCRIPTS:
                    return
                if entry.name.startswith(".") or entry.name in _LEFT_OUT:
                    continue
                if entry.is_dir(follow_symlinks=False):
                    waiting.append(entry.path)
                elif entry.name.endswith(_SUFFIXES):
                    found += 1
                    yield os.path.relpath(entry.path, folder)
