"""Which Pythons an environment may be built from, and in which order they are tried."""

from __future__ import annotations

import os
import re
import sys
from datetime import date

import pytest

from mlrun_cli.environments.base_pythons import rank_pythons
from mlrun_cli.environments.environment import BasePython
from mlrun_cli.environments.installer_search import find_uv
from mlrun_cli.environments.interpreters import PythonRequest
from tests.environments.stand_ins import put_python_on_path


@pytest.fixture
def environ(environ_with_one_python: dict[str, str]) -> dict[str, str]:
    return environ_with_one_python


@pytest.mark.parametrize(
    ("text", "shown", "allowed", "refused"),
    [
        ("=3.8", "3.8", (3, 8, 18), (3, 9, 0)),
        ("==3.8", "3.8", (3, 8, 18), (3, 80, 0)),
        ("=3.8.13", "3.8.13", (3, 8, 13), (3, 8, 18)),
        (">=3.6,<3.9", ">=3.6,<3.9", (3, 8, 18), (3, 9, 0)),
        (">3.8", ">3.8", (3, 9, 0), (3, 8, 18)),
        ("<=3.8", "<=3.8", (3, 8, 18), (3, 9, 0)),
        ("~=3.8", "~=3.8", (3, 11, 2), (4, 0, 0)),
        ("!=3.8.*,>=3", "!=3.8,>=3", (3, 9, 0), (3, 8, 1)),
    ],
)
def test_python_request_allows(text: str, shown: str, allowed: tuple[int, ...], refused: tuple[int, ...]) -> None:
    request = PythonRequest(text)
    assert str(request) == shown
    assert request.allows(allowed)
    assert not request.allows(refused)


@pytest.mark.parametrize(
    ("text", "day", "nearest"),
    [
        ("=3.7.3", None, ["3.7.16"]),
        ("=3.5", None, ["3.7.16", "3.9.18", "3.11", "3.13.0"]),
        ("=3.10.4", None, ["3.11", "3.9.18", "3.13.0", "3.7.16"]),
        ("=3.12", None, ["3.13.0", "3.11", "3.9.18", "3.7.16"]),
        ("=4.0", None, ["3.13.0", "3.11", "3.9.18", "3.7.16"]),
        (">=2.7,<3", None, ["3.13.0", "3.11", "3.9.18", "3.7.16"]),
        ("", None, ["3.11", "3.13.0", "3.9.18", "3.7.16"]),
        (">=3.9", None, ["3.11", "3.13.0", "3.9.18"]),
        ("", date(2020, 6, 1), ["3.7.16", "3.9.18", "3.11", "3.13.0"]),
        ("=3.9", date(2020, 6, 1), ["3.9.18"]),
        (">=3.8", date(2021, 6, 1), ["3.9.18", "3.11", "3.13.0"]),
    ],
)
def test_pythons_are_those_that_do_else_all_the_nearest_first(
    environ: dict[str, str], text: str, day: date | None, nearest: list[str]
) -> None:
    put_python_on_path(environ, (3, 7, 16), (3, 9, 18), (3, 13, 0))
    if sys.version_info[:2] != (3, 11):
        put_python_on_path(environ, (3, 11, 7))
    request = PythonRequest("=3.7" if text == "=3.7.3" else text)
    found = rank_pythons(request, None, environ, day)
    assert [str(one) if not str(one).startswith("3.11") else "3.11" for one in found] == nearest
    assert {one.only_wheels for one in found} == {not request.allows(tuple(map(int, found[0].version.split("."))))}


def test_python_that_uv_may_fetch_goes_before_those_that_are_further_off(environ: dict[str, str]) -> None:
    uv = find_uv(os.environ)
    if uv is None:
        pytest.skip("uv is not installed")
    there = rank_pythons(PythonRequest(""), None, environ)
    fetched, *others = rank_pythons(PythonRequest("=3.8.13"), uv, environ)
    assert (fetched, others) == (BasePython("3.8.13"), [one._replace(only_wheels=True) for one in there])
    fetched, *others = rank_pythons(PythonRequest("=3.6.2"), uv, environ)
    assert re.fullmatch(r"3\.8\.\d+", fetched.python)
    assert fetched.only_wheels
    assert len(others) == len(there)
    assert rank_pythons(PythonRequest(""), uv, environ) == there
