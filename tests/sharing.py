"""What the processes of a test run share, which each would otherwise make for itself."""

from __future__ import annotations

import fcntl
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest


def make_once(factory: pytest.TempPathFactory, name: str, make: Callable[[Path], object]) -> Path:
    """Return a folder that the first process of a test run which needs it fills, and that all of them only read."""
    folder = find_common_folder(factory) / name
    mark = folder.with_name(f"{name}.complete")
    with lock(folder.with_name(f"{name}.lock")):
        if not mark.exists():
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir()
            make(folder)
            mark.touch()
    return folder


def find_common_folder(factory: pytest.TempPathFactory) -> Path:
    """Return the temporary folder of all processes of a test run."""
    base = factory.getbasetemp()
    # Processes of pytest-xdist have folders beside each other.
    return base.parent if "PYTEST_XDIST_WORKER" in os.environ else base


@contextmanager
def lock(path: Path) -> Iterator[None]:
    """Hold the lock of a file during the block."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)
