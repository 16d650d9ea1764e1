"""Spools of unsent notifications, so that another process can continue if the sending process is killed.

Each process that sends has a folder of its own with a file for each ended run, and holds its lock while it lives.
"""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path

from mlrun_cli.core.guid import generate_guid
from mlrun_cli.core.home import make_private_folder
from mlrun_cli.core.locks import acquire_lock, remove_lock_file
from mlrun_cli.core.named_tuple import NamedTuple

_FOLDER = "notification-spools"


class NotificationMessage(NamedTuple):
    """A message; `values` replace the names in braces in a command."""

    title: str
    text: str
    values: dict[str, str]


class SpooledNotification:
    """The file of one run in a spool: first empty, then a line with addresses and message, and one for each delivery.

    Attributes:
        addresses: the addresses; None until `begin` is called.
        message: the message, as `addresses`.
        unsent: the places in `addresses` of those to which nothing has been sent yet.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._descriptor = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
        self.addresses: Sequence[str] | None = None
        self.message: NotificationMessage | None = None
        self.unsent: set[int] = set()
        # A line without an end is one that a killed process has not completed.
        first, *sent = path.read_text(encoding="utf-8").split("\n")[:-1] or [""]
        if first:
            self.addresses, *message = json.loads(first)
            self.message = NotificationMessage(*message)
            self.unsent = set(range(len(self.addresses or ()))) - set(map(int, sent))

    def begin(self, addresses: Sequence[str], message: NotificationMessage) -> None:
        """Start the file afresh with the addresses and the message."""
        os.truncate(self._descriptor, 0)
        self._append(json.dumps([addresses, *message]))
        self.addresses, self.message, self.unsent = addresses, message, set(range(len(addresses)))

    def record_sending(self, address_index: int) -> None:
        """Record that the message to the address with this index has been sent, or that sending it failed for good."""
        self._append(str(address_index))

    def remove(self) -> None:
        """Remove and close the file."""
        self._path.unlink(missing_ok=True)
        self.close()

    def close(self) -> None:
        """Close the file, and leave it for another process."""
        os.close(self._descriptor)

    def _append(self, line: str) -> None:
        data = memoryview(f"{line}\n".encode())
        while data:
            data = data[os.write(self._descriptor, data) :]


class NotificationSpool:
    """The folder of a process that sends notifications; it is locked while `lock_descriptor` is open."""

    def __init__(self, path: Path, lock_descriptor: int) -> None:
        self.path = path
        self.lock_descriptor = lock_descriptor

    @classmethod
    def create(cls, workspace_folder: Path) -> NotificationSpool:
        """Create a locked spool in the folder of a workspace.

        Raises:
            OSError: it cannot be locked.
            StoreError: it cannot be created.
        """
        make_private_folder(workspace_folder / _FOLDER)
        path = workspace_folder / _FOLDER / generate_guid()
        spool = cls(path, acquire_lock(_get_lock_path(path), fcntl.LOCK_EX))
        make_private_folder(path)
        return spool

    @classmethod
    def open_locked(cls, workspace_folder: Path, name: str, lock_descriptor: int) -> NotificationSpool:
        """Open the spool that another process has created and whose lock this process has inherited."""
        return cls(workspace_folder / _FOLDER / name, lock_descriptor)

    @classmethod
    def adopt_abandoned(cls, workspace_folder: Path) -> Iterator[NotificationSpool]:
        """Lock and yield the spools of processes that ended before they had sent everything."""
        for path in _list_folders(workspace_folder / _FOLDER):
            with suppress(OSError):  # its process is alive
                yield cls(path, acquire_lock(_get_lock_path(path), fcntl.LOCK_EX | fcntl.LOCK_NB))

    def list_run_ids(self) -> Sequence[str]:
        """Return the sorted ids of the runs in this spool; empty if its process has removed the spool."""
        with suppress(FileNotFoundError):
            return sorted(os.listdir(self.path))
        return ()

    def add(self, run_ids: Sequence[str]) -> None:
        """Add runs whose ends are to be reported.

        Raises:
            OSError: the spool cannot be written, or has been removed by its process.
        """
        for run_id in run_ids:
            self.open_notification(run_id).close()

    def withdraw(self, run_ids: Sequence[str]) -> None:
        """Remove runs that are to be added to another spool instead."""
        for run_id in run_ids:
            with suppress(OSError):
                (self.path / run_id).unlink()

    def open_notification(self, run_id: str) -> SpooledNotification:
        """Open the notification about a run, creating it if it is missing.

        Raises:
            OSError: the spool cannot be written, or has been removed by its process.
        """
        return SpooledNotification(self.path / run_id)

    def close(self) -> None:
        """Remove this spool if it is empty, and release its lock."""
        with suppress(OSError):
            self.path.rmdir()
        if self.path.exists():
            os.close(self.lock_descriptor)
        else:
            remove_lock_file(_get_lock_path(self.path), self.lock_descriptor)


def _get_lock_path(path: Path) -> Path:
    return path.with_suffix(".lock")


def _list_folders(parent: Path) -> Sequence[Path]:
    try:
        return [parent / name for name in sorted(os.listdir(parent)) if not name.endswith(".lock")]
    except FileNotFoundError:
        return ()
