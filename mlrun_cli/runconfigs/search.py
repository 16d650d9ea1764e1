"""The search for runconfigs in a tree of folders by name, folder and content."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from mlrun_cli.core.documents.read import read_document
from mlrun_cli.errors import InvalidFile, InvalidPath, MissingFile
from mlrun_cli.folders.project_config import CONFIGURATION_FOLDERS
from mlrun_cli.runconfigs.kinds import is_kind_other_than_runconfig
from mlrun_cli.runconfigs.lookup import SUFFIX

_HEAD_BYTES = 1 << 16
_OF_VIRTUAL_ENVIRONMENTS = ("pyvenv.cfg", "conda-meta")
_LEFT_OUT = frozenset({"node_modules", "__pycache__"})
_OTHER_SUFFIX = re.compile(
    r"\.(bin|bmp|bz2|c|cfg|cpp|css|csv|dll|gif|gz|h|h5|html|ini|ipynb|jpeg|jpg|js|lock|log|md|mp3|mp4|npy|npz|onnx|parquet|"
    r"pdf|pickle|pkl|png|pt|pth|py|pyc|r|rst|sh|so|sql|svg|tar|tfrecord|tgz|tiff?|toml|ts|tsv|txt|wav|whl|xml|xz|zip)",
    re.IGNORECASE,
)
_INNER_KEY = "userManagedDependencies"
_OWN_KEY = re.compile(
    rb"""^[ \t]{0,8}["']?(?:framework|communicator|parallel_run_config|ArgumentVector)["']?\s*:""", re.MULTILINE
)
_PAIRED = re.compile(
    rb"""^(?:["']?(script|target|environment)["']?|[ \t]{1,8}["']?(userManagedDependencies)["']?)\s*:""", re.MULTILINE
)
_PAIRED_IN_BRACES = re.compile(rb"""[{,]\s*["']?(script|target|environment|userManagedDependencies)["']?\s*:""")


def search_runconfigs(root: Path, *, exclude: Path | None = None) -> list[Path]:
    """Return the sorted paths of all runconfigs in a folder and its subfolders, which need not be attached.

    In a configuration folder, files without any suffix count as runconfigs, like the samples of newer versions of
    Azure's CLI. Elsewhere, a file without the suffix `.runconfig` is one if it has a key that only runconfigs have, or
    two keys that other files may have, too. Hidden folders except `.azureml`, virtual environments and the folder
    `exclude` are not searched.

    Raises:
        UsageError: the folder does not exist.
    """
    if not root.is_dir():
        kind = InvalidPath if root.is_file() else MissingFile
        what = f"'{root}' is a file, not a folder." if root.is_file() else f"The folder '{root}' does not exist."
        raise kind(what, hint="Name a folder with runconfigs with --path.", target=root)
    return sorted(_walk_folders(root, exclude))


def _walk_folders(root: Path, exclude: Path | None) -> Iterator[Path]:
    for folder, inner, names in os.walk(root):
        inner[:] = [name for name in inner if _is_searched(Path(folder, name), exclude)]
        yield from (path for name in names if _is_runconfig(path := Path(folder, name)))


def _is_searched(folder: Path, exclude: Path | None) -> bool:
    if folder.name in _LEFT_OUT or folder == exclude:
        return False
    if folder.name.startswith(".") and folder.name not in CONFIGURATION_FOLDERS:
        return False
    return not any(os.path.exists(os.path.join(folder, name)) for name in _OF_VIRTUAL_ENVIRONMENTS)


def _is_runconfig(path: Path) -> bool:
    if path.suffix == SUFFIX:
        return True
    if _OTHER_SUFFIX.fullmatch(path.suffix) or not os.path.isfile(path):
        return False
    if path.parent.name in CONFIGURATION_FOLDERS and "." not in path.name:
        return True
    try:
        with path.open("rb") as file:
            return _looks_like_runconfig(path, file.read(_HEAD_BYTES)) and not is_kind_other_than_runconfig(
                _read_top_keys(path)
            )
    except OSError:
        return False


def _looks_like_runconfig(path: Path, first_bytes: bytes) -> bool:
    if _OWN_KEY.search(first_bytes):
        return True
    if not first_bytes.lstrip().startswith(b"{"):
        return len(set(_PAIRED.findall(first_bytes))) > 1
    keys = {key.decode() for key in _PAIRED_IN_BRACES.findall(first_bytes)}
    return len(keys) > 1 and len(keys & {*_read_top_keys(path), _INNER_KEY}) > 1


def _read_top_keys(path: Path) -> Iterable[str]:
    try:
        return read_document(path).as_mapping()
    except InvalidFile:
        return ()
