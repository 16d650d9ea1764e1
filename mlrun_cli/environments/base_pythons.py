"""The choice of a Python to create an environment from."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Mapping, Sequence
from datetime import date

from mlrun_cli.environments.environment import BasePython
from mlrun_cli.environments.interpreters import (
    Interpreter,
    PythonRequest,
    find_base_interpreter,
    list_interpreters,
)

# The release date of each 3.x. People commonly used, and had packages for, a version that was a year old.
_MINORS = {
    6: date(2016, 12, 23),
    7: date(2018, 6, 27),
    8: date(2019, 10, 14),
    9: date(2020, 10, 5),
    10: date(2021, 10, 4),
    11: date(2022, 10, 24),
    12: date(2023, 10, 2),
    13: date(2024, 10, 7),
    14: date(2025, 10, 7),
}
_DAYS_OF_A_YEAR = 365

# uv provides Python from 3.8.2 on, except these versions.
_OLDEST_OF_UV = (3, 8, 2)
_NOT_OF_UV = {(3, 8, 4), (3, 9, 8), (3, 10, 1), (3, 11, 0), (3, 11, 2)}
_NEWEST_MINOR_OF_UV = 20
_LISTED_BY_UV = re.compile(r"^cpython-(\d+)\.(\d+)\.(\d+)-", re.MULTILINE)


def find_base_python(request: PythonRequest, uv_path: str | None, environ: Mapping[str, str]) -> BasePython | None:
    """Return a Python that satisfies the request, installed here or downloadable by uv, or None if there is none."""
    interpreter = find_base_interpreter(request, environ)
    if interpreter is not None:
        return _create_base_python(interpreter, request)
    if uv_path is not None and any(map(request.allows, _list_uv_versions(uv_path, environ))):
        return BasePython(str(request))
    return None


def rank_pythons(
    request: PythonRequest, uv_path: str | None, environ: Mapping[str, str], day: date | None = None
) -> list[BasePython]:
    """Return the candidate Pythons, at most one per minor version, closest to the request first.

    If an installed Python satisfies the request, only those that satisfy it are candidates. At most one of them has
    to be downloaded by uv.

    Args:
        request: the requested version.
        uv_path: the path of uv, or None if it is not installed.
        environ: the environment variables that tell where to search for interpreters.
        day: prefer the Python that was common on that day if the request does not pin a minor version.
    """
    there = list_interpreters(environ)
    first = find_base_interpreter(request, environ)
    if first is not None:
        there = [first, *(one for one in there if one.version[:2] != first.version[:2])]
    wanted = request.first_named_version or ()
    if day is not None and not request.pins_minor_version:
        wanted = choose_python_for_day(day)
    elif first is not None:
        wanted = first.version
    found = [(one.version, _create_base_python(one, request)) for one in there]
    if uv_path is not None:
        known = {version[:2] for version, _ in found if request.allows(version)}
        found += [
            (version, BasePython(_format_version(version), only_wheels=not request.allows(version)))
            for version in _list_uv_versions(uv_path, environ)
            if version[:2] not in known
        ]

    def compute_rank(candidate: tuple[tuple[int, ...], BasePython]) -> tuple[object, ...]:
        version, python = candidate
        return (
            not request.allows(version),
            *_compute_distance(wanted, version),
            python.is_uv_managed,
            [-part for part in version],
        )

    ranked = sorted(found, key=compute_rank)
    if first is not None:
        ranked = [one for one in ranked if request.allows(one[0])]
    # A Python is downloaded only if none on this machine is as close.
    nearest_fetched = ranked[:1] if ranked and ranked[0][1].is_uv_managed else []
    return [python for _, python in (*nearest_fetched, *(one for one in ranked if not one[1].is_uv_managed))]


def choose_python_for_day(day: date) -> tuple[int, int]:
    """Return the newest Python that was over a year old on a day, or else the oldest known one, as `(3, minor)`."""
    old = [minor for minor, first in _MINORS.items() if (day - first).days >= _DAYS_OF_A_YEAR]
    return 3, max(old, default=min(_MINORS))


def can_uv_provide(request: PythonRequest) -> bool:
    """Return whether uv, if it were installed, could provide a Python that satisfies the request."""
    versions = ((3, minor, patch) for minor in range(8, _NEWEST_MINOR_OF_UV) for patch in range(40))
    return any(
        request.allows(version) for version in versions if version >= _OLDEST_OF_UV and version not in _NOT_OF_UV
    )


def _create_base_python(interpreter: Interpreter, request: PythonRequest) -> BasePython:
    is_another = not request.allows(interpreter.version)
    return BasePython(interpreter.path, interpreter.version_text, only_wheels=is_another)


def _compute_distance(requested: Sequence[int], version: tuple[int, ...]) -> tuple[bool, int]:
    """Return whether the major versions differ, and the distance between the minor versions."""
    is_another = bool(requested) and version[0] != requested[0]
    return is_another, 0 if is_another or len(requested) < 2 else abs(version[1] - requested[1])


def _list_uv_versions(uv_path: str, environ: Mapping[str, str]) -> list[tuple[int, ...]]:
    """Return the versions that uv has installed or can download, or an empty list if uv cannot be run."""
    command = [uv_path, "python", "list", "--all-versions", "--python-preference", "only-managed", "--offline"]
    try:
        answer = subprocess.run(
            [*command, "--no-config"],
            env={**environ, "PATH": os.devnull},  # uv would run every Python on PATH
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=True,
        )
    except (OSError, subprocess.SubprocessError):
        return []
    return [tuple(map(int, parts)) for parts in _LISTED_BY_UV.findall(answer.stdout)]


def _format_version(version: tuple[int, ...]) -> str:
    return ".".join(map(str, version))
