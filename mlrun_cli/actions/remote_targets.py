"""Attach another machine, reached by ssh, as a compute target."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from mlrun_cli.actions.compute_targets import check_name_is_free, create_compute_target
from mlrun_cli.compute.compute_target import REMOTE, ComputeTarget
from mlrun_cli.core.digests import create_sha256
from mlrun_cli.errors import InvalidPath
from mlrun_cli.processes.host import get_origin
from mlrun_cli.targets.remote.check import check_machine
from mlrun_cli.targets.remote.settings import RemoteSettings
from mlrun_cli.targets.remote.target import GPUS_PROPERTY, open_session
from mlrun_cli.workspace import Workspace


def attach_machine(
    workspace: Workspace,
    name: str,
    settings: RemoteSettings,
    *,
    description: str = "",
    tags: Mapping[str, str] | None = None,
) -> ComputeTarget:
    """Check that another machine meets the needs of runs, and attach it as a compute target.

    Args:
        workspace: the workspace.
        name: the name of the target.
        settings: how to reach and use the machine.
        description: the description.
        tags: the tags.

    Raises:
        AlreadyExists: there is a compute target with this name.
        UsageError: the name is not valid, or the file of the key does not exist.
        EngineUnavailable: the machine cannot be reached; the message is ssh's.
        NodeNotUsable: the machine has no suitable Python or no rsync, or the folder cannot be written.
        ProgramNotFound: ssh or rsync is not installed on this machine.
    """
    check_name_is_free(workspace, name)
    if settings.private_key_file is not None:
        settings = settings._replace(private_key_file=_resolve_private_key_path(settings.private_key_file))
    checked = check_machine(settings, _choose_folder(workspace, name))
    settings = settings._replace(folder=checked.folder)
    with open_session(workspace, name, settings) as session:
        node = session.request("describe", {}).document["node"]
    properties = {**settings.to_properties(), GPUS_PROPERTY: node["gpus"]}
    return create_compute_target(workspace, name, REMOTE, properties=properties, description=description, tags=tags)


def _choose_folder(workspace: Workspace, name: str) -> str:
    """Return the path of a folder in the remote machine's home, unique to this workspace and machine."""
    own = f"{get_origin().host_id}\0{os.path.realpath(workspace.folder)}"
    digest: str = create_sha256(own.encode("utf-8", "surrogateescape")).hexdigest()
    return f"~/.mlrun/remotes/{digest[:12]}/{name}"


def _resolve_private_key_path(path_text: str) -> str:
    """Return the absolute path of a private key file, which must exist."""
    path = Path(path_text).expanduser().absolute()
    if not path.is_file():
        raise InvalidPath(
            f"--private-key-file: there is no file '{path}'.", hint="Name the file of a private key.", target=path
        )
    return str(path)
