"""Pipelines of public repositories, whose scripts are not theirs but ours."""

from __future__ import annotations

import shutil
from pathlib import Path

from tests.running import Mlrun

CORPUS = Path(__file__).parents[1] / "data" / "step_pipelines"
BATCH_CONFIG = "microsoft__aml-acceleration-template__pipelines-yaml__batch-inference__runconfig.yml"
RUNCONFIG = "environment: {python: {userManagedDependencies: true, interpreterPath: python}}\n"
SCRIPT = """
import os, sys
values = dict(zip(sys.argv[1::2], sys.argv[2::2]))
for name in ("--step_output", "--out"):
    if name in values:
        os.makedirs(values[name], exist_ok=True)
        open(os.path.join(values[name], "done"), "w").write("x")
for name in ("--step_input",):
    if name in values:
        assert os.listdir(values[name]) == ["done"]
print(sorted(values.items()), {name: value for name, value in os.environ.items() if name.startswith("AML_PARAMETER_")})
"""
READS_DATA = """
import os, sys
folder = sys.argv[sys.argv.index("--data-path") + 1]
assert sorted(os.listdir(folder)) == ["credit.csv"], folder
"""
WRITES_REFERENCE = """
import os
assert open(os.environ["AZUREML_DATAREFERENCE_InputData"]).read() == "sample"
assert (os.environ["AML_PARAMETER_NUM_ITERATIONS_1"], os.environ["AML_PARAMETER_NUM_ITERATIONS_2"]) == ("7", "3")
os.makedirs(os.environ["AZUREML_DATAREFERENCE_OutputData"])
"""


def find(name: str) -> Path:
    """Return the only file whose name ends so."""
    [path] = [path for path in CORPUS.iterdir() if path.name.endswith(name)]
    return path


def prepare(mlrun: Mlrun, name: str, place: str, files: dict[str, str]) -> None:
    """Write files to the attached folder, among them a pipeline at a place, and make its target."""
    for path, text in files.items():
        mlrun.script(text, path)
    (mlrun.folder / place).parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(find(name), mlrun.folder / place)
    mlrun("computetarget", "create", "amlcompute", "-n", "cpu-cluster", "-s", "STANDARD_D2_V2", "--max-nodes", "2")
