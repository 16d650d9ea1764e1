"""The files of a dataset: paths, patterns and URLs, resolved on this machine."""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from mlrun_cli.core.named_tuple import NamedTuple
from mlrun_cli.core.temporary import is_temporary
from mlrun_cli.data.dataset import FILE_KIND, apply_steps, normalize_definition
from mlrun_cli.data.datastore import Datastore
from mlrun_cli.errors import DataNotFound

FindDatastore = Callable[[str], Datastore]


class DataFile(NamedTuple):
    """A file of a dataset: its path or URL, and its path relative to the dataset's common folder."""

    name: str
    source: str

    @property
    def is_remote(self) -> bool:
        """True if the file has to be downloaded."""
        return _is_url(self.source)

    @property
    def display_name(self) -> str:
        """The source of the file for error messages, without the parts of a URL that may be secret."""
        return re.sub(r"^(\w+://)[^/]*@", r"\1", self.source.partition("?")[0]) if self.is_remote else self.source


class DataFiles(NamedTuple):
    """The files of a dataset; `whole` is the single folder or file that they form, or None."""

    files: list[DataFile]
    whole: Path | None


def find_files(definition: object, find_datastore: FindDatastore) -> DataFiles:
    """Return the current files of a dataset, in the order of its paths and, within each path, sorted by name.

    Raises:
        UsageError: the definition is not valid.
        DataNotFound: a path leads to no file, or its datastore does not exist.
    """
    checked = normalize_definition(definition)
    places = [_resolve_location(path, find_datastore) for path in checked["paths"]]
    found: dict[str, DataFile] = {}
    common = _get_common_folder(place for place in places if not _is_url(place))
    urls = [place for place in places if _is_url(place)]
    for place in places:
        for source in [place] if _is_url(place) else _list_files(place):
            name = _shorten_url(source, urls) if _is_url(source) else os.path.relpath(source, common)
            found.setdefault(source, DataFile(name, source))
    steps = checked["steps"] if checked["kind"] == FILE_KIND else []
    return DataFiles(apply_steps(list(found.values()), steps), _find_single_path(places, steps))


def check_paths_have_files(definition: object, find_datastore: FindDatastore) -> None:
    """Raise unless each path of a dataset leads to a file; URLs are not fetched, and folders not listed completely.

    Raises:
        UsageError: the definition is not valid.
        DataNotFound: a path leads to no file or its datastore does not exist.
    """
    for path in normalize_definition(definition)["paths"]:
        place = _resolve_location(path, find_datastore)
        if not _is_url(place) and next(_iterate_files(place), None) is None:
            raise _build_no_file_error(place)


def find_single_path(definition: object, find_datastore: FindDatastore) -> Path | None:
    """Return the only path of a dataset without steps if it is an existing local file or folder, or else None.

    Raises:
        UsageError: the definition is not valid.
        DataNotFound: its datastore does not exist.
    """
    checked = normalize_definition(definition)
    places = [_resolve_location(path, find_datastore) for path in checked["paths"]]
    return _find_single_path(places, checked["steps"] if checked["kind"] == FILE_KIND else [])


def _resolve_location(path: Mapping[str, str], find_datastore: FindDatastore) -> str:
    """Return the location of a dataset's path: a local path, a pattern of local paths, or a URL."""
    if "url" in path:
        return path["url"]
    if "datastore" in path:
        return os.fspath(find_datastore(path["datastore"]).resolve_path(path["path"]))
    return os.path.normpath(path["path"])


def _find_single_path(locations: Sequence[str], steps: Sequence[Any]) -> Path | None:
    """Return the only location if it is an existing local path and there are no steps, or else None."""
    is_one = len(locations) == 1 and not steps and not _is_url(locations[0])
    return Path(locations[0]) if is_one and os.path.exists(locations[0]) else None


def _is_url(location: str) -> bool:
    return "://" in location and not location.startswith("/")


def _is_pattern(location: str) -> bool:
    return ("*" in location or "?" in location) and not os.path.lexists(location)


def _get_root_folder(location: str) -> str:
    """Return the folder to which the names of the files at a location are relative."""
    if _is_pattern(location):
        root = re.split(r"[*?]", location, maxsplit=1)[0]
        return root.rpartition("/")[0] or "/"
    return location if os.path.isdir(location) else os.path.dirname(location)


def _get_common_folder(locations: Iterator[str]) -> str:
    """Return the path of the deepest folder that contains the root folders of all locations; `/` if there are none."""
    roots = [_get_root_folder(place) for place in locations]
    return os.path.commonpath(roots) if roots else "/"


def _list_files(location: str) -> list[str]:
    """Return the sorted paths of the files at a location; raise DataNotFound if there are none."""
    found = sorted(_iterate_files(location))
    if not found:
        raise _build_no_file_error(location)
    return found


def _iterate_files(location: str) -> Iterator[str]:
    if _is_pattern(location):
        yield from filter(_compile_pattern(location).fullmatch, _walk_files(_get_root_folder(location)))
    elif os.path.isdir(location):
        yield from _walk_files(location)
    elif os.path.exists(location):
        yield location


def _build_no_file_error(location: str) -> DataNotFound:
    # Public scripts look for Azure's first words, to go on without the data.
    return DataNotFound(
        f"The provided path is not valid: there is no file at {location}.",
        hint="A dataset needs at least one; '**' matches folders.",
    )


def _walk_files(root: str) -> Iterator[str]:
    """Yield the paths of the files below a folder, except temporary ones; links are followed, each folder once."""
    seen: set[tuple[int, int]] = set()
    for folder, folders, files in os.walk(root, followlinks=True):
        status = os.stat(folder)
        if (status.st_dev, status.st_ino) in seen:
            folders.clear()
            continue
        seen.add((status.st_dev, status.st_ino))
        for file in files:
            path = os.path.join(folder, file)
            if os.path.isfile(path) and not is_temporary(file):
                yield path


def _compile_pattern(pattern: str) -> re.Pattern[str]:
    pieces = {"**/": r"(?:.*/)?", "**": r".*", "*": r"[^/]*", "?": r"[^/]"}
    text = "".join(pieces.get(piece) or re.escape(piece) for piece in re.split(r"(\*\*/|\*\*|\*|\?)", pattern))
    return re.compile(text, re.DOTALL)


def _shorten_url(url: str, urls: list[str]) -> str:
    """Return a file name for a URL: the last part of its path, or its host and path if several URLs end alike."""
    from urllib.parse import unquote, urlsplit  # noqa: PLC0415 - few datasets have URLs, and it is slow to import

    def get_last_part(other_url: str) -> str:
        return unquote(urlsplit(other_url).path).rstrip("/").rpartition("/")[2] or "index"

    name = get_last_part(url)
    if Counter(map(get_last_part, dict.fromkeys(urls)))[name] > 1:
        split = urlsplit(url)
        parts = [part for part in unquote(split.path).split("/") if part not in {"", ".", ".."}]
        return "/".join([split.netloc.rpartition("@")[2], *parts])
    return "index" if name in {".", ".."} else name
