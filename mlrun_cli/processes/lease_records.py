"""The records in the folder `hosts` of a home, which say which host has the home.

The record of a term is in `current`, and in a copy that is named by the term's number. Whoever finds `current` empty,
missing or damaged, as after a failure of the file server, goes by the copy: so a home that is in use is not taken, the
number of a term is not given again, and a host finds its local folder.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from mlrun_cli.processes.host import Origin

CURRENT = "current"
LEASE_SECONDS = 60.0
"""How long after its last use a home belongs to its host."""
_RECORD_BYTES = 1024
"""The size of all files: an attribute cache that knows an old size then knows the right one."""
_TERM_FILE = re.compile(r"(?:\.current-)?(\d+)(\.record)?")


def get_copy_name(term: int) -> str:
    """Return the name of the copy of a term's record."""
    return f"{term}.record"


def write_copy(hosts: Path, term: int, encoded_record: bytes) -> None:
    """Write the copy of a term's record, under a temporary name first: a client may remember an older file of its name.

    Raises:
        OSError: it cannot be written.
    """
    temporary = hosts / f".record-{os.urandom(8).hex()}"
    try:
        write_file(temporary, encoded_record)
        temporary.rename(hosts / get_copy_name(term))
    except OSError:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)
        raise


def list_term_files(hosts: Path) -> dict[str, int]:
    """Return the names of all files of terms, with the number of each; empty if there is no folder.

    Raises:
        OSError: the folder cannot be read.
    """
    try:
        names = os.listdir(hosts)
    except FileNotFoundError:
        return {}
    return {name: int(found[1]) for name in names if (found := _TERM_FILE.fullmatch(name))}


def read_last_record(hosts: Path) -> tuple[int, dict[str, Any]]:
    """Return the highest number of a term, 0 if there is none, and the newest copy of a record, empty if none is sound.

    The number may be higher than that in the record: a host took the term, or began to, and left no copy.

    Raises:
        OSError: the folder cannot be read.
    """
    numbers = sorted(set(list_term_files(hosts).values()), reverse=True)
    records = (parse_lease_record(read_file(hosts / get_copy_name(number))) for number in numbers)
    return max(numbers, default=0), next(filter(None, records), {})


def read_file(path: Path) -> bytes:
    """Return the content of a file, bypassing caches, or empty bytes if there is no file.

    Raises:
        OSError: it cannot be read.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return b""
    try:
        os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
        return os.pread(descriptor, _RECORD_BYTES, 0)
    finally:
        os.close(descriptor)


def write_file(path: Path, content: Mapping[str, Any] | bytes) -> None:
    """Write a small file in place, with a single write.

    Raises:
        OSError: it cannot be written.
    """
    data = content if isinstance(content, bytes) else encode_record(content)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        os.pwrite(descriptor, data, 0)
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def encode_record(record: Mapping[str, Any]) -> bytes:
    """Return a record as the content of its file."""
    return json.dumps(record).encode().ljust(_RECORD_BYTES)


def parse_record(encoded_record: bytes) -> dict[str, Any]:
    """Parse the content of a record's file; return an empty dict if no record has been completely written."""
    try:
        document = json.loads(encoded_record)
    except ValueError:
        return {}
    return document if isinstance(document, dict) else {}


def parse_lease_record(encoded_record: bytes) -> dict[str, Any]:
    """Parse the record of a term; return an empty dict if it is missing or damaged."""
    record = parse_record(encoded_record)
    return record if record.keys() >= {"turn", "home", "host", "word", "folder", *Origin._fields} else {}
