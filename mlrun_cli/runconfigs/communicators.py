"""The processes requested by a run configuration with `nodeCount`, `communicator` and the communicator's section.

A communicator has its name in `COMMUNICATORS`. The kind of its launches has a row in `_KINDS`, with the keys of the
section of that name, and a module of that name in `processes/launchers/`, which starts the processes.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from mlrun_cli.core.named_tuple import NamedTuple
from mlrun_cli.errors import Unsupported
from mlrun_cli.processes.launch import NODES, Launch
from mlrun_cli.runconfigs.key import Key
from mlrun_cli.runconfigs.value_schemas import COUNT, build_suggestion_schema

if TYPE_CHECKING:  # which needs the keys
    from mlrun_cli.runconfigs.run_configuration import RunConfiguration

MAX_PROCESSES = 256
_MPI = "mpi"
_PYTORCH = "pytorch"
_TENSORFLOW = "tensorflow"
_PARALLEL_TASK = "parallel_task"
PARALLEL_TASK = "ParallelTask"
"""The communicator of a step that works on batches on several nodes, which no runconfig needs to name."""
COMMUNICATORS: Mapping[str, str] = {
    "None": NODES,
    "OpenMpi": _MPI,
    "IntelMpi": _MPI,
    "Mpi": _MPI,
    "Horovod": _MPI,
    "ParameterServer": _TENSORFLOW,
    "TensorFlow": _TENSORFLOW,
    "PyTorch": _PYTORCH,
    "Nccl": _PYTORCH,
    "Gloo": _PYTORCH,
}
"""A mapping from the names of communicators, accepted in any letter case, to the kinds of their launches."""
_KINDS_BY_NAME = {PARALLEL_TASK.casefold(): _PARALLEL_TASK} | {
    name.casefold(): kind for name, kind in COMMUNICATORS.items()
}
MPI_LAUNCHER = "mpirun"
_LAUNCHERS = (MPI_LAUNCHER, "mpiexec")


class LaunchRefused(Exception):
    """A launch that cannot be started, with the key responsible, the reason and advice."""

    def __init__(self, key_path: str, reason: str, advice: str) -> None:
        super().__init__(f"{key_path}: {reason}")
        self.key_path = key_path
        self.reason = reason
        self.advice = advice


def build_launch(configuration: RunConfiguration) -> Launch:
    """Build the launch requested by a configuration, without searching for MPI's launcher program.

    Raises:
        LaunchRefused: a key has a value that is not supported.
    """
    communicator = configuration.communicator
    kind = _KINDS_BY_NAME.get(communicator.casefold())
    if kind is None:
        raise LaunchRefused(
            "communicator",
            f"'{communicator}' is not known here",
            f"Set it to one of {', '.join(COMMUNICATORS)}.",
        )
    launch = _KINDS[kind].build(configuration)
    if launch.process_count > MAX_PROCESSES:
        raise LaunchRefused(
            "nodeCount" if configuration.node_count > 1 else _KINDS[kind].count_key,
            f"{launch.process_count} processes would be started on this machine, and {MAX_PROCESSES} are the most",
            "Set it to a smaller number.",
        )
    return launch


def resolve_launch(configuration: RunConfiguration, interpreter: str, search_path: str, *, is_in_image: bool) -> Launch:
    """Build the launch requested by a configuration, including the path of its launcher program if it needs one.

    Raises:
        LaunchRefused: a key has a value that is not supported.
        Unsupported: the launcher program is not installed.
    """
    with configuration.locate_errors("communicator"):
        return resolve_launcher_program(
            build_launch(configuration),
            configuration.communicator,
            interpreter,
            search_path,
            is_in_image=is_in_image,
        )


def resolve_launcher_program(
    launch: Launch, communicator: str, interpreter: str, search_path: str, *, is_in_image: bool = False
) -> Launch:
    """Return a launch with the path of its launcher program added if it needs one, otherwise unchanged.

    In an image, the program is found only when its container starts.

    Raises:
        Unsupported: the launcher program is not installed.
    """
    if launch.kind != _MPI:
        return launch
    if is_in_image:
        return launch._replace(launcher=MPI_LAUNCHER)
    places = os.pathsep.join([os.path.dirname(interpreter), search_path])
    for name in _LAUNCHERS:
        found = shutil.which(name, path=places)
        if found is not None:
            return launch._replace(launcher=os.path.abspath(found))
    raise Unsupported(
        f"communicator cannot be used: '{communicator}' needs mpirun or mpiexec, and neither is on PATH.",
        hint="Install an MPI (on Debian: apt install openmpi-bin), or set communicator to None or PyTorch.",
    )


def list_launcher_programs(launch: Launch) -> tuple[str, ...]:
    """Return the names of the launcher programs that an image must contain for a launch."""
    return (MPI_LAUNCHER,) if launch.kind == _MPI else ()


def describe_launch(launch: Launch) -> dict[str, Any]:
    """Return a launch as a runconfig section with its process counts, or an empty dict for one process per node."""
    return dict(_KINDS[launch.kind].describe(launch))


def _build_node_launch(configuration: RunConfiguration) -> Launch:
    """Return the launch of one process per node."""
    return Launch(NODES, configuration.node_count, configuration.node_count)


def _build_parallel_launch(configuration: RunConfiguration) -> Launch:
    return Launch(_PARALLEL_TASK, configuration.node_count, configuration.node_count)


def _build_mpi_launch(configuration: RunConfiguration) -> Launch:
    _check_nodes(configuration, "mpi.nodeCount")
    nodes = configuration.node_count
    return Launch(_MPI, nodes, nodes * _get_number(configuration, "mpi.processCountPerNode", default=1))


def _build_pytorch_launch(configuration: RunConfiguration) -> Launch:
    _check_nodes(configuration, "pytorch.nodeCount")
    nodes = configuration.node_count
    processes = _get_number(configuration, "pytorch.processCount", default=nodes)
    if processes % nodes:
        raise LaunchRefused(
            "pytorch.processCount",
            f"{processes} processes cannot be divided evenly among {nodes} nodes (nodeCount)",
            f"It counts the processes of all nodes together: set it to {nodes} or a multiple of it.",
        )
    return Launch(_PYTORCH, nodes, processes)


def _build_tensorflow_launch(configuration: RunConfiguration) -> Launch:
    nodes = configuration.node_count
    servers = _get_number(configuration, "tensorflow.parameterServerCount", default=1, minimum=0)
    processes = _get_number(configuration, "tensorflow.workerCount", default=1) + servers
    if processes < nodes:
        raise LaunchRefused(
            "nodeCount",
            f"there are {nodes} nodes, and only {processes} workers and parameter servers",
            f"Set it to {processes} or less, or tensorflow.workerCount to a larger number.",
        )
    return Launch(_TENSORFLOW, nodes, processes, servers)


def _describe_tensorflow_launch(launch: Launch) -> Mapping[str, Any]:
    workers = launch.process_count - launch.server_count
    return {"tensorflow": {"workerCount": workers, "parameterServerCount": launch.server_count}}


class _LaunchKind(NamedTuple):
    """A kind of launch.

    Attributes:
        count_key: the key with the number of processes.
        build: a function that builds the launch that a configuration requests.
        describe: a function that returns a launch as a runconfig section with its number of processes.
        meaning: what the section of a runconfig with the name of the kind is for; empty without such a section.
        keys: the keys of the section.
    """

    count_key: str
    build: Callable[[RunConfiguration], Launch]
    describe: Callable[[Launch], Mapping[str, Any]]
    meaning: str = ""
    keys: Mapping[str, Key] = MappingProxyType({})


_NODE_COUNT = Key(COUNT, 1, "The same as nodeCount.")
_KINDS: Mapping[str, _LaunchKind] = {
    NODES: _LaunchKind("nodeCount", _build_node_launch, lambda _launch: {}),
    _PARALLEL_TASK: _LaunchKind("nodeCount", _build_parallel_launch, lambda _launch: {}),
    _TENSORFLOW: _LaunchKind(
        "tensorflow.workerCount",
        _build_tensorflow_launch,
        _describe_tensorflow_launch,
        meaning="Processes of distributed TensorFlow.",
        keys={
            "workerCount": Key(COUNT, 1, "Workers, when the communicator is ParameterServer."),
            "parameterServerCount": Key(
                {"type": "integer", "minimum": 0}, 1, "Parameter servers, when the communicator is ParameterServer."
            ),
        },
    ),
    _MPI: _LaunchKind(
        "mpi.processCountPerNode",
        _build_mpi_launch,
        lambda launch: {"mpi": {"processCountPerNode": launch.process_count // launch.node_count}},
        meaning="Processes of MPI.",
        keys={
            "processCountPerNode": Key(COUNT, 1, "Processes on each node, when the communicator is an MPI."),
            "nodeCount": _NODE_COUNT,
        },
    ),
    _PYTORCH: _LaunchKind(
        "pytorch.processCount",
        _build_pytorch_launch,
        lambda launch: {"pytorch": {"processCount": launch.process_count}},
        meaning="Processes of distributed PyTorch.",
        keys={
            "communicationBackend": Key(
                build_suggestion_schema("nccl", "gloo"),
                "nccl",
                "How PyTorch's processes talk.",
                skipped="the script chooses it, when it calls init_process_group",
            ),
            "processCount": Key(COUNT, None, "Processes on all nodes together. Nothing means one on each."),
            "nodeCount": _NODE_COUNT,
        },
    ),
}
LAUNCH_SECTIONS: Mapping[str, str] = {name: kind.meaning for name, kind in _KINDS.items() if kind.keys}
"""The sections of a runconfig for the kinds of launches, with the same names: what each is for."""
LAUNCH_KEYS: Mapping[str, Key] = {
    f"{section}.{name}": key for section in LAUNCH_SECTIONS for name, key in _KINDS[section].keys.items()
}
"""The keys of these sections, by key path."""


def _check_nodes(configuration: RunConfiguration, key_path: str) -> None:
    """Raise LaunchRefused if the section's node count is neither 1 nor `nodeCount`."""
    nodes = _get_number(configuration, key_path, default=1)
    if nodes not in {1, configuration.node_count}:
        raise LaunchRefused(
            key_path,
            f"it is {nodes}, and nodeCount is {configuration.node_count}",
            f"Write 'nodeCount: {nodes}' at the top of the runconfig, which is what counts, or take this one out.",
        )


def _get_number(configuration: RunConfiguration, key_path: str, *, default: int, minimum: int = 1) -> int:
    value = configuration.rest.get(key_path)
    if value is None or value == "":
        return default
    if not isinstance(value, int) or isinstance(value, bool) or value < minimum:
        raise LaunchRefused(
            key_path, f"{value!r} is not a number of processes or nodes", f"Set it to a whole number from {minimum} on."
        )
    return value
