from __future__ import annotations

import json

import pytest

from mlrun_cli.processes.launch import Launch
from mlrun_cli.processes.launchers.registry import is_launch_variable


@pytest.mark.parametrize(
    "launch",
    [
        Launch(),
        Launch("pytorch", node_count=2, process_count=4),
        Launch("tensorflow", node_count=2, process_count=3, server_count=1),
        Launch("mpi", process_count=2, launcher="/usr/bin/mpirun"),
    ],
)
def test_a_launch_is_read_as_it_was_written(launch: Launch) -> None:
    document = json.loads(json.dumps(launch.to_json() | {"newer": 1}))

    assert Launch.from_json(document) == launch


def test_logs_are_numbered_with_as_many_digits_as_the_last_needs() -> None:
    names = Launch(node_count=11, process_count=11).log_names

    assert names[0] == "user_logs/std_log_process_00.txt"
    assert names[10] == "user_logs/std_log_process_10.txt"
    assert sorted(names) == list(names)


def test_what_tells_a_process_of_the_others_is_known_by_its_name() -> None:
    names = ["RANK", "TF_CONFIG", "OMPI_COMM_WORLD_RANK", "PATH", "CUDA_VISIBLE_DEVICES"]

    assert [name for name in names if is_launch_variable(name)] == ["RANK", "TF_CONFIG", "OMPI_COMM_WORLD_RANK"]
