from __future__ import annotations

import json

import pytest

from mlrun_cli.processes.launch import Launch
from mlrun_cli.processes.launchers.registry import get_launcher
from mlrun_cli.targets.slurm.job_nodes import SlurmJobNodes

PORTS = list(range(20_000, 20_300))


def test_one_process_needs_no_port_and_keeps_its_log() -> None:
    launcher = get_launcher(Launch())

    assert launcher.port_count == 0
    (process,) = launcher.prepare_processes([])
    assert process == (0, {"AZUREML_NODE_COUNT": "1"}, "user_logs/std_log.txt", False, False)


def test_a_script_that_runs_once_on_each_node_is_not_told_that_it_is_one_of_pytorchs() -> None:
    first, second = get_launcher(Launch(node_count=2, process_count=2)).prepare_processes(PORTS[:1])

    assert {**first.variables, "NODE_RANK": "1"} == second.variables
    assert set(first.variables) == {"AZUREML_NODE_COUNT", "MASTER_ADDR", "MASTER_PORT", "NODE_RANK"}


def test_each_task_of_tensorflow_has_an_address_of_its_own_and_the_workers_come_first() -> None:
    launcher = get_launcher(Launch("tensorflow", node_count=2, process_count=3, server_count=1))
    assert launcher.port_count == 3

    processes = launcher.prepare_processes(PORTS[:3])

    configs = [json.loads(process.variables["TF_CONFIG"]) for process in processes]
    cluster = {"worker": ["127.0.0.1:20000", "127.0.0.1:20001"], "ps": ["127.0.0.1:20002"]}
    assert [config["cluster"] for config in configs] == [cluster] * 3
    assert [config["task"] for config in configs] == [
        {"type": "worker", "index": 0},
        {"type": "worker", "index": 1},
        {"type": "ps", "index": 0},
    ]
    assert [process.node for process in processes] == [0, 1, 0]
    assert [process.is_server for process in processes] == [False, False, True]


@pytest.mark.parametrize(
    "launch",
    [
        Launch(node_count=2, process_count=2),
        Launch("pytorch", node_count=2, process_count=4),
        Launch("tensorflow", node_count=2, process_count=3, server_count=1),
    ],
)
def test_the_log_of_a_node_is_that_of_its_first_process(launch: Launch) -> None:
    launcher = get_launcher(launch)
    processes = launcher.prepare_processes(PORTS[: launcher.port_count])

    first = {process.node: process.log for process in reversed(processes)}

    assert {node: launcher.get_node_log_name(node) for node in range(2)} == first


def test_workers_without_parameter_servers_hear_of_none() -> None:
    launcher = get_launcher(Launch("tensorflow", process_count=2))

    config = json.loads(launcher.prepare_processes(PORTS[:2])[1].variables["TF_CONFIG"])

    assert set(config["cluster"]) == {"worker"}


def test_mpis_launcher_is_told_how_many_and_scripts_for_azure_find_the_first_node() -> None:
    launch = Launch("mpi", node_count=2, process_count=6, launcher="/usr/bin/mpirun")

    (process,) = get_launcher(launch).prepare_processes(PORTS[:1])

    assert get_launcher(launch).build_command_prefix() == ["/usr/bin/mpirun", "-np", "6"]
    assert process.variables["AZ_BATCH_MASTER_NODE"] == "127.0.0.1:20000"
    assert process.log == "user_logs/std_log.txt"
    assert launch.log_names == tuple(f"user_logs/std_log_process_{rank}.txt" for rank in range(6))


@pytest.mark.parametrize(
    ("launch", "gpus", "of_nodes"),
    [
        (Launch("pytorch", 2, 4), "3,1,5,7", ["3,1", "5,7"]),
        (Launch("pytorch", 1, 2), "0,1", ["0,1"]),
        (Launch("pytorch", 2, 2), "0,1,2", ["0,1,2", "0,1,2"]),
        (Launch("mpi", 2, 2), "0,1", ["0,1"]),
    ],
)
def test_nodes_divide_the_gpus_of_a_run_where_they_can(launch: Launch, gpus: str, of_nodes: list[str]) -> None:
    assert [get_launcher(launch).get_gpu_share(node, gpus) for node in range(len(of_nodes))] == of_nodes


@pytest.mark.parametrize("kind", ["nodes", "pytorch", "mpi"])
def test_the_first_of_other_machines_is_the_master(kind: str) -> None:
    launcher = get_launcher(Launch(kind, node_count=2, process_count=2), ["10.0.0.1", "10.0.0.2"])
    assert {process.variables["MASTER_ADDR"] for process in launcher.prepare_processes(PORTS[:1])} == {"10.0.0.1"}


def test_each_tensorflow_process_has_the_address_of_its_node() -> None:
    launcher = get_launcher(Launch("tensorflow", 2, 3, 1), ["10.0.0.1", "10.0.0.2"])
    config = json.loads(launcher.prepare_processes(PORTS[:3])[0].variables["TF_CONFIG"])
    hosts = {kind: [address.rpartition(":")[0] for address in each] for kind, each in config["cluster"].items()}
    assert hosts == {"worker": ["10.0.0.1", "10.0.0.2"], "ps": ["10.0.0.1"]}


def test_mpi_knows_how_many_processes_each_machine_has() -> None:
    launch = Launch("mpi", node_count=2, process_count=6, launcher="/usr/bin/mpirun")
    variables = SlurmJobNodes("n[1-2]").build_mpi_variables(launch)
    (process,) = get_launcher(launch, ["10.0.0.1", "10.0.0.2"], variables).prepare_processes(PORTS[:1])
    assert process.variables["SLURM_TASKS_PER_NODE"] == "3(x2)"
