"""Settings by which the processes of one run find each other."""

from azureml._unsupported import Described

__all__ = ["Gloo", "Mpi", "Nccl", "ParameterServer"]


class DistributedTraining(Described):
    """A way to start several processes for one run.

    Attributes:
        communicator: Its name in a run configuration.
    """

    communicator = "None"
    process_count_per_node = 1


class Mpi(DistributedTraining, takes="process_count_per_node=1"):
    """Processes started by mpirun."""

    communicator = "IntelMpi"


class ParameterServer(DistributedTraining, takes="worker_count=1, parameter_server_count=1"):
    """TensorFlow's workers and parameter servers."""

    communicator = "ParameterServer"


class Gloo(DistributedTraining, takes=""):
    """PyTorch's processes, by Gloo."""

    communicator = "Gloo"


class Nccl(DistributedTraining, takes=""):
    """PyTorch's processes, by NCCL."""

    communicator = "Nccl"


BY_BACKEND = {"mpi": Mpi, "ps": ParameterServer, "gloo": Gloo, "nccl": Nccl}
"""The older parameter `distributed_backend`: its text, and what it means."""
