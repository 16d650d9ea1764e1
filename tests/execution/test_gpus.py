from __future__ import annotations

from pathlib import Path

import pytest

from mlrun_cli.execution.gpus import Gpu, gpus_of_machine, usable_gpus
from tests.running import make_nvidia_smi

MACHINE = [Gpu("0", "GPU-aaaa-1"), Gpu("1", "GPU-bbbb-2"), Gpu("2", "GPU-cccc-3")]


@pytest.mark.parametrize(
    ("visible", "usable"),
    [
        (None, ["0", "1", "2"]),
        ("", []),
        ("-1", []),
        ("1", ["1"]),
        (" 2, 0 ", ["2", "0"]),
        ("GPU-bbbb", ["1"]),
        ("1,GPU-bbbb-2", ["1"]),
        ("0,-1,2", ["0"]),
        ("0,7,1", ["0"]),
        ("MIG-GPU-aaaa-1/1/0,2", ["MIG-GPU-aaaa-1/1/0", "2"]),
    ],
)
def test_a_gpu_has_one_name_however_it_was_made_visible(visible: str | None, usable: list[str]) -> None:
    assert usable_gpus(MACHINE, visible) == usable


def test_names_are_taken_as_they_stand_where_nobody_knows_the_machine() -> None:
    assert usable_gpus([], "0,7,GPU-x,-1,3") == ["0", "7", "GPU-x"]
    assert usable_gpus([], None) == []


def test_the_machine_is_asked_and_not_the_variable(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(make_nvidia_smi(tmp_path, 3)))
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "2")
    assert gpus_of_machine() == [Gpu("0", "GPU-0"), Gpu("1", "GPU-1"), Gpu("2", "GPU-2")]
