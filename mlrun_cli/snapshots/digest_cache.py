"""A cache of the digests of a source folder's files."""

from __future__ import annotations

import os
import time
from typing import Any

from mlrun_cli.core.digests import create_sha256
from mlrun_cli.snapshots.content_store import SnapshotStore

_SETTLED_AFTER_NS = 2_000_000_000


class DigestCache:
    """The digests of files in a source folder, keyed by path and valid while size, times and inode are unchanged.

    A file that changed less than two seconds before the cache was opened is not cached, because another change
    in the same tick of the file system's clock would not change its times.
    """

    def __init__(self, store: SnapshotStore, root: str) -> None:
        self._store = store
        self._key = create_sha256(os.fsencode(root)).hexdigest()[:32]
        self._settled_before_ns = time.time_ns() - _SETTLED_AFTER_NS
        self._old = store.read_cache(self._key)
        self._new: dict[str, list[Any]] = {}

    def find(self, path: str, file_stat: os.stat_result) -> str | None:
        """Return the cached digest of an unchanged file whose content is in the store, or None for any other file."""
        cached = self._old.get(path)
        if not isinstance(cached, list) or cached[:-1] != compute_signature(file_stat):
            return None
        digest = cached[-1]
        if not isinstance(digest, str) or not self._store.has_object(digest, file_stat.st_size):
            return None
        self._new[path] = cached
        return digest

    def add(self, path: str, file_stat: os.stat_result, digest: str) -> None:
        """Cache the digest of the file described by `file_stat`."""
        if file_stat.st_ctime_ns < self._settled_before_ns:
            self._new[path] = [*compute_signature(file_stat), digest]

    def save(self) -> None:
        """Save the entries found or added since the cache was loaded, and discard all others."""
        if self._new != self._old:
            self._store.write_cache(self._key, self._new)


def compute_signature(file_stat: os.stat_result) -> list[int]:
    """Return a signature of a file that changes whenever its content may have changed: size, times and inode."""
    return [file_stat.st_size, file_stat.st_mtime_ns, file_stat.st_ctime_ns, file_stat.st_ino]
