"""What the page on compute targets says that each kind promises, and the tests that show it."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

from mlrun_cli.cli.help.topics import read_topic

TESTS = Path(__file__).parents[1]
KINDS = {
    "this machine": "local",
    "a Slurm cluster": "slurm",
    "a Ray cluster": "ray",
    "another machine, by ssh": "remote",
}
"""The names of the marks, by the headings of the columns."""


def list_promises() -> set[tuple[str, str]]:
    """Return the kind and the row of each cell of the table that is not empty."""
    section = read_topic("targets").partition("## What each kind promises")[2].partition("\n## ")[0]
    head, _, *rows = [
        [cell.strip() for cell in line.strip("|").split("|")] for line in section.splitlines() if line.startswith("|")
    ]
    return {(KINDS[heading], row[0]) for row in rows for heading, cell in zip(head[1:], row[1:], strict=True) if cell}


def find_shown_promises() -> set[tuple[str, str]]:
    """Return the kinds and rows with which tests are marked."""
    return {
        (marked[0], row)
        for path in TESTS.rglob("test_*.py")
        if "mark.promises(" in (text := path.read_text(encoding="utf-8"))
        for marked in iterate_marks(text)
        for row in marked[1:]
    }


def iterate_marks(text: str) -> Iterator[list[str]]:
    """Yield the arguments of each mark in the text of a module."""
    for function in ast.walk(ast.parse(text)):
        if isinstance(function, ast.FunctionDef):
            for mark in function.decorator_list:
                if isinstance(mark, ast.Call) and ast.unparse(mark.func) == "pytest.mark.promises":
                    yield [ast.literal_eval(argument) for argument in mark.args]


def test_each_promise_is_shown_by_a_test_and_no_test_shows_another() -> None:
    assert find_shown_promises() == list_promises()
