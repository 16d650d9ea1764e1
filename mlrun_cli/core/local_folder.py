"""The folders on this machine for the locks and sockets of homes on network file systems.

Locks of a network file system cannot be trusted, and many have neither locks nor sockets. So each file that is locked
has a counterpart in a folder of this machine, at the same relative path: the counterpart is locked, and the file in the
home says only that there is something to lock. A missing counterpart means that nobody holds the lock, as after a
restart of the machine. The files of a home on a local disk are their own counterparts.
"""

from __future__ import annotations

import os
import pwd
import stat
from contextlib import suppress
from pathlib import Path

from mlrun_cli.core.home import get_file_system_type, is_network_file_system
from mlrun_cli.errors import OperatingSystemError

HOME = "home"
"""The file in a home's local folder that contains the home's path; the folder is named after the home's id."""
_LINGERING = Path("/var/lib/systemd/linger")
_TEMPORARY = Path("/tmp")  # noqa: S108 — the folder in it is checked

_folders: dict[Path, Path] = {}


def set_local_folder(home: Path, folder: Path) -> None:
    """Set the folder for the locks and sockets of a home from now on; a file in it says which home that is."""
    for path in {home, home.resolve()}:
        _folders[path] = folder
    _record_home(folder / HOME, os.fsencode(home) + b"\n")


def _record_home(file: Path, text: bytes) -> None:
    """Write the path of a home, for people, to a file in its local folder; ignore failures."""
    with suppress(OSError):
        descriptor = os.open(file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        try:
            if os.pread(descriptor, len(text) + 1, 0) != text:
                os.ftruncate(descriptor, 0)
                os.pwrite(descriptor, text, 0)
        finally:
            os.close(descriptor)


def get_counterpart(path: Path) -> Path:
    """Return the local counterpart of a lock, socket or folder: the path itself if the home is on a local disk."""
    for home, folder in _folders.items():
        if path.is_relative_to(home):
            return folder / path.relative_to(home)
    return path


def make_counterpart_folder(folder: Path) -> Path:
    """Create the local counterpart of a folder if needed, and return it.

    Raises:
        OSError: it cannot be created.
    """
    counterpart = get_counterpart(folder)
    if counterpart != folder:
        os.makedirs(counterpart, mode=0o700, exist_ok=True)
    return counterpart


def rename_with_locks(source: Path, destination: Path) -> None:
    """Rename a folder's counterpart and then the folder, so that its locks are held as soon as it is visible."""
    if get_counterpart(source) != source:
        get_counterpart(source).rename(get_counterpart(destination))
    source.rename(destination)


def get_or_create_base_folder() -> Path:
    """Return this user's folder for local locks and sockets, created if needed.

    It is the user's runtime folder if that stays when the user logs out, since runs go on then; else one in `/tmp`.

    Raises:
        OperatingSystemError: it cannot be created, or is not private to the user.
    """
    runtime = Path(f"/run/user/{os.getuid()}")
    with suppress(KeyError, OSError):
        if (_LINGERING / pwd.getpwuid(os.getuid()).pw_name).exists() and _is_on_local_disk(runtime):
            return _make_private_folder(runtime / "mlrun")
    return _make_private_folder(_TEMPORARY / f"mlrun-{os.getuid()}")


def get_home_file(home: Path, suffix: str) -> Path:
    """Return the path of a file on this machine that belongs to a home, even before its local folder is known.

    Raises:
        OperatingSystemError: the folder of these files cannot be created, or is not private to the user.
    """
    import zlib  # noqa: PLC0415 - start-up: only homes on network file systems have such files

    return get_or_create_base_folder() / f"{zlib.crc32(os.fsencode(home.resolve())):08x}{suffix}"


def _make_private_folder(folder: Path) -> Path:
    """Create a folder unless it exists, and return it; raise unless it is private and on a local disk."""
    try:
        with suppress(FileExistsError):
            folder.mkdir(mode=0o700)
    except OSError as error:
        raise _build_unusable_error(folder, error.strerror) from error
    if not is_private(folder):
        raise _build_unusable_error(folder, "it is not a folder of your own that nobody else can enter")
    if not _is_on_local_disk(folder):
        raise _build_unusable_error(folder, "it is on a network file system itself")
    return folder


def _build_unusable_error(folder: Path, reason: str | None) -> OperatingSystemError:
    return OperatingSystemError(
        f"The folder {folder}, for the locks of a home on a network file system, cannot be used: {reason}.",
        hint="Remove it, or set MLRUN_HOME to a folder on a local disk.",
        target=folder,
    )


def is_private(folder: Path) -> bool:
    """Return whether a path is a real folder that belongs to this user and that nobody else can enter."""
    try:
        found = folder.lstat()
    except OSError:
        return False
    return stat.S_ISDIR(found.st_mode) and found.st_uid == os.getuid() and not stat.S_IMODE(found.st_mode) & 0o077


def _is_on_local_disk(folder: Path) -> bool:
    return folder.is_dir() and not is_network_file_system(get_file_system_type(folder))
