"""Discovery of the Python interpreters on this machine."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

from mlrun_cli.core.named_tuple import NamedTuple
from mlrun_cli.environments.python_search import find_python, iterate_executables, list_search_folders

# The newest minor version that is searched for, and the oldest for which an environment can be built.
NEWEST_MINOR = 20
OLDEST_MINOR = 6

_PROBE = """
import json, os, sys
path = getattr(sys, "_base_executable", None) or sys.executable
if sys.prefix != sys.base_prefix and os.path.realpath(path).startswith(os.path.realpath(sys.prefix) + os.sep):
    path = os.path.join(sys.base_prefix, "bin", "python%d.%d" % sys.version_info[:2])
print(json.dumps([os.path.realpath(path), list(sys.version_info[:3])]))
"""
_PROBE_SECONDS = 20
_TERM = re.compile(r"(==|!=|>=|<=|>|<|~=|=)?\s*v?(\d+(?:\.\d+){0,2})(\.?\*)?")


class Interpreter(NamedTuple):
    """A base interpreter, not one of a virtual environment, with its real path and three-part version."""

    path: str
    version: tuple[int, ...]

    @property
    def version_text(self) -> str:
        """The version as text, such as `3.11.7`."""
        return ".".join(map(str, self.version))


class PythonRequest:
    """A requested Python version, such as `=3.8.13` or `>=3.6,<3.9`; empty for any version.

    Both `=3.8` and `==3.8` allow any 3.8.x, which is what users nearly always mean.

    Raises:
        ValueError: The text is not a version request.
    """

    def __init__(self, text: str) -> None:
        self._terms: list[tuple[str, tuple[int, ...]]] = []
        for part in filter(None, (part.strip() for part in text.split(","))):
            term = _TERM.fullmatch(part)
            if part == "*":
                continue
            if term is None:
                raise ValueError(part)
            operator = term[1] or "="
            self._terms.append(("=" if operator == "==" else operator, tuple(map(int, term[2].split(".")))))

    def __str__(self) -> str:
        """Return the request in the notation used by uv and in messages, such as `3.8.13` or `>=3.6,<3.9`."""
        if len(self._terms) == 1 and self._terms[0][0] == "=":
            return _format_version(self._terms[0][1])
        return ",".join(
            f"=={_format_version(version)}{'.*' * (len(version) < 3)}"
            if operator == "="
            else operator + _format_version(version)
            for operator, version in self._terms
        )

    def __bool__(self) -> bool:
        return bool(self._terms)

    @property
    def pins_minor_version(self) -> bool:
        """True if only one minor version satisfies the request, so that it can be found by file name."""
        return any(operator == "=" and len(version) > 1 for operator, version in self._terms)

    @property
    def first_named_version(self) -> tuple[int, ...] | None:
        """The version named first, such as (3, 6) in `>=3.6,<3.9`, or None if any version is allowed."""
        return self._terms[0][1] if self._terms else None

    def allows(self, version: tuple[int, ...]) -> bool:
        """Return whether a three-part version satisfies the request."""
        return all(_satisfies(operator, wanted, version) for operator, wanted in self._terms)

    def allows_minor(self, minor: int) -> bool:
        """Return whether any version 3.`minor`.x satisfies the request."""
        return any(self.allows((3, minor, patch)) for patch in range(40))


def _satisfies(operator: str, requested: tuple[int, ...], version: tuple[int, ...]) -> bool:
    """Return whether a version satisfies a condition such as `>=3.6`, whose version has up to three parts."""
    begins = version[: len(requested)] == requested
    padded = (*requested, 0, 0)[:3]
    return {
        "=": begins,
        "!=": not begins,
        ">=": version >= padded,
        ">": version > padded and not begins,
        "<=": version <= padded or begins,
        "<": version < padded,
        "~=": version >= padded and version[: len(requested) - 1] == requested[:-1],
    }[operator]


def _format_version(version: tuple[int, ...]) -> str:
    return ".".join(map(str, version))


def find_base_interpreter(request: PythonRequest, environ: Mapping[str, str]) -> Interpreter | None:
    """Return the first interpreter on PATH, of pyenv or of this tool that satisfies the request; None if none does."""
    seen: set[str] = set()
    for path in _iterate_candidates(request, environ):
        real = os.path.realpath(path)
        if real in seen:
            continue
        seen.add(real)
        interpreter = probe_interpreter(path, environ)
        if interpreter is not None and request.allows(interpreter.version):
            return interpreter
    return None


def list_interpreters(environ: Mapping[str, str]) -> list[Interpreter]:
    """Return one interpreter for each minor version on this machine, in the order of discovery."""
    found: dict[tuple[int, ...], Interpreter] = {}
    seen: set[str] = set()
    for path in _iterate_candidates(PythonRequest(""), environ):
        real = os.path.realpath(path)
        if real in seen:
            continue
        seen.add(real)
        interpreter = probe_interpreter(path, environ)
        if interpreter is not None:
            found.setdefault(interpreter.version[:2], interpreter)
    return list(found.values())


def _iterate_candidates(request: PythonRequest, environ: Mapping[str, str]) -> Iterator[Path]:
    folders = list_search_folders(environ.get("PATH", ""))
    # pyenv's shims are slow (0.1 s) and may fail, so its installed versions are searched directly.
    versioned = [folder for folder in folders if folder.name != "shims"]
    first = find_python(folders)
    if first is not None and not request.pins_minor_version:
        yield first
    minors = range(NEWEST_MINOR, OLDEST_MINOR - 1, -1)
    for minor in filter(request.allows_minor, minors):
        yield from iterate_executables(f"python3.{minor}", versioned)
    yield from _iterate_pyenv_interpreters(request, environ)
    if first is not None:
        yield first
    yield Path(getattr(sys, "_base_executable", None) or sys.executable)


def _iterate_pyenv_interpreters(request: PythonRequest, environ: Mapping[str, str]) -> Iterator[Path]:
    """Yield the interpreters in pyenv's folders, newest first; pyenv's shims would offer only selected versions."""
    root = Path(environ.get("PYENV_ROOT") or Path(environ.get("HOME", "/"), ".pyenv"), "versions")
    names = [path.name for path in root.glob("3.*") if re.fullmatch(r"3\.\d+\.\d+", path.name)]
    versions = [tuple(map(int, name.split("."))) for name in names]
    for version in sorted(filter(request.allows, versions), reverse=True):
        yield from iterate_executables("python", [root / _format_version(version) / "bin"])


def probe_interpreter(path: Path, environ: Mapping[str, str]) -> Interpreter | None:
    """Run a Python interpreter and return its base interpreter and version, or None if this fails."""
    try:
        answer = subprocess.run(
            [str(path), "-I", "-c", _PROBE],
            env=dict(environ),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            check=True,
            timeout=_PROBE_SECONDS,
        )
        base, version = json.loads(answer.stdout)
    except (OSError, ValueError, subprocess.SubprocessError):
        return None
    return Interpreter(base, tuple(version))
