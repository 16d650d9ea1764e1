"""Local packages and folders of wheels used by environments, and the detection of changes to them."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable
from itertools import islice
from pathlib import Path

from mlrun_cli.environments.environment import LocalSource
from mlrun_cli.environments.requirements import PipLine

_MAX_FILES = 10_000
_PROJECT_FILES = ("pyproject.toml", "setup.cfg", "setup.py")
_LEFT_OUT = re.compile(r"/(\.[^/]*|build|dist|__pycache__|node_modules|[^/]*\.egg-info)/")
_SOURCE = re.compile(
    r"requirements.*\.txt|.+\.(py|pyi|pyx|pxd|c|cc|cpp|cu|cxx|h|hpp|f90|rs|toml|cfg|in)", re.IGNORECASE
)
_ARCHIVE = re.compile(r".+\.(whl|zip|tgz|tar|tar\.\w+)", re.IGNORECASE)
_ANY = re.compile(r".*", re.DOTALL)


def list_local_sources(lines: Iterable[PipLine]) -> tuple[LocalSource, ...]:
    """Return the local sources in the lines, each with a digest of its current files."""
    sources = (LocalSource(line.text, str(line.local), "") for line in lines if line.local)
    return tuple(source._replace(stamp=_compute_stamp(source, _get_file_pattern(source))) for source in sources)


def compute_source_digests(sources: Iterable[LocalSource]) -> list[str]:
    """Return a digest of all files of each source, for the key of an environment."""
    return [_compute_stamp(source, _ANY) for source in sources]


def find_changed_source(sources: Iterable[LocalSource]) -> str | None:
    """Return the path of the first source whose code has changed, or None if there is none.

    Other files, such as a log that the submission itself writes there, are ignored.
    """
    return next(
        (source.path for source in sources if _compute_stamp(source, _get_file_pattern(source)) != source.stamp), None
    )


def _get_file_pattern(source: LocalSource) -> re.Pattern[str]:
    return _ARCHIVE if source.line.startswith("--") else _SOURCE


def _compute_stamp(source: LocalSource, pattern: re.Pattern[str]) -> str:
    """Return a digest of the paths, sizes and times of matching files, or an empty string if they are unreadable."""
    try:
        sizes = [(str(file), file.stat().st_size, file.stat().st_mtime_ns) for file in _list_files(source, pattern)]
    except OSError:
        return ""
    return hashlib.sha256(json.dumps(sizes).encode()).hexdigest()


def _list_files(source: LocalSource, pattern: re.Pattern[str]) -> list[Path]:
    path = Path(source.path)
    if source.is_editable:
        return [path / name for name in _PROJECT_FILES if (path / name).exists()]
    if not path.is_dir():
        return [path]
    found = (file for file in path.rglob("*") if pattern.fullmatch(file.name))
    kept = (file for file in found if not _LEFT_OUT.search(f"/{file.relative_to(path)}/"))
    return sorted(islice((file for file in kept if file.is_file()), _MAX_FILES))
