"""Runs the shell blocks of the README and of the help topics as a newcomer would, and compares what they print.

A `sh` block is run; the `text` block behind it, if there is one, is its output, standard error included. In it a
line `…` stands for any lines. Ids, times and paths of the reader's home may differ. All blocks of a page run in one
shell, in their order, so that folders, functions and variables last. The pages of the topics come after the README and
begin in the folder that its five minutes have made.
"""

from __future__ import annotations

import itertools
import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml

from mlrun_cli.cli.help.topics import TOPICS

ROOT = Path(__file__).parents[2]
README = ROOT / "README.md"
PAGES = [README, *(ROOT / "mlrun_cli" / "docs" / f"{topic}.md" for topic in TOPICS)]
TEST_COMMAND = "bash tests/run\n"
LEFT_OUT = shutil.ignore_patterns(".*", "__pycache__", "build", "dist", "tests")

_FENCE = re.compile(r"^```(\w*)\n(.*?)^```\n(?:\n```text\n(.*?)^```\n)?", re.MULTILINE | re.DOTALL)
_NORMAL = (
    (re.compile(r"\bmlrun-[0-9a-f]{16}\.localhost\b"), "mlrun-0123456789abcdef.localhost"),
    (re.compile(r"_\d{10}_[0-9a-f]{8}\b"), "_1790000000_01234567"),
    (re.compile(r"\b\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z"), "2026-01-01T00:00:00Z"),
    (re.compile(r"\b\d+:\d\d:\d\d\b"), "0:00:01"),
    (re.compile(r"\b\d+ min ago\b"), "just now"),
    (re.compile(r" {2,}"), "  "),
    (re.compile(r" +$", re.MULTILINE), ""),
)


@dataclass(frozen=True)
class Block:
    """A block that is run, and what it prints; None when its page does not show it."""

    page: Path
    source: str
    output: str | None


def blocks(page: Path) -> list[Block]:
    found = _FENCE.finditer(page.read_text(encoding="utf-8"))
    return [Block(page, block[2], block[3]) for block in found if block[1] == "sh" and block[2] != TEST_COMMAND]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_every_block_is_run_or_is_a_file(page: Path) -> None:
    found = list(_FENCE.finditer(page.read_text(encoding="utf-8")))
    assert {block[1] for block in found} <= {"sh", "text", "yaml"}
    for block in found:
        if block[1] == "yaml":
            assert yaml.safe_load(block[2])


def test_the_second_command_is_what_the_server_calls() -> None:
    assert f"```sh\n{TEST_COMMAND}```\n" in README.read_text(encoding="utf-8")
    assert '/../tests/run"' in (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    assert (ROOT / "tests" / "run").is_file()


def test_the_blocks_print_what_their_pages_show(tmp_path: Path) -> None:
    home = tmp_path / "you"
    checkout = home / "mlrun-cli"
    shutil.copytree(ROOT, checkout, ignore=lambda folder, names: _left_out(Path(folder), names))
    outputs = tmp_path / "outputs"
    outputs.mkdir()
    done = subprocess.run(
        ["bash", "-c", _script(outputs)],
        cwd=checkout,
        env=_environment(tmp_path, home),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        encoding="utf-8",
        timeout=1800,
        check=False,
    )
    run = [block for page in PAGES for block in blocks(page)]
    printed = [(outputs / str(number)).read_text(encoding="utf-8") for number in range(len(list(outputs.iterdir())))]
    last = run[len(printed) - 1]
    assert done.returncode == 0, f"{last.page.name}:\n{last.source}{printed[-1]}{done.stderr}"
    wrong = [
        f"{block.page.name}:\n{block.source}\nprints\n\n{output.replace(str(home), '/home/you')}"
        for block, output in zip(run, printed, strict=True)
        if block.output is not None and not _fits(block.output, output, home)
    ]
    assert not wrong, "\n".join(wrong)


def _script(outputs: Path) -> str:
    """A shell script of all blocks, in which a topic leaves the next one no more than files and runs."""
    numbers = itertools.count()
    pages = []
    for page in PAGES:
        lines = [
            f"{{\n{each.source}}} >{shlex.quote(str(outputs / str(next(numbers))))} 2>&1\n" for each in blocks(page)
        ]
        pages.append("".join(lines) if page == README else f"(\n{''.join(lines)}:\n)\n")
    return "set -e\n" + "".join(pages)


def _left_out(folder: Path, names: list[str]) -> set[str]:
    """What a checkout does not have, and the tests; the gallery's dot-files belong to it."""
    return set() if (ROOT / "runconfigs") in (folder, *folder.parents) else set(LEFT_OUT(str(folder), names))


def _environment(tmp_path: Path, home: Path) -> Mapping[str, str]:
    """A fresh machine's: an empty home, and of Pythons no more than a `python3`."""
    programs = tmp_path / "bin"
    programs.mkdir()
    interpreter = shlex.quote(getattr(sys, "_base_executable", sys.executable))
    python3 = programs / "python3"
    python3.write_text(f'#!/bin/sh\nexec {interpreter} "$@"\n', encoding="utf-8")
    python3.chmod(0o755)
    foreign = ("AZURE", "COLUMNS", "MLRUN", "PYTHON", "VIRTUAL_ENV", "XDG_")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(foreign)}
    return {**kept, "HOME": str(home), "PATH": f"{programs}:/usr/local/bin:/usr/bin:/bin"}


def _fits(shown: str, printed: str, home: Path) -> bool:
    pattern = "".join(
        r"(?:.*\n)*?" if line == "…\n" else re.escape(line) for line in _normal(shown).splitlines(keepends=True)
    )
    return re.fullmatch(pattern, _normal(printed.replace(str(home), "/home/you"))) is not None


def _normal(text: str) -> str:
    for pattern, replacement in _NORMAL:
        text = pattern.sub(replacement, text)
    return text
