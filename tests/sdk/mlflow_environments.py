"""Environments with a version of MLflow, each installed once, and scripts that run in them."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

import pytest

from tests.running import COMMAND, ENDED, Mlrun
from tests.sharing import lock

_TOP = Path(__file__).parents[2]
_WITH_1 = ("mlflow-skinny==1.30.*", "setuptools<80", "numpy<2", "pandas<2", "scikit-learn<1.3")
_WITH_2 = ("mlflow-skinny==2.22.*", "scikit-learn<1.7", "pandas<3")
_VERSIONS = {
    "1": _WITH_1,
    "2": _WITH_2,
    "3": ("mlflow-skinny==3.17.*",),
    "1-tests": (*_WITH_1, "pytest"),
    "2-tests": (*_WITH_2, "pytest"),
    "3-tests": ("mlflow-skinny==3.17.*", "scikit-learn", "skops", "pandas", "polars", "pytest"),
    "1-figures": (*_WITH_1, "matplotlib", "plotly<6"),
    "2-figures": (*_WITH_2, "matplotlib", "plotly"),
    "3-figures": ("mlflow-skinny==3.17.*", "matplotlib", "plotly"),
    "tensorboard": ("tensorboard==2.21.*", "setuptools<80"),
    "learners": (
        "mlflow-skinny==3.17.*",
        "scikit-learn",
        "pandas",
        "skops",
        "xgboost-cpu",
        "lightgbm",
        "keras",
        "jax[cpu]",
    ),
    "server": ("mlflow==3.17.*", "--editable", str(_TOP)),
    "lightning": ("mlflow-skinny==3.17.*", "lightning", "torch", "pandas"),
}
"""What is installed in each environment."""


VERSIONS = [
    pytest.param("1", marks=pytest.mark.mlflow),
    pytest.param("2", marks=pytest.mark.mlflow),
    "3",
]
"""The versions of MLflow that tests compare with, of which the last is tested by default."""


def find_mlflow_python(version: str) -> str:
    """Return the Python of the environment with this MLflow, installed at need; skip the test if it cannot be."""
    folder = _TOP / f".venv-mlflow-{version}"
    python = folder / "bin" / "python"
    with lock(Path(f"/tmp/mlrun-mlflow-{version}-{os.getuid()}.lock")):
        if not (folder / "complete").exists():
            shutil.rmtree(folder, ignore_errors=True)
            uv = COMMAND.with_name("uv")
            interpreter = shutil.which("python3.11") if version.startswith("1") else sys.executable
            if interpreter is None:
                pytest.skip("MLflow 1 needs Python 3.11 or older")
            subprocess.run([uv, "venv", "--quiet", "--python", interpreter, folder], check=True)
            (folder / ".gitignore").write_text("*\n", encoding="utf-8")
            done = subprocess.run(
                [uv, "pip", "install", "--quiet", "--python", python, *_VERSIONS[version]],
                capture_output=True,
                encoding="utf-8",
                check=False,
            )
            if done.returncode != 0:
                pytest.skip(f"MLflow {version} cannot be installed: {done.stderr[-500:]}")
            (folder / "complete").touch()
    return str(python)


def submit_in(mlrun: Mlrun, python: str, code: str, *words: str, status: str = "Completed") -> dict[str, Any]:
    """Submit a script to be run by a Python, and return the record of the run, which must end in a status."""
    mlrun.script(code)
    mlrun.script(
        "script: train.py\nenvironment:\n  python:\n    userManagedDependencies: true\n"
        f"    interpreterPath: {json.dumps(python)}\n",
        "mlflow.runconfig",
    )
    run_id = mlrun.submit("-c", "mlflow", *words)
    mlrun.wait_for_status(run_id, *ENDED)
    record = mlrun.show(run_id)
    assert record["status"] == status, f"{record.get('error')}\n{mlrun.log(run_id)}"
    return record


def read_result(mlrun: Mlrun, record: dict[str, Any]) -> Any:
    """Return the JSON value that is the last line of a run's output."""
    return json.loads(mlrun.log(record["run_id"]).splitlines()[-1])


def run_alone_in(python: str, code: str, folder: Path, *files: Path) -> Any:
    """Run a script with MLflow's own store in a new folder with copies of files; return the JSON of its last line."""
    folder.mkdir()
    for file in files:
        shutil.copy(file, folder)
    script = folder / "train.py"
    script.write_text(textwrap.dedent(code), encoding="utf-8")
    done = subprocess.run(
        [python, "-W", "ignore", script],
        cwd=folder,
        env={
            "PATH": os.environ["PATH"],
            "HOME": os.fspath(folder),
            "MLFLOW_TRACKING_URI": (folder / "mlruns").as_uri(),
            "MLFLOW_ALLOW_FILE_STORE": "true",
        },
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def drive_in(mlrun: Mlrun, python: str, code: str) -> str:
    """Run a script outside of a run, by a Python that finds the SDK and mlrun-cli, and return its output."""
    paths = [path for path in sys.path if path]
    mlrun.environment["PYTHONPATH"] = os.pathsep.join(paths)
    done = mlrun.run(python, "-W", "ignore", "-c", textwrap.dedent(code))
    assert done.returncode == 0, done.stderr
    return done.stdout
