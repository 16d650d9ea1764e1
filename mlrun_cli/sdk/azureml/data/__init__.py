"""The data of a workspace: datasets, datastores, and their use in runs."""

import azureml._package_guard  # noqa: F401 - has to come before anything that could be the other package's
from azureml.data.dataset_factory import DataType
from azureml.data.file_dataset import FileDataset
from azureml.data.output_dataset_config import (
    HDFSOutputDatasetConfig,
    LinkFileOutputDatasetConfig,
    LinkTabularOutputDatasetConfig,
    OutputFileDatasetConfig,
)
from azureml.data.tabular_dataset import TabularDataset

_MODULES = {"DatacacheStore": "datacache"}
__all__ = [  # noqa: PLE0604 - they are all texts
    "DataType",
    "FileDataset",
    "HDFSOutputDatasetConfig",
    "LinkFileOutputDatasetConfig",
    "LinkTabularOutputDatasetConfig",
    "OutputFileDatasetConfig",
    "TabularDataset",
    *_MODULES,
]
