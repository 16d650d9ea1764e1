"""Chooses the Pythons that an environment may be made from, the best first."""

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
    find_interpreters,
)

# The first day of each 3.x; what people used, and had packages for, was a year old.
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

# uv has Python from 3.8.2 on, but for these.
_OLDEST_OF_UV = (3, 8, 2)
_NOT_OF_UV = {(3, 8, 4), (3, 9, 8), (3, 10, 1), (3, 11, 0), (3, 11, 2)}
_NEWEST_MINOR_OF_UV = 20
_LISTED_BY_UV = re.compile(r"^cpython-(\d+)\.(\d+)\.(\d+)-", re.MULTILINE)


def find_pinned_python(request: PythonRequest, uv: str | None, environ: Mapping[str, str]) -> BasePython | None:
    """Return a Python that satisfies the request, on this machine or fetched by uv; None where there is none."""
    interpreter = find_base_interpreter(request, environ)
    if interpreter is not None:
        return _from_interpreter(interpreter, request)
    if uv is not None and any(map(request.allows, _list_uv_versions(uv, environ))):
        return BasePython(str(request))
    return None


def rank_pythons(
    request: PythonRequest, uv: str | None, environ: Mapping[str, str], day: date | None = None
) -> list[BasePython]:
    """Return one Python per minor version, closest to the request first: those that satisfy it, else all.

    At most one of them has to be fetched by uv.

    Args:
        request: what is asked for.
        uv: its path, if it is there.
        environ: where interpreters are looked for.
        day: the Python of that day is what is asked for where no minor version is.
    """
    there = find_interpreters(environ)
    first = find_base_interpreter(request, environ)
    if first is not None:
        there = [first, *(one for one in there if one.version[:2] != first.version[:2])]
    wanted = request.first_version or ()
    if day is not None and not request.is_pin:
        wanted = choose_python_of_day(day)
    elif first is not None:
        wanted = first.version
    found = [(one.version, _from_interpreter(one, request)) for one in there]
    if uv is not None:
        known = {version[:2] for version, _ in found if request.allows(version)}
        found += [
            (version, BasePython(_format_version(version), only_wheels=not request.allows(version)))
            for version in _list_uv_versions(uv, environ)
            if version[:2] not in known
        ]

    def rank(one: tuple[tuple[int, ...], BasePython]) -> tuple[object, ...]:
        version, python = one
        return (
            not request.allows(version),
            *_compute_distance(wanted, version),
            python.is_fetched,
            [-part for part in version],
        )

    ranked = sorted(found, key=rank)
    if first is not None:
        ranked = [one for one in ranked if request.allows(one[0])]
    # One that has to be fetched is for where none here is as near.
    nearest_fetched = ranked[:1] if ranked and ranked[0][1].is_fetched else []
    return [python for _, python in (*nearest_fetched, *(one for one in ranked if not one[1].is_fetched))]


def choose_python_of_day(day: date) -> tuple[int, int]:
    """Return the minor version that was a year old that day, or the first that is known."""
    old = [minor for minor, first in _MINORS.items() if (day - first).days >= _DAYS_OF_A_YEAR]
    return 3, max(old, default=min(_MINORS))


def may_uv_provide(request: PythonRequest) -> bool:
    """Return whether it is worth installing uv for such a Python."""
    versions = ((3, minor, patch) for minor in range(8, _NEWEST_MINOR_OF_UV) for patch in range(40))
    return any(
        request.allows(version) for version in versions if version >= _OLDEST_OF_UV and version not in _NOT_OF_UV
    )


def _from_interpreter(interpreter: Interpreter, request: PythonRequest) -> BasePython:
    is_another = not request.allows(interpreter.version)
    return BasePython(interpreter.path, interpreter.version_text, only_wheels=is_another)


def _compute_distance(wanted: Sequence[int], version: tuple[int, ...]) -> tuple[bool, int]:
    """Return whether the major version differs, and the distance between the minor versions."""
    is_another = bool(wanted) and version[0] != wanted[0]
    return is_another, 0 if is_another or len(wanted) < 2 else abs(version[1] - wanted[1])


def _list_uv_versions(uv: str, environ: Mapping[str, str]) -> list[tuple[int, ...]]:
    """Return the released versions that uv has or can fetch, from its own list."""
    command = [uv, "python", "list", "--all-versions", "--python-preference", "only-managed", "--offline"]
    try:
        answer = subprocess.run(
            [*command, "--no-config"],
            env={**environ, "PATH": os.devnull},  # it would start all Pythons there
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
