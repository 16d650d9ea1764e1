from __future__ import annotations

import subprocess
import sys

import pytest

LOAD = """
import json, sys
from types import SimpleNamespace
from mlrun_cli.supervisor.output_registration import load_output_registration

load_output_registration(SimpleNamespace(**json.loads(sys.argv[1])))
modules = ["mlrun_cli.actions.data_outputs", "mlrun_cli.submit.pipeline_outputs"]
print([name.rpartition(".")[2] for name in modules if name in sys.modules])
"""


@pytest.mark.parametrize(
    ("run", "loaded"),
    [
        ('{"run_type": null, "definition": {"outputData": [{"name": "x"}]}}', ["data_outputs"]),
        ('{"run_type": "azureml.scriptrun", "definition": {"outputData": []}}', []),
        ('{"run_type": "azureml.StepRun", "definition": {"outputData": []}}', ["pipeline_outputs"]),
    ],
)
def test_what_keeps_outputs_is_loaded_at_the_start_of_runs_that_may_have_some(run: str, loaded: list[str]) -> None:
    done = subprocess.run([sys.executable, "-c", LOAD, run], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == str(loaded)
