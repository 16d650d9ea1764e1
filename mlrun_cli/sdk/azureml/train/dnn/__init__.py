"""Estimators for deep learning frameworks."""

import azureml._package_guard  # noqa: F401 - has to come before anything that could be the other package's
from azureml.train._base_estimator import DISTRIBUTION, DOCKER, LIMITS, LINT, NODES, PACKAGES, SCRIPT, STORE, VERSION
from azureml.train._distributed_training import Gloo, Mpi, Nccl, ParameterServer
from azureml.train._framework_estimator import FrameworkEstimator

__all__ = ["Chainer", "Gloo", "Mpi", "Nccl", "ParameterServer", "PyTorch", "TensorFlow"]

_REST = f"{DISTRIBUTION}, {DOCKER}, {PACKAGES}, {STORE}, {LIMITS}, {VERSION}, {LINT}"


class PyTorch(FrameworkEstimator, takes=f"{SCRIPT}, {NODES}, {_REST}"):
    """An estimator that adds torch and torchvision to the script's packages."""

    FRAMEWORK_NAME = "PyTorch"
    _PACKAGE = "torch"
    _COMPANIONS = ("torchvision",)
    _SUPPORTED_VERSIONS = ("1.0", "1.1", "1.2", "1.3", "1.4", "1.5", "1.6")


class TensorFlow(FrameworkEstimator, takes=f"{SCRIPT}, {NODES}, worker_count=1, parameter_server_count=1, {_REST}"):
    """An estimator that adds tensorflow to the script's packages."""

    FRAMEWORK_NAME = "TensorFlow"
    _PACKAGE = "tensorflow"
    _SUPPORTED_VERSIONS = ("1.10", "1.12", "1.13", "2.0", "2.1", "2.2", "2.3")


class Chainer(FrameworkEstimator, takes=f"{SCRIPT}, {NODES}, {_REST}"):
    """An estimator that adds chainer to the script's packages."""

    FRAMEWORK_NAME = "Chainer"
    _PACKAGE = "chainer"
    _SUPPORTED_VERSIONS = ("5.1.0", "7.0.0")
