"""The folder that a compute target with an engine shares with its nodes, and the run folders in it.

The side of the workspace and the nodes meet in files alone: each file has one writer and is appended to, and readers
open it anew at each look, since that is what refreshes the caches of a network file system.
"""

from __future__ import annotations

import errno
import os
import shutil
from contextlib import suppress
from pathlib import Path

from mlrun_cli.core.json_files import read_json, write_json
from mlrun_cli.core.removal import remove_tree
from mlrun_cli.runs.folder import RunFolder
from mlrun_cli.wire.run_folder import EVENTS

LINK = "shared"
"""The link in a run's folder to its folder in the shared folder; the names in `LINKED` are links through it."""
LINKED = ("journal", "artifacts", "uploads", "work")


class SharedFolder:
    """The shared folder of a target, which has the same path on every node.

    Attributes:
        programs: copies of this package, one for each version.
        sdk: copies of the SDK, one for each version.
        snapshots: the content store of the runs' snapshots.
        environments: the environments built for the runs.
        started: an empty file for each run whose supervisor has been started and whose outcome is not stored yet.
        clock: a file whose modification time, once it has been written, is the file server's current time.
        is_mirror: whether it is a mirror of a folder on another machine, which sees nothing of this one.
    """

    def __init__(self, path: Path, *, is_mirror: bool = False) -> None:
        self.path = path
        self.is_mirror = is_mirror
        self.programs = path / "programs"
        self.sdk = path / "sdk"
        self.snapshots = path / "snapshots"
        self.environments = path / "environments"
        self.started = path / "started"
        self.clock = path / "clock"
        self.runs = path / "runs"

    def create(self) -> None:
        """Create the folder and its subfolders, private to their user, if they do not exist.

        Raises:
            OSError: one cannot be created.
        """
        for folder in (self.path, self.programs, self.sdk, self.started, self.runs):
            folder.mkdir(mode=0o700, parents=folder is self.path, exist_ok=True)

    def is_available(self) -> bool:
        """Return whether the folder exists and its file system is mounted."""
        return self.started.is_dir() and self.runs.is_dir()

    def list_started_run_ids(self) -> frozenset[str]:
        """Return the ids of the runs with an entry in `started`; empty if the folder cannot be read."""
        try:
            return frozenset(os.listdir(self.started))
        except OSError:
            return frozenset()

    def get_run_folder(self, run_id: str) -> SharedRunFolder:
        """Return the folder of a run, which may not exist yet."""
        return SharedRunFolder(self.runs / run_id)


