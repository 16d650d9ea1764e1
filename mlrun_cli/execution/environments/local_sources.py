"""Local packages and folders of wheels that environments are made from, and whether they have changed."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable
from itertools import islice
from pathlib import Path

from mlrun_cli.domain.environment import LocalSource
from mlrun_cli.execution.environments.requirements import PipLine

_MOST_FILES = 10_000
_PROJECT_FILES = ("pyproject.toml", "setup.cfg", "setup.py")
_WRITTEN_BY_BUILDS = re.compile(r"/(\.[^/]*|build|dist|__pycache__|[^/]*\.egg-info)/")


def local_sources(lines: Iterable[PipLine]) -> tuple[LocalSource, ...]:
    """Those that the lines name, as they are now."""
    sources = (LocalSource(line.text, str(line.local), "") for line in lines if line.local)
    return tuple(source._replace(stamp=_stamp(source)) for source in sources)


def changed_source(sources: Iterable[LocalSource]) -> str | None:
    """The path of the first that is not as it was; None when all are."""
    return next((source.path for source in sources if _stamp(source) != source.stamp), None)


def _stamp(source: LocalSource) -> str:
    """Changes with what is there, not when building writes beside its source; empty when it cannot be looked at."""
    path = Path(source.path)
    if source.is_editable:
        files = [path / name for name in _PROJECT_FILES if (path / name).exists()]
    elif path.is_dir():
        found = (file for file in path.rglob("*") if not _WRITTEN_BY_BUILDS.search(f"/{file.relative_to(path)}/"))
        files = sorted(islice((file for file in found if file.is_file()), _MOST_FILES))
    else:
        files = [path]
    try:
        sizes = [(str(file), file.stat().st_size, file.stat().st_mtime_ns) for file in files]
    except OSError:
        return ""
    return hashlib.sha256(json.dumps(sizes).encode()).hexdigest()
