"""Attach a folder to a workspace."""

from __future__ import annotations

import os
from contextlib import ExitStack, suppress
from pathlib import Path

from mlrun_cli.core.names import (
    check_experiment_name,
    check_resource_group,
    check_subscription_id,
    check_workspace_name,
    derive_experiment_name,
)
from mlrun_cli.core.temporary import is_temporary
from mlrun_cli.core.text_files import read_text, replace_text
from mlrun_cli.errors import FileNotWritable, InvalidFile, InvalidPath
from mlrun_cli.folders.project_config import (
    check_config_is_replaceable,
    get_config_path_to_write,
    get_configuration_folder,
    make_absolute,
    write_project_config,
)
from mlrun_cli.folders.samples import AMLIGNORE_NAME, GITIGNORE_NAME, render_samples


def attach_folder(
    path: Path,
    *,
    subscription_id: str,
    resource_group: str,
    workspace_name: str,
    experiment_name: str | None = None,
) -> dict[str, str]:
    """Attach a folder, created if needed, to a workspace by writing config and sample files; return the settings.

    The files are written to `.azureml`, or to `aml_config` if the folder has one. The default experiment name is the
    name of the folder, converted to a valid name.

    Returns:
        `Experiment name`, `Project path`, `Resource group`, `Subscription id` and `Workspace name`.

    Raises:
        UsageError: a name is not valid, or there is a file at `path`.
        InvalidFile: the folder has a config that cannot be read; it is not changed.
        MlrunError: a file cannot be written; the files that were written are removed.
    """
    folder = make_absolute(path)
    experiment = derive_experiment_name(folder) if experiment_name is None else experiment_name
    check_experiment_name(experiment)
    check_workspace_name(workspace_name)
    check_resource_group(resource_group)
    check_subscription_id(subscription_id)
    try:
        if folder.exists() and not folder.is_dir():
            raise InvalidPath(
                f"'{folder}' is a file, not a folder.", hint="Name the folder that it is in.", target=folder
            )
        check_config_is_replaceable(get_config_path_to_write(folder))
        with ExitStack() as undo:
            _write_samples(folder, undo)
            write_project_config(
                folder,
                subscription_id=subscription_id,
                resource_group=resource_group,
                workspace_name=workspace_name,
                experiment_name=experiment,
            )
            undo.pop_all()
    except OSError as error:
        place = Path(error.filename or folder)
        if is_temporary(place.name):
            place = place.parent
        raise FileNotWritable(
            place, error, hint="Attaching writes a few small files; the folder has to be writable."
        ) from error
    return {
        "Experiment name": experiment,
        "Project path": str(folder),
        "Resource group": resource_group,
        "Subscription id": subscription_id,
        "Workspace name": workspace_name,
    }


def _write_samples(folder: Path, cleanup: ExitStack) -> None:
    within = get_configuration_folder(folder)
    _create_folder(within, cleanup)
    for path, text in _render_samples(folder, within).items():
        # `local` without suffix is Azure's own sample, and would come before `local.runconfig`.
        if not path.exists() and not path.with_suffix("").exists():
            replace_text(path, text)
            cleanup.callback(path.unlink, missing_ok=True)


def _render_samples(folder: Path, within: Path) -> dict[Path, str]:
    """Return the contents of the sample files, keyed by path, with the rules of `.gitignore` in `.amlignore`."""
    gitignore = folder / GITIGNORE_NAME
    if not os.path.lexists(gitignore):
        return render_samples(folder, within)
    try:
        return render_samples(folder, within, read_text(gitignore))
    except InvalidFile:  # not UTF-8, too long or empty: without an .amlignore, it counts as it is
        samples = render_samples(folder, within)
        del samples[folder / AMLIGNORE_NAME]
        return samples


def _create_folder(folder: Path, cleanup: ExitStack) -> None:
    missing = [path for path in (folder, *folder.parents) if not path.exists()]
    for path in reversed(missing):
        path.mkdir(exist_ok=True)
        cleanup.callback(_remove_if_empty, path)


def _remove_if_empty(folder: Path) -> None:
    with suppress(OSError):
        folder.rmdir()