class SharedRunFolder(RunFolder):
    """The folder of a run in a shared folder; the supervisor on a node writes to it.

    Attributes:
        events: a journal of events for each start of the supervisor, written by that supervisor.
        inbox: the messages to the supervisor, written by the side of the workspace.
        requests: the requests that the node cannot handle, a journal for each process that writes them.
        heartbeat: a file that the supervisor writes again every few seconds.
        program: a file that names the copy of this package that the supervisor is started from.
        starting_job: a folder that names the job which has started the run.
    """

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self.events = path / EVENTS
        self.inbox = path / "inbox.jsonl"
        self.requests = path / "questions"
        self.heartbeat = path / "heartbeat"
        self.program = path / "program.json"
        self.starting_job = path / "job"

    def create_for_node(self, program: Path) -> None:
        """Create the folder with the content that a supervisor on a node expects; it must not exist yet.

        Args:
            program: the copy of this package to start the supervisor from.

        Raises:
            OSError: it cannot be created.
        """
        self.create()
        for folder in (self.events, self.requests, self.uploads):
            folder.mkdir(mode=0o700)
        for file in (self.inbox, self.heartbeat):
            file.touch(mode=0o600)
        # Not by a link: sshfs refuses to read links that may lead out of its folder.
        write_json(self.program, {"folder": os.fspath(program)})

    def read_program_path(self) -> Path:
        """Return the path of the package copy from which the run's supervisor is started.

        Raises:
            OSError: the file that names it cannot be read.
        """
        document = read_json(self.program)
        if document is None:
            raise FileNotFoundError(errno.ENOENT, "it is missing or damaged", str(self.program))
        return Path(document["folder"])

    def is_removed(self) -> bool:
        """Return whether the folder was removed; False if the whole shared folder is unavailable."""
        try:
            # By the open folder, since the file system may be unmounted between two looks at paths.
            above = os.open(self.path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        except OSError:
            return False
        try:
            os.stat(self.path.name, dir_fd=above)
        except FileNotFoundError:
            return True
        except OSError:
            return False
        finally:
            os.close(above)
        return False

    @property
    def started_marker(self) -> Path:
        """The marker file which shows that the run has started; it is removed together with the run's secrets."""
        return SharedFolder(self.path.parents[1]).started / self.path.name

    def remove_leftovers(self) -> bool:
        """Remove an ended run's secrets and, if possible, its started marker; return whether the secrets are gone.

        Returns:
            Whether no secrets are left; False if the shared folder is not in its place.
        """
        try:
            # By the open folder, since a path that is missing may be that of a file system which is not mounted.
            folder = os.open(self.path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        except FileNotFoundError:
            if not SharedFolder(self.path.parents[1]).is_available():
                return False
        except OSError:
            return False
        else:
            try:
                with suppress(FileNotFoundError):
                    os.unlink(self.secrets.name, dir_fd=folder)
            except OSError:
                return False
            finally:
                os.close(folder)
        with suppress(OSError):
            self.started_marker.unlink(missing_ok=True)
        return True

    def remove(self) -> None:
        """Remove the folder and its run's started marker, if they exist.

        Raises:
            OSError: something cannot be removed, or the shared folder is not in its place.
        """
        whole = SharedFolder(self.path.parent.parent)
        if not whole.is_available():
            raise FileNotFoundError(errno.ENOENT, "the shared folder is not in its place", str(whole.path))
        self.started_marker.unlink(missing_ok=True)
        remove_tree(self.path)


def link_run_folder(folder: RunFolder, shared_run_folder: SharedRunFolder) -> None:
    """Create links in a run's local folder to its folder in the shared folder.

    Raises:
        OSError: a link cannot be created.
    """
    (folder.path / LINK).symlink_to(shared_run_folder.path)
    for name in LINKED:
        (folder.path / name).symlink_to(Path(LINK, name))


def find_shared_run_folder(folder: RunFolder) -> SharedRunFolder | None:
    """Return a run's folder in the shared folder of its target, or None if it has none."""
    try:
        path = Path(os.readlink(folder.path / LINK))
    except OSError:
        return None
    found = SharedFolder(path.parent.parent).get_run_folder(folder.path.name)
    return found if path.is_absolute() and found.path == path else None


def is_shared_folder_unavailable(folder: RunFolder) -> bool:
    """Return whether a run has a folder in a shared folder that is unavailable."""
    shared = find_shared_run_folder(folder)
    return shared is not None and not SharedFolder(shared.path.parent.parent).is_available()


def open_run_folder(path: Path) -> RunFolder:
    """Return the run folder at a path, including its part in the shared folder of its target, if it has one."""
    folder = RunFolder(path)
    shared = find_shared_run_folder(folder)
    return folder if shared is None else RunFolder(path, shared.path)


def remove_secrets(folder: RunFolder) -> None:
    """Remove the secrets of a run from its local folder and from its folder in the shared folder.

    Raises:
        OSError: a file cannot be removed.
    """
    folder.secrets.unlink(missing_ok=True)
    shared = find_shared_run_folder(folder)
    if shared is not None:
        shared.secrets.unlink(missing_ok=True)


def remove_run_folder(folder: RunFolder, *, keep_unavailable: bool = False) -> None:
    """Remove a run's folder in the shared folder of its target, if it has one, and then its own folder.

    Args:
        folder: the folder of the run.
        keep_unavailable: whether what is in the shared folder is left, if that folder is not in its place.

    Raises:
        OSError: something cannot be removed, or the shared folder is not in its place; the run's own folder is left.
    """
    shared = find_shared_run_folder(folder)
    if shared is not None and not (keep_unavailable and is_shared_folder_unavailable(folder)):
        shared.remove()
    remove_tree(folder.path)
    if folder.sockets != folder.path:
        shutil.rmtree(folder.sockets, ignore_errors=True)
