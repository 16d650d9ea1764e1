"""The copy of the SDK that scripts import as `azureml`, which an upgrade of the program does not change."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import mlrun_cli
from mlrun_cli.core.digests import create_short_hasher
from mlrun_cli.core.home import make_private_folder
from mlrun_cli.core.temporary import make_temporary_name
from mlrun_cli.errors import StoreError

_SOURCE = Path(mlrun_cli.__file__).parent / "sdk"


def ensure_sdk_copy(home: Path) -> Path:
    """Return the folder for a script's PYTHONPATH, which contains only `azureml`; create it if it does not exist.

    Raises:
        StoreError: the copy cannot be created.
    """
    copy = home / "sdk" / f"{mlrun_cli.__version__}-{_compute_fingerprint(_SOURCE)}"
    if copy.is_dir():
        return copy
    make_private_folder(copy.parent)
    unfinished = copy.with_name(make_temporary_name())
    try:
        shutil.copytree(_SOURCE / "azureml", unfinished / "azureml", ignore=shutil.ignore_patterns("__pycache__"))
        unfinished.rename(copy)
    except OSError as error:
        shutil.rmtree(unfinished, ignore_errors=True)
        if not copy.is_dir():
            raise StoreError(f"The SDK cannot be copied to {copy}: {error.strerror}.") from error
    return copy


def _compute_fingerprint(folder: Path) -> str:
    """Return a fingerprint of the SDK's files, which changes when one of them is edited in a development checkout."""
    lines = sorted(_describe_modules(os.fspath(folder), ""))
    digest: str = create_short_hasher("\n".join(lines).encode()).hexdigest()
    return digest[:12]


def _describe_modules(folder: str, above: str) -> Iterator[str]:
    """Yield a line with name, size and modification time for each module in a folder and its subfolders."""
    with os.scandir(folder) as entries:
        for entry in entries:
            name = f"{above}{entry.name}"
            if name.endswith(".py"):
                found = entry.stat()
                yield f"{name} {found.st_size} {found.st_mtime_ns}"
            elif entry.name != "__pycache__" and entry.is_dir(follow_symlinks=False):
                yield from _describe_modules(entry.path, f"{name}/")
