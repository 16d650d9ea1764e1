from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from mlrun_cli.errors import MlrunError
from mlrun_cli.sweeps.config_file import SweepFile, read_sweep_file

SAMPLE = """\
sampling:
    type: random
    parameter_space:
    - name: --c
      expression: choice
      values: [0.5, 1, 1.5]
policy:
    type: BanditPolicy
    evaluation_interval: 1
    slack_factor: 0.2
primary_metric_name: Test accuracy
primary_metric_goal: Maximize
max_total_runs: 8
max_concurrent_runs: 1
max_duration_minutes: 60
"""

ReadSweep = Callable[[str], SweepFile]


@pytest.fixture
def read(tmp_path: Path) -> ReadSweep:
    """Return a function that reads the text of a configuration file, `sweep.yml`."""

    def read_text(text: str) -> SweepFile:
        path = tmp_path / "sweep.yml"
        path.write_text(text, encoding="utf-8", newline="")
        return read_sweep_file(path)

    return read_text


@pytest.fixture
def refuse(read: ReadSweep) -> Callable[[str], MlrunError]:
    """Return a function that gives the error of a configuration file."""

    def get_error(text: str) -> MlrunError:
        with pytest.raises(MlrunError) as caught:
            read(text)
        return caught.value

    return get_error
