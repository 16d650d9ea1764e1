"""Storing or hashing of source files for a snapshot, even if they change at the same time."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Callable
from typing import Any

from mlrun_cli.core.digests import create_sha256
from mlrun_cli.core.named_tuple import NamedTuple
from mlrun_cli.snapshots.content_store import SnapshotStore
from mlrun_cli.snapshots.digest_cache import compute_signature

_CHUNK = 1024 * 1024
_SHORT = 16 * 1024
"""Longest content, in bytes, that is hashed before OpenSSL would be loaded."""
_TRIES = 3


class IngestedFile(NamedTuple):
    """The result of storing a file.

    `size` is the number of bytes that were read, and `found` is the file's status at that time. `is_steady` is False if
    the file kept changing, so that the content may mix several versions.
    """

    digest: str
    size: int
    found: os.stat_result
    is_steady: bool


def ingest_file(store: SnapshotStore | None, path: str, report: Callable[[int], None]) -> IngestedFile:
    """Store the content of a regular file, or only hash it if `store` is None; return the result.

    A file that changes while it is read is read up to three times. `report` is called with the number of bytes read
    so far. Without a store, the content is only hashed.

    Raises:
        OSError: the file cannot be read, or is no longer a regular file.
        StoreError: the store cannot be written.
    """
    for _ in range(_TRIES):
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        try:
            before = os.fstat(descriptor)
            if not stat.S_ISREG(before.st_mode):
                raise OSError(errno.EINVAL, "it is not a file any more")
            if store is None:
                digest, size = _hash_content(descriptor, before.st_size, report)
            else:
                digest, size = _store_content(store, descriptor, before.st_size, report)
            after = os.fstat(descriptor)
        finally:
            os.close(descriptor)
        is_steady = size == before.st_size and compute_signature(before) == compute_signature(after)
        if is_steady:
            break
    return IngestedFile(digest, size, before, is_steady)


def _hash_content(descriptor: int, size: int, report: Callable[[int], None]) -> tuple[str, int]:
    """Return the digest of at most `size` bytes of a file that may be growing, and the number of bytes read."""
    hasher = _create_hasher()
    done = 0
    while chunk := os.read(descriptor, min(size - done, _CHUNK)):
        hasher.update(chunk)
        done += len(chunk)
        report(done)
    return hasher.hexdigest(), done


def _store_content(store: SnapshotStore, descriptor: int, size: int, report: Callable[[int], None]) -> tuple[str, int]:
    """Store at most `size` bytes of a file that may be growing; return their digest and number."""
    if size > _CHUNK:
        return _store_large_content(store, descriptor, size, report)
    content = os.read(descriptor, size)
    digest = (create_sha256 if size <= _SHORT else _create_hasher)(content).hexdigest()
    if not store.has_object(digest, len(content)):
        with store.create_incoming_file() as incoming:
            incoming.write(content)
            incoming.move_to(store.get_object_path(digest))
    report(len(content))
    return digest, len(content)


def _store_large_content(
    store: SnapshotStore, descriptor: int, size: int, report: Callable[[int], None]
) -> tuple[str, int]:
    """Store a large file in chunks, computing the digest during the copy; return the digest and the number of bytes."""
    hasher = _create_hasher()
    done = 0
    with store.create_incoming_file() as incoming:
        is_cloned = incoming.clone_from(descriptor)
        source = incoming.descriptor if is_cloned else descriptor
        while chunk := os.read(source, _CHUNK if is_cloned else min(size - done, _CHUNK)):
            hasher.update(chunk)
            if not is_cloned:
                incoming.write(chunk)
            done += len(chunk)
            report(done)
        digest = hasher.hexdigest()
        if not store.has_object(digest, done):
            incoming.move_to(store.get_object_path(digest))
    return digest, done


def _create_hasher(content: bytes = b"") -> Any:
    import hashlib  # noqa: PLC0415 - loads OpenSSL, which a changed script is too short for

    return hashlib.sha256(content)
