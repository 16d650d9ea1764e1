"""What the topic `contributing` says of the tree is true."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

from mlrun_cli import __version__
from mlrun_cli.cli.help.topics import read_topic

ROOT = Path(__file__).parents[2]
PATHS = set(re.findall(r"`((?:mlrun_cli|tests|runconfigs)/[^`]*|[\w.]+\.(?:toml|md))`", read_topic("contributing")))


def test_every_path_exists() -> None:
    assert len(PATHS) > 50
    assert not [path for path in PATHS if not (ROOT / path).exists()]


def test_every_folder_is_a_folder_and_every_file_a_file() -> None:
    assert all((ROOT / path).is_dir() == path.endswith("/") for path in PATHS)


def test_every_part_of_the_package_is_named() -> None:
    parts = {path for path in (ROOT / "mlrun_cli").iterdir() if path.suffix == ".py" or any(path.rglob("*.py"))}
    named = {f"mlrun_cli/{path.name}{'/' if path.is_dir() else ''}" for path in parts if path.name[0] != "_"}
    assert not named - PATHS


def test_every_program_that_is_named_is_there() -> None:
    programs = re.findall(r"python -m (tests[\w.]+)", read_topic("contributing"))
    assert len(programs) >= 4
    assert not [name for name in programs if not (ROOT / f"{name.replace('.', '/')}.py").is_file()]


def test_every_benchmark_that_is_named_is_there() -> None:
    programs = re.findall(r"\bbench_\w+", read_topic("figures"))
    assert programs
    assert not [name for name in programs if not (ROOT / "tests" / "benchmarks" / f"{name}.py").is_file()]


def test_the_newest_changes_are_those_of_this_version() -> None:
    versions = re.findall(r"^## (\S+) \((?:unreleased|\d{4}-\d\d-\d\d)\)$", read_topic("changes"), re.MULTILINE)
    assert versions[0] == __version__
    assert versions == sorted(versions, key=lambda version: [int(part) for part in version.split(".")], reverse=True)


def test_every_benchmark_answers_help_and_refuses_other_words() -> None:
    programs = sorted((ROOT / "tests" / "benchmarks").glob("bench_*.py"))
    assert len(programs) > 15
    for program in (*programs, ROOT / "tests" / "benchmarks" / "seed.py"):
        command = [sys.executable, "-m", f"tests.benchmarks.{program.stem}"]
        helped, refused = (
            subprocess.run([*command, word], cwd=ROOT, capture_output=True, encoding="utf-8", check=False)
            for word in ("--help", "-1")
        )
        assert helped.returncode == 0
        assert " ".join(command[1:]) in helped.stdout
        assert refused.returncode == 2, program
