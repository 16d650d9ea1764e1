"""Runs driver scripts, outside of any run with a home of their own, and scripts inside a run."""

from __future__ import annotations

import json
import subprocess
import sys
import textwrap
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tests.running import Mlrun

BEGINNING = """
from azureml.core import Workspace
from azureml.exceptions import *

def error_of(function, *arguments, **named):
    try:
        value = function(*arguments, **named)
    except Exception as error:
        return error
    raise AssertionError(f"it gave {value!r}")

def same(seen, wanted):
    assert seen == wanted, f"{seen!r} is not {wanted!r}"

def refused(kind, words, function, *arguments, **named):
    error = error_of(function, *arguments, **named)
    missing = [word for word in words.split("; ") if word not in str(error)]
    assert isinstance(error, kind) and not missing, f"{type(error).__name__}: {error} (without {missing})"

class Plot:  # as a figure of matplotlib, and pyplot itself
    def savefig(self, file, format=None, **_):
        file.write(b"\\x89PNG")
"""

PANDAS = """
import csv

class DataFrame:  # what of pandas the SDK and the tests use
    def __init__(self, rows):
        self.rows = rows
        self.columns = list(rows[0])

    def __len__(self):
        return len(self.rows)

    def __getitem__(self, name):
        return [row[name] for row in self.rows]

    def reset_index(self, drop):
        return self

def read_csv(source, **_):
    with open(source, newline="") as file:
        return DataFrame([{k: float(v) for k, v in row.items()} for row in csv.DictReader(file)])
"""


def drive(
    mlrun: Mlrun, code: str, *arguments: str, folder: Path | None = None, command: Sequence[str] = (sys.executable,)
) -> str:
    """Run a script to its good end, in the attached folder or another, by a Python or what starts one; what it printed.

    It finds `Workspace`, the exceptions, and `error_of(function, *arguments)`: what a call raises; `same(seen, wanted)`
    and `refused(kind, words, function, *arguments)`, which fail unless the two are equal, or the call raises an error
    of that class with all the words, between which stands `; `; and `Plot`, a figure.
    """
    done = subprocess.run(
        [*command, "-c", BEGINNING + textwrap.dedent(code), *arguments],
        cwd=folder or mlrun.folder,
        env=mlrun.environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        encoding="utf-8",
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert not done.stderr, done.stderr
    return done.stdout


def run_inside(mlrun: Mlrun, code: str, *, python: str = sys.executable) -> dict[str, Any]:
    """Submit a script, which finds what one of `drive` finds, and a `run`; the record of the run, which has completed.

    With a `python` of another environment it has the SDK alone, and not the rest of this program.
    """
    mlrun.script(f"{BEGINNING}\nfrom azureml.core import Run\nrun = Run.get_context()\n{textwrap.dedent(code)}")
    mlrun.script(
        "script: train.py\nenvironment:\n  python:\n    userManagedDependencies: true\n"
        f"    interpreterPath: {json.dumps(python)}\n",
        "inside.runconfig",
    )
    run_id = mlrun.submit("-c", "inside")
    record = mlrun.wait(run_id)
    assert record["status"] == "Completed", f"{record.get('error')}\n{mlrun.log(run_id)}"
    return record
