"""Settings for runs with several processes."""

from typing import TYPE_CHECKING, Any

from azureml._unsupported import StoredArguments
from azureml.exceptions import TrainingException

if TYPE_CHECKING:
    from azureml.core.runconfig import DistributedJobConfiguration

__all__ = ["Gloo", "Mpi", "Nccl", "ParameterServer"]


class DistributedTraining(StoredArguments):
    """Base class of methods to start a run with several processes.

    Attributes:
        communicator: The name of the method in a run configuration.
    """

    communicator = "None"
    process_count_per_node = 1


class Mpi(DistributedTraining, takes="process_count_per_node=1"):
    """Distributed training with MPI."""

    communicator = "IntelMpi"


class ParameterServer(DistributedTraining, takes="worker_count=1, parameter_server_count=1"):
    """Distributed TensorFlow with workers and parameter servers."""

    communicator = "ParameterServer"


class Gloo(DistributedTraining, takes=""):
    """Distributed PyTorch with the Gloo backend."""

    communicator = "Gloo"


class Nccl(DistributedTraining, takes=""):
    """Distributed PyTorch with the NCCL backend."""

    communicator = "Nccl"


class SectionTraining(DistributedTraining, takes="section"):
    """A section of a run configuration for which Azure's estimators have no method of their own."""

    section: "DistributedJobConfiguration"


BY_BACKEND = {"mpi": Mpi, "ps": ParameterServer, "gloo": Gloo, "nccl": Nccl}
"""The classes for the values of the older parameter `distributed_backend`."""


def to_distributed_training(value: Any) -> DistributedTraining:
    """Convert a value of an estimator's `distributed_training` to a DistributedTraining.

    The classes of run configurations, such as MpiConfiguration, have the number of nodes too. As in Azure, that of the
    estimator counts.

    Raises:
        TrainingException: It is neither a method nor such a class.
    """
    from azureml.core.runconfig import (
        DISTRIBUTED_JOBS,
        MpiConfiguration,
        PyTorchConfiguration,
        TensorflowConfiguration,
    )

    if isinstance(value, DistributedTraining):
        return value
    if isinstance(value, MpiConfiguration):
        return Mpi(process_count_per_node=value.process_count_per_node)
    if isinstance(value, TensorflowConfiguration):
        return ParameterServer(worker_count=value.worker_count, parameter_server_count=value.parameter_server_count)
    if isinstance(value, PyTorchConfiguration):
        return BY_BACKEND[value.communication_backend]()
    if isinstance(value, tuple(DISTRIBUTED_JOBS.values())):
        return SectionTraining(value)
    raise TrainingException(
        "distributed_training takes Mpi(), ParameterServer(), Gloo() or Nccl(), or a configuration such as "
        f"MpiConfiguration(), not {value!r}."
    )
