"""The estimator for arbitrary scripts."""

import azureml._package_guard  # noqa: F401 - has to come before anything that could be the other package's
from azureml.train._base_estimator import (
    DISTRIBUTION,
    DOCKER,
    LIMITS,
    LINT,
    NODES,
    PACKAGES,
    SCRIPT,
    STORE,
    MMLBaseEstimator,
)
from azureml.train._distributed_training import Gloo, Mpi, Nccl, ParameterServer

__all__ = ["Estimator", "Gloo", "MMLBaseEstimator", "Mpi", "Nccl", "ParameterServer"]


class Estimator(
    MMLBaseEstimator,
    takes=f"{SCRIPT}, {NODES}, {DISTRIBUTION}, {DOCKER}, {PACKAGES}, {STORE}, {LIMITS}, {LINT}",
):
    """An estimator for any script, with only the specified packages."""
