"""What a host is known by in the lease of a home: its machine, its boot, and the files of its local folder."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from mlrun_cli.core.local_folder import get_home_file, get_or_create_base_folder, is_private
from mlrun_cli.processes.host import get_origin
from mlrun_cli.processes.lease_records import parse_record, read_file


@contextmanager
def lock_host(home: Path) -> Iterator[None]:
    """Ensure that only one process of this host at a time acquires the lease of a home."""
    descriptor = os.open(get_home_file(home, ".lock"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def find_home_id(home: Path) -> str | None:
    """Return the id of a home whose records are lost by the name of the local folder that has its runs, or None."""
    holders = get_or_create_base_folder().glob("*/holder")
    found = [(holder.stat().st_mtime, holder.parent) for holder in holders]
    for _, folder in sorted(found, reverse=True):
        if any((home / run.relative_to(folder)).is_dir() for run in folder.glob("workspaces/*/*/*/runs/*")):
            return folder.name
    return None


def describe_host() -> dict[str, str]:
    """Return this host's identifiers; they are equal for all processes that share locks."""
    mounts = ""
    with suppress(OSError):
        mounts = str(os.stat("/proc/self/ns/mnt").st_ino)
    return {**get_origin()._asdict(), "mount_namespace": mounts}


def is_from_this_host(record: Mapping[str, Any]) -> bool:
    """Return whether this host wrote a record, judging by the token in its local folder or its description."""
    folder = Path(record["folder"])
    if is_private(folder.parent) and is_private(folder):
        holder = parse_record(read_file(folder / "holder"))
        if "word" in holder:
            return record["word"] in {holder["word"], holder.get("previous", holder["word"])}
    return all(record.get(name) == value for name, value in describe_host().items())


def is_of_earlier_boot(record: Mapping[str, Any]) -> bool:
    """Return whether this machine wrote a record and has been rebooted since.

    Machines that were started from one image may have the same id.
    """
    here = get_origin()
    is_same_machine = record["host_id"] == here.host_id and record["host"] == os.uname().nodename
    return bool(is_same_machine and record["boot_id"] != here.boot_id)
