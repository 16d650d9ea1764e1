"""The program of ParallelRunStep, started as the tool starts it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import mlrun_cli

SDK = Path(mlrun_cli.__file__).parent / "sdk"
NAMES = "import os\ndef run(batch):\n    return [os.path.basename(path) for path in batch]\n"


class Step:
    """A folder with an entry script and inputs, in which the program runs as a step's script does."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.inputs = folder / "in"
        self.output = folder / "out"
        self.inputs.mkdir()

    def write_inputs(self, count: int) -> None:
        for number in range(count):
            (self.inputs / f"{number:03d}.txt").write_text(str(number), encoding="utf-8")

    def start(self, script: str, *arguments: str, **options: object) -> subprocess.Popen[str]:
        """Start the program on its only node."""
        return self.start_on_node({}, script, *arguments, **options)

    def start_on_node(
        self, variables: Mapping[str, str], script: str, *arguments: str, **options: object
    ) -> subprocess.Popen[str]:
        """Start the program on the node that the variables name."""
        (self.folder / "entry.py").write_text(script, encoding="utf-8")
        settings = {"error_threshold": 0, "output_action": "append_row", "process_count_per_node": 2, **options}
        words = [word for key, value in settings.items() for word in (f"--{key}", str(value))]
        return subprocess.Popen(
            [
                *(sys.executable, "-m", "azureml._parallel_run", "--scoring_module_name", "entry.py", *words),
                *("--output", str(self.output), *arguments, "--input_fds_0", str(self.inputs)),
            ],
            cwd=self.folder,
            env={**os.environ, "PYTHONPATH": str(SDK), **variables},
            stdin=subprocess.DEVNULL,
            start_new_session=True,
            stderr=subprocess.PIPE,
            encoding="utf-8",
        )

    def run(self, script: str, *arguments: str, **options: object) -> tuple[int, str]:
        """Run the program; return its exit code and what it says of an error."""
        with self.start(script, *arguments, **options) as process:
            assert process.stderr is not None
            said = process.stderr.read()
        return process.returncode, said

    def read_rows(self) -> list[str]:
        return (self.output / "parallel_run_step.txt").read_text(encoding="utf-8").splitlines()

    def read_result(self) -> dict[str, object]:
        result: dict[str, object] = json.loads((self.folder / "logs/job_result.txt").read_text(encoding="utf-8"))
        return result
