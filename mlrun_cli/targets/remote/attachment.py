"""What is checked when another machine, reached by ssh, is attached."""

from __future__ import annotations

import os
from pathlib import Path

from mlrun_cli.core.digests import create_sha256
from mlrun_cli.errors import InvalidPath
from mlrun_cli.processes.host import get_origin
from mlrun_cli.targets.attachment import Attachment, CheckedAttachment
from mlrun_cli.targets.remote.check import check_machine
from mlrun_cli.targets.remote.settings import RemoteSettings
from mlrun_cli.targets.remote.target import GPUS_PROPERTY, open_session
from mlrun_cli.targets.shared_folder_probe import NodeCheck
from mlrun_cli.workspace import Workspace


class RemoteAttachment(Attachment):
    """A request to attach another machine."""

    kind = "VirtualMachine"

    def __init__(self, settings: RemoteSettings) -> None:
        self._settings = settings

    def check(self, workspace: Workspace, name: str) -> CheckedAttachment:
        """Check the connection, the machine and the target's folder there, and return the properties to store.

        Raises:
            UsageError: the file of the key does not exist.
            EngineUnavailable: the machine cannot be reached; the message is ssh's.
            NodeNotUsable: the machine has no suitable Python or no rsync, or the folder cannot be written.
            ProgramNotFound: ssh or rsync is not installed on this machine.
        """
        settings = self._settings
        if settings.private_key_file is not None:
            settings = settings._replace(private_key_file=_resolve_private_key_path(settings.private_key_file))
        checked = check_machine(settings, _choose_folder(workspace, name))
        settings = settings._replace(folder=checked.folder)
        with open_session(workspace, name, settings) as session:
            node = session.request("describe", {}).document["node"]
        properties = {**settings.to_properties(), GPUS_PROPERTY: node["gpus"]}
        return CheckedAttachment(properties, NodeCheck([settings.address], {}))


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
