"""Settings for runs with several processes."""

from azureml._unsupported import StoredArguments

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


BY_BACKEND = {"mpi": Mpi, "ps": ParameterServer, "gloo": Gloo, "nccl": Nccl}
"""The classes for the values of the older parameter `distributed_backend`."""
