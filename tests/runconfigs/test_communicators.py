from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from mlrun_cli.errors import Unsupported
from mlrun_cli.processes.launch import Launch
from mlrun_cli.processes.launchers.registry import get_launcher
from mlrun_cli.runconfigs.communicators import (
    COMMUNICATORS,
    LAUNCH_SECTIONS,
    MAX_PROCESSES,
    LaunchRefused,
    build_launch,
    describe_launch,
    resolve_launcher_program,
)
from mlrun_cli.runconfigs.run_configuration import RunConfiguration
from mlrun_cli.runconfigs.schema import build_runconfig_schema


def launch(communicator: str, nodes: int = 1, **rest: Any) -> Launch:
    keys = {name.replace("__", "."): value for name, value in rest.items()}
    return build_launch(RunConfiguration(communicator=communicator, node_count=nodes, rest=keys))


@pytest.mark.parametrize(
    ("communicator", "kind"),
    [
        ("None", "nodes"),
        ("OpenMpi", "mpi"),
        ("INTELMPI", "mpi"),
        ("mpi", "mpi"),
        ("Horovod", "mpi"),
        ("parameterserver", "tensorflow"),
        ("PyTorch", "pytorch"),
        ("nccl", "pytorch"),
        ("Gloo", "pytorch"),
    ],
)
def test_communicators_are_known_in_any_letters(communicator: str, kind: str) -> None:
    assert launch(communicator).kind == kind


@pytest.mark.parametrize("communicator", COMMUNICATORS)
def test_each_communicator_has_a_launcher_and_the_section_of_its_kind(communicator: str) -> None:
    found = launch(communicator, 2)

    assert get_launcher(found)
    assert set(describe_launch(found)) == {COMMUNICATORS[communicator]} & LAUNCH_SECTIONS.keys()


def test_the_schema_lists_the_communicators() -> None:
    schema = build_runconfig_schema()["properties"]["communicator"]
    assert {"enum": tuple(COMMUNICATORS)} in schema["anyOf"]


def test_a_communicator_without_its_section_has_one_process_per_node() -> None:
    assert launch("Nccl", 3).process_count == 3
    assert launch("Mpi", 3).process_count == 3
    assert launch("None", 3).process_count == 3


def test_the_sections_say_how_many_processes_there_are() -> None:
    assert launch("Nccl", 2, pytorch__processCount=8, pytorch__nodeCount=2).process_count == 8
    assert launch("Mpi", 2, mpi__processCountPerNode=3).process_count == 6
    cluster = launch("ParameterServer", 2, tensorflow__workerCount=2, tensorflow__parameterServerCount=1)
    assert (cluster.process_count, cluster.server_count) == (3, 1)
    assert launch("ParameterServer", tensorflow__parameterServerCount=0).server_count == 0


@pytest.mark.parametrize(
    ("communicator", "nodes", "rest", "key_path", "words"),
    [
        ("Smoke", 1, {}, "communicator", "not known"),
        ("None", MAX_PROCESSES + 1, {}, "nodeCount", "257 processes"),
        ("Gloo", 1, {"pytorch__processCount": 1_000}, "pytorch.processCount", "1000 processes"),
        ("Gloo", 2, {"pytorch__processCount": 3}, "pytorch.processCount", "divided evenly among 2 nodes"),
        ("Gloo", 1, {"pytorch__processCount": "four"}, "pytorch.processCount", "'four' is not a number"),
        ("Gloo", 1, {"pytorch__processCount": 0}, "pytorch.processCount", "0 is not a number"),
        ("Gloo", 2, {"pytorch__nodeCount": 4}, "pytorch.nodeCount", "it is 4, and nodeCount is 2"),
        ("Mpi", 1, {"mpi__processCountPerNode": -1}, "mpi.processCountPerNode", "-1 is not a number"),
        ("Mpi", 1, {"mpi__processCountPerNode": True}, "mpi.processCountPerNode", "True is not a number"),
        ("Mpi", 1, {"mpi__nodeCount": 2.5}, "mpi.nodeCount", "2.5 is not a number"),
        ("ParameterServer", 1, {"tensorflow__workerCount": 0}, "tensorflow.workerCount", "0 is not a number"),
        ("ParameterServer", 1, {"tensorflow__parameterServerCount": -1}, "tensorflow.parameterServerCount", "-1 is"),
        ("ParameterServer", 3, {}, "nodeCount", "only 2 workers and parameter servers"),
    ],
)
def test_counts_that_cannot_be_are_refused_by_their_key(
    communicator: str, nodes: int, rest: dict[str, Any], key_path: str, words: str
) -> None:
    with pytest.raises(LaunchRefused) as caught:
        launch(communicator, nodes, **rest)

    assert caught.value.key_path == key_path
    assert words in caught.value.reason
    assert caught.value.advice


def program(path: Path) -> Path:
    path.parent.mkdir(exist_ok=True)
    path.write_text("", encoding="utf-8")
    path.chmod(0o755)
    return path


def test_the_launcher_beside_the_interpreter_comes_before_that_on_path(tmp_path: Path) -> None:
    on_path = program(tmp_path / "bin" / "mpirun")
    mpi = Launch("mpi")

    assert resolve_launcher_program(mpi, "Mpi", "/none/python", str(on_path.parent)).launcher == str(on_path)

    beside = program(tmp_path / "venv" / "mpirun")
    assert resolve_launcher_program(mpi, "Mpi", str(beside.parent / "python"), str(on_path.parent)).launcher == str(
        beside
    )


def test_mpiexec_will_do_and_without_either_mpi_is_refused(tmp_path: Path) -> None:
    mpi = Launch("mpi")
    with pytest.raises(Unsupported, match=r"'IntelMpi' .*\bmpirun\b.*\bmpiexec\b"):
        resolve_launcher_program(mpi, "IntelMpi", "/none/python", str(tmp_path))

    mpiexec = program(tmp_path / "mpiexec")
    assert resolve_launcher_program(mpi, "IntelMpi", "/none/python", str(tmp_path)).launcher == str(mpiexec)


def test_other_launches_need_no_launcher() -> None:
    assert resolve_launcher_program(Launch(), "None", "python", "").launcher is None
