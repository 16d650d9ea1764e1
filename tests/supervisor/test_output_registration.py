from __future__ import annotations

import subprocess
import sys

import pytest

LOAD = """
import json, sys
from types import SimpleNamespace
from mlrun_cli.supervisor.output_registration import load_output_registration

load_output_registration(SimpleNamespace(definition=json.loads(sys.argv[1])))
print("mlrun_cli.actions.data_outputs" in sys.modules)
"""


@pytest.mark.parametrize(
    ("definition", "is_loaded"), [('{"outputData": [{"name": "x"}]}', True), ('{"outputData": []}', False)]
)
def test_what_registers_outputs_is_loaded_at_the_start_of_runs_that_have_some(definition: str, is_loaded: bool) -> None:
    done = subprocess.run([sys.executable, "-c", LOAD, definition], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == str(is_loaded)
