"""`$MLRUN_HOME`, the folder that contains the workspaces, the environments and the copies of the SDK."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from itertools import takewhile
from pathlib import Path

from mlrun_cli.errors import StoreError

HOME_VARIABLE = "MLRUN_HOME"

_NETWORK_FILE_SYSTEMS = frozenset(
    {
        "nfs",
        "nfs3",
        "nfs4",
        "cifs",
        "smb",
        "smb2",
        "smb3",
        "smbfs",
        "ncpfs",
        "afs",
        "9p",
        "ceph",
        "ceph-fuse",
        "glusterfs",
        "lustre",
        "gpfs",
        "beegfs",
        "davfs",
        "sshfs",
        "s3fs",
        "rclone",
        "gcsfuse",
        "blobfuse",
        "blobfuse2",
        "juicefs",
        "smbnetfs",
        "curlftpfs",
    }
)


def get_home_folder(environ: Mapping[str, str]) -> Path:
    """Return the folder set by `MLRUN_HOME`, or else the platform's folder for user data."""
    named = environ.get(HOME_VARIABLE)
    if named:
        return Path(named).expanduser().absolute()
    if sys.platform == "darwin":
        return Path("~/Library/Application Support/mlrun").expanduser()
    data_home = environ.get("XDG_DATA_HOME")
    return (Path(data_home) if data_home else Path("~/.local/share").expanduser()) / "mlrun"


def make_private_folder(folder: Path) -> None:
    """Create a folder and its missing parents, accessible only by the user.

    Raises:
        StoreError: it cannot be created.
    """
    try:
        missing = takewhile(lambda parent: not parent.exists(), folder.parents)
        for one in reversed([folder, *missing]):  # `parents=True` would give this mode to the last one only
            one.mkdir(0o700, exist_ok=True)
    except OSError as error:
        raise _build_creation_error(folder, error) from error


def make_private_file(path: Path) -> None:
    """Create an empty file that only the user can access, unless it already exists.

    Raises:
        StoreError: it cannot be created.
    """
    try:
        path.touch(mode=0o600)
    except OSError as error:
        raise _build_creation_error(path, error) from error


def _build_creation_error(path: Path, error: OSError) -> StoreError:
    return StoreError(
        f"{path} cannot be made: {error.strerror}.",
        hint=f"Set {HOME_VARIABLE} to a folder that you may write to.",
        target=path,
    )


def is_network_file_system(kind: str | None) -> bool:
    """Return whether a file system type from `get_file_system_type` is a network file system."""
    return kind is not None and kind.removeprefix("fuse.") in _NETWORK_FILE_SYSTEMS


def get_file_system_type(folder: Path) -> str | None:
    """Return the type of a folder's file system (`ext4`, `nfs4`, …), or None if it cannot be determined."""
    device = os.stat(folder).st_dev
    wanted = f"{os.major(device)}:{os.minor(device)}".encode()
    try:
        with open("/proc/self/mountinfo", "rb") as mounts:
            for line in mounts:
                if line.split(b" ", 3)[2] == wanted:
                    return line.partition(b" - ")[2].split(b" ", 1)[0].decode()
    except OSError:
        return None
    return None
