from __future__ import annotations

from pathlib import Path

import pytest

from mlrun_cli.processes.gpus import Gpu, get_lock_name, list_gpus, query_busy_gpus, select_usable_gpus
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
    assert select_usable_gpus(MACHINE, visible) == usable


@pytest.mark.parametrize("visible", [None, "0", "GPU-x,3", "MIG-GPU-aaaa-1/1/0"])
def test_a_machine_without_gpus_has_none_whatever_the_variable_says(visible: str | None) -> None:
    assert select_usable_gpus([], visible) == []


def test_the_machine_is_asked_and_not_the_variable(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(make_nvidia_smi(tmp_path, 3)))
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "2")
    assert list_gpus() == [Gpu("0", "GPU-0"), Gpu("1", "GPU-1"), Gpu("2", "GPU-2")]


def test_gpus_that_processes_use_are_busy_unless_it_is_the_service_by_which_several_use_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", f"{make_nvidia_smi(tmp_path, 3)}:/usr/bin:/bin")
    machine = list_gpus()
    assert query_busy_gpus(machine) == set()
    lines = ["GPU-1, /usr/bin/python", "GPU-0, nvidia-cuda-mps-server", "MIG-a, x, y", "GPU-9, x", ""]
    (tmp_path / "compute-apps").write_text("\n".join(lines), encoding="utf-8")
    assert query_busy_gpus(machine) == {"1", "MIG-a"}


def test_a_gpu_is_locked_under_the_name_that_all_know_it_by() -> None:
    assert [get_lock_name(MACHINE, name) for name in ("1", "MIG-x/0", "9")] == ["GPU-bbbb-2", "MIG-x/0", "9"]
    assert get_lock_name([Gpu("0")], "0") == "0"
