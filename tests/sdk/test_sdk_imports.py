from __future__ import annotations

import ast
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.running import interpreters
from tests.sdk.driving import run_alone

if TYPE_CHECKING:
    from tests.sdk.conftest import SubmittedRun

SDK = Path(__file__).parents[2] / "mlrun_cli" / "sdk"
MODULES = sorted(SDK.rglob("*.py"))
FOR_MLFLOW = {"_artifacts.py", "_projects.py", "_registry_store.py", "_tracking_store.py"}
"""The modules that MLflow's entry points import, which need MLflow."""


@pytest.mark.parametrize("python", interpreters(), ids=os.path.basename)
def test_every_module_can_be_imported_without_a_warning(python: str) -> None:
    names = [
        ".".join(module.relative_to(SDK).with_suffix("").parts).removesuffix(".__init__")
        for module in MODULES
        if module.parent.name != "mlflow" or module.name not in FOR_MLFLOW
    ]
    assert names
    failed = run_alone(
        f"""
        import importlib, json, warnings
        warnings.simplefilter("error")
        failed = {{}}
        for name in {names!r}:
            try:
                importlib.import_module(name)
            except BaseException as error:
                failed[name] = repr(error)
        print(json.dumps(failed))
        """,
        python=python,
    )
    assert failed == {}


def test_the_sdk_imports_itself_and_the_standard_library_only() -> None:
    for module in MODULES:
        for node in ast.walk(ast.parse(module.read_text(encoding="utf-8"))):
            names = []
            if isinstance(node, ast.Import):
                names = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom):
                names = [node.module or "."]
            for name in names:
                assert name.partition(".")[0] in {*sys.stdlib_module_names, "azureml", "azureml_user"}, (
                    f"{module}: {name}"
                )


def test_the_import_of_the_sdk_loads_nothing_slow(submitted: SubmittedRun) -> None:
    output = submitted.run("""
        import json, sys
        run.log("loss", 0.1)
        print(json.dumps(sorted(sys.modules)))
    """)
    slow = {"asyncio", "dataclasses", "importlib.metadata", "inspect", "logging", "numpy", "pathlib"}
    slow |= {"socket", "sqlite3", "subprocess", "uuid"}
    # What the interpreter itself loads at its start is not the SDK's doing.
    bare = subprocess.run(
        [sys.executable, "-c", "import sys, json; print(json.dumps(sorted(sys.modules)))"],
        env=submitted.environment,
        capture_output=True,
        check=True,
    ).stdout
    assert not slow & (set(json.loads(output)) - set(json.loads(bare)))


@pytest.mark.usefixtures("server")
@pytest.mark.parametrize("python", interpreters(), ids=os.path.basename)
def test_the_sdk_works_on_every_interpreter(submitted: SubmittedRun, python: str) -> None:
    output = submitted.run(
        """
        import os, threading
        run.log("loss", 0.5); run.log_list("l", [1]); run.log_row("r", x=1); run.log_table("t", {"x": [1]})
        run.tag("key", "value")
        if os.fork() == 0:
            run.log("child", float("nan"))
            os._exit(0)
        assert os.wait()[1] == 0
        thread = threading.Thread(target=run.log, args=("loss", 1))
        thread.start(); thread.join()
        metrics = run.get_metrics()
        print(metrics['loss'], len(metrics['child']), run.tags, run.number, run.experiment.name)
        try:
            run.log("x", [])
        except Exception as error:
            print(error)
        run.complete()
        """,
        python=python,
    )
    metrics, refusal = output.splitlines()
    assert metrics == "[0.5, 1] 1 {'key': 'value'} 7 iris"
    assert "log_list" in refusal
    assert len(submitted.lines()) == 8


def test_the_sdk_refuses_to_be_half_of_another_package(submitted: SubmittedRun, tmp_path: Path) -> None:
    other = tmp_path / "site" / "azureml"
    other.mkdir(parents=True)
    extends = "__path__ = __import__('pkgutil').extend_path(__path__, __name__)\n"
    (other / "__init__.py").write_text(extends, encoding="utf-8")
    submitted.environment["PYTHONPATH"] = f"{other.parent}:{SDK}"
    for module in ("azureml.core", "azureml.exceptions"):
        result = subprocess.run(
            [sys.executable, "-c", f"import {module}"],
            env=submitted.environment,
            capture_output=True,
            text=True,
            check=False,
        )
        last = result.stderr.splitlines()[-1]
        assert last.startswith("ImportError: ")
        assert str(other) in last


def test_the_sdk_wins_inside_a_run_over_another_package(submitted: SubmittedRun, tmp_path: Path) -> None:
    other = tmp_path / "site" / "azureml"
    (other / "core").mkdir(parents=True)
    (other / "__init__.py").touch()
    (other / "core" / "__init__.py").touch()
    submitted.environment["PYTHONPATH"] = f"{SDK}:{other.parent}"
    assert submitted.run("print(run.id)") == "iris_1_0000abcd\n"
