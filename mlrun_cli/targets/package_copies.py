"""Copies of the SDK and of this program that stay unchanged by an upgrade while runs use them.

Scripts import the copy of the SDK as `azureml`; supervisors on nodes are started from the copy of the program.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Collection, Iterator, Mapping
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path

import mlrun_cli
from mlrun_cli.core.digests import create_sha256
from mlrun_cli.core.home import make_private_folder
from mlrun_cli.core.temporary import make_temporary_name, remove_abandoned_files
from mlrun_cli.errors import StoreError

_PACKAGE = Path(mlrun_cli.__file__).parent
ENTRY_POINTS = "mlrun_cli_mlflow-1.0.dist-info"
"""The folder beside the SDK's `azureml` that makes it a distribution with entry points."""
_NOT_ON_NODES = frozenset({"cli", "docs", "sdk", "studio"})
"""The parts of this package that neither a supervisor nor what it starts imports."""
_IMPORTED_ON_NODES = ("packaging",)
"""The other packages, all pure Python, that a supervisor and the programs that it starts import."""


def ensure_sdk_copy(folder: Path) -> Path:
    """Return the folder with a copy of the SDK for a script's PYTHONPATH, creating the copy if it is missing.

    It contains only `azureml`, the `azureml_user` that entry scripts of a ParallelRunStep import, and the entry points
    by which MLflow finds its stores in the first.

    Args:
        folder: the folder of all copies of the SDK.

    Raises:
        StoreError: the copy cannot be created.
    """
    names = ("azureml", "azureml_user", ENTRY_POINTS)
    return _ensure_copy(folder, {name: _PACKAGE / "sdk" / name for name in names}, "The SDK")


def ensure_program_copy(folder: Path) -> Path:
    """Return the folder with a copy of this package and its dependencies for nodes, creating it if missing.

    Args:
        folder: the folder of all copies of the program.

    Raises:
        StoreError: the copy cannot be created.
    """
    packages = {"mlrun_cli": _PACKAGE, **{name: _get_package_folder(name) for name in _IMPORTED_ON_NODES}}
    return _ensure_copy(folder, packages, "The program", ignored_names=_NOT_ON_NODES)


def _get_package_folder(name: str) -> Path:
    spec = find_spec(name)
    assert spec is not None
    assert spec.submodule_search_locations is not None
    return Path(spec.submodule_search_locations[0])


def _ensure_copy(
    folder: Path, packages: Mapping[str, Path], kind: str, *, ignored_names: Collection[str] = frozenset()
) -> Path:
    """Return a copy of the packages without ignored files at their top level, creating it if needed."""
    copy = folder / f"{mlrun_cli.__version__}-{_compute_fingerprint(packages, ignored_names)}"
    if copy.is_dir():
        with suppress(OSError):  # what was used lately is not pruned
            os.utime(copy)
        return copy
    make_private_folder(folder)
    remove_abandoned_files(folder)
    unfinished = copy.with_name(make_temporary_name())

    def list_ignored_names(prefix: str, names: list[str]) -> list[str]:
        is_top = Path(prefix) in packages.values()
        return [name for name in names if name == "__pycache__" or (is_top and name in ignored_names)]

    try:
        for name, source in packages.items():
            shutil.copytree(source, unfinished / name, ignore=list_ignored_names)
        unfinished.rename(copy)
    except OSError as error:
        shutil.rmtree(unfinished, ignore_errors=True)
        if not copy.is_dir():  # another process was faster
            raise StoreError(f"{kind} cannot be copied to {copy}: {_describe_copy_error(error)}.") from error
    return copy


def _describe_copy_error(error: OSError) -> str:
    """Return the reason for a copy error; if it concerns several files, the reason for the first of them."""
    if isinstance(error, shutil.Error) and error.args and isinstance(error.args[0], list):
        _, _, reason = error.args[0][0]
        return str(reason)
    return error.strerror or str(error)


def _compute_fingerprint(packages: Mapping[str, Path], ignored_names: Collection[str]) -> str:
    """Return a fingerprint of the packages' modules, which changes when a module is edited."""
    lines = sorted(
        line
        for name, source in packages.items()
        for line in _describe_modules(os.fspath(source), f"{name}/", ignored_names)
    )
    digest: str = create_sha256("\n".join(lines).encode()).hexdigest()
    return digest[:12]


def _describe_modules(folder: str, prefix: str, ignored_names: Collection[str] = frozenset()) -> Iterator[str]:
    """Yield a line with name, size and modification time for each module in a folder and its subfolders."""
    with os.scandir(folder) as entries:
        for entry in entries:
            name = f"{prefix}{entry.name}"
            if name.endswith((".py", "entry_points.txt")):
                found = entry.stat()
                yield f"{name} {found.st_size} {found.st_mtime_ns}"
            elif entry.name not in {"__pycache__", *ignored_names} and entry.is_dir(follow_symlinks=False):
                yield from _describe_modules(entry.path, f"{name}/")
