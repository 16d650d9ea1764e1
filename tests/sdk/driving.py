"""Running of driver scripts outside a run, each with its own home, and of scripts inside a run."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import textwrap
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tests.running import Mlrun, good_end, interpreters

SDK = Path(__file__).parents[2] / "mlrun_cli" / "sdk"
OLDEST = [*interpreters(), sys.executable][1]
"""The oldest Python of another environment, which does not know this program; this one when there is no other."""
PYTHONS = list(dict.fromkeys([sys.executable, OLDEST]))

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

__version__ = "2.0"

class api:
    class types:
        infer_dtype = staticmethod(lambda column: "floating")
        is_integer_dtype = staticmethod(lambda column: False)
        is_numeric_dtype = staticmethod(lambda column: True)

class Column(list):
    def dropna(self):
        return self

class DataFrame:  # what of pandas the SDK and the tests use
    def __init__(self, rows):
        self.rows = rows
        self.columns = list(rows[0])

    def __len__(self):
        return len(self.rows)

    def __getitem__(self, name):
        return Column(row[name] for row in self.rows)

    def reset_index(self, drop):
        return self

def read_csv(source, **_):
    with open(source, newline="") as file:
        return DataFrame([{k: float(v) for k, v in row.items()} for row in csv.DictReader(file)])
"""

STORY = """
import io, json, math, os

def tell(run, model, again):  # in every shape in which scripts call it; two names for an uploaded file
    run.log("Accuracy of all", 0.5)
    run.log(name="mse", value=2)
    run.log(name="mse", value=1.5)
    run.log("text", "f-string %s" % 1, "described")
    run.log("train/{}".format("loss"), float("nan"))
    run.log_list("positional", [1, 2])
    run.log_list(name="named", value=(x for x in "ab"), description="letters")
    for epoch in range(2):
        run.log_row("Epochs", epoch=epoch, **{"loss": 1 / (epoch + 1)})
    run.log_table("table", value={"x": [1, 2], "y": [3, 4]})
    run.log_image("ROC", plot=Plot())
    run.log_image(name="shown", plot=Plot(), description="a curve")
    with open("image.png", "wb") as file:
        file.write(b"\\x89PNG file")
    run.log_image("by path", "image.png")
    run.log_image("by keyword", path="image.png")
    matrix = {"schema_type": "confusion_matrix", "schema_version": "1.0.0",
              "data": {"class_labels": ["0", "1"], "matrix": [[1, 2], [3, 4]]}}
    run.log_confusion_matrix("Confusion matrix", matrix)
    run.log_confusion_matrix(name="as text", value=json.dumps(matrix))

    class Array:
        tolist = lambda self: [[1, 2], [3, 4]]

    run.log_confusion_matrix("as array", {**matrix, "data": {"class_labels": ["0", "1"], "matrix": Array()}})

    metrics = run.get_metrics()
    same(math.isnan(metrics.pop("train/loss")), True)
    for name in ("ROC", "shown", "by path", "by keyword", "Confusion matrix", "as text", "as array"):
        uri = metrics.pop(name)
        assert uri.startswith("aml://artifactId/ExperimentRun/dcid." + run.id + "/" + name), uri
    same(metrics, {
        "Accuracy of all": 0.5, "mse": [2, 1.5], "text": "f-string 1", "positional": [1, 2], "named": ["a", "b"],
        "Epochs": {"epoch": [0, 1], "loss": [1.0, 0.5]}, "table": {"x": [1, 2], "y": [3, 4]},
    })
    same(run.get_metrics(name="mse"), {"mse": [2, 1.5]})
    same(run.get_metrics("no such metric"), {})

    os.makedirs("outputs/inner", exist_ok=True)
    with open("outputs/model.pkl", "wb") as file:
        file.write(b"model")
    with open("outputs/inner/scaler.pkl", "wb") as file:
        file.write(b"scaler")
    run.upload_file(model, "outputs/model.pkl")
    run.upload_file(name=again, path_or_stream="outputs/model.pkl")
    run.upload_file("from a stream.txt", io.BytesIO(b"streamed"))
    run.upload_folder("folder", "outputs")
    run.upload_folder(name="named", path="outputs/inner")

    run.tag("quality", "good")
    run.tag("bare")
    run.set_tags({"number": 3})
    same(run.get_tags(), {"quality": "good", "bare": None, "number": "3"})
    same(run.tags, run.get_tags())
    run.add_properties({"owner": "me"})

    assert run.get_portal_url().startswith("http://") and run.id in run.get_portal_url(), run.get_portal_url()
"""


def drive(
    mlrun: Mlrun, code: str, *arguments: str, folder: Path | None = None, command: Sequence[str] = (sys.executable,)
) -> str:
    """Run a script to its good end, in the attached folder or another, by a Python or what starts one; what it printed.

    It finds `Workspace`, the exceptions, and `error_of(function, *arguments)`: what a call raises; `same(seen, wanted)`
    and `refused(kind, words, function, *arguments)`, which fail unless the two are equal, or the call raises an error
    of that class with all the words, between which stands `; `; and `Plot`, a figure.
    """
    return good_end(mlrun.run(*command, "-c", BEGINNING + textwrap.dedent(code), *arguments, folder=folder))


def run_alone(code: str, python: str = sys.executable) -> Any:
    """Run code whose last line prints JSON, by a Python that finds the SDK and nothing else; what that line says."""
    done = subprocess.run(
        [python, "-c", textwrap.dedent(code)],
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(SDK), "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


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
    record = mlrun.ended("-c", "inside")
    assert record["status"] == "Completed", f"{record.get('error')}\n{mlrun.log(record['run_id'])}"
    return record
