"""TensorBoard over runs: importable, and refused on use."""

import azureml._alone  # noqa: F401 - has to come before anything that could be the other package's
from azureml._refused import refuse_package

__getattr__ = refuse_package(
    __name__,
    "Start 'tensorboard --logdir' on a folder with the run's logs: run.download_files('logs', folder) fetches them",
)
