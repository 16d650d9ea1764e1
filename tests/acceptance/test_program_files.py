"""Files that a command starts without a shell: what could not be started is refused at the submit."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tests.running import Mlrun

PLACES = ("./job", "tools/job")


def write_program(mlrun: Mlrun, path: str, content: bytes) -> None:
    """Write an executable file of the attached folder."""
    file = mlrun.folder / path
    file.parent.mkdir(exist_ok=True)
    file.write_bytes(content)
    file.chmod(0o755)


@pytest.mark.parametrize("path", PLACES)
@pytest.mark.parametrize(
    ("content", "fact"),
    [
        (b"#!/bin/sh\r\necho hi\r\n", "sed -i 's/\\r$//' "),
        (b"#!/usr/bin/env python3\r\nprint()\r\n", "(CRLF)"),
        (b"#!/no/such/interpreter -u\necho hi\n", "'/no/such/interpreter'"),
        (b"echo hi\n", "--command sh "),
        (b"", "#!"),
    ],
)
def test_a_file_without_an_interpreter_is_refused_with_what_to_do(
    mlrun: Mlrun, path: str, content: bytes, fact: str
) -> None:
    write_program(mlrun, path, content)
    before = len(mlrun.json("run", "list"))
    failure = mlrun.fails("run", "submit-script", "--command", path)
    assert failure.code == "ScriptNotFound"
    assert fact in failure.text
    assert len(mlrun.json("run", "list")) == before


@pytest.mark.parametrize(
    "content",
    [
        b"#!/bin/sh\nexit 0\n",
        b"#! /usr/bin/env sh\nexit 0\n",
        f"#!{sys.executable} -u\nprint('hi')\n".encode(),
        Path("/bin/true").read_bytes(),
    ],
)
def test_a_file_with_an_interpreter_and_a_binary_are_started(mlrun: Mlrun, content: bytes) -> None:
    write_program(mlrun, "job", content)
    assert mlrun.json("run", "submit-script", "--command", "./job")["status"] == "Completed"
