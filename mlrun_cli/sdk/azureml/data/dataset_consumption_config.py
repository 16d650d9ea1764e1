"""Datasets as run inputs, which are passed directly, mounted or downloaded."""

import re
from typing import TYPE_CHECKING, Any

from azureml._unsupported import create_unsupported_error
from azureml.data.constants import DIRECT_MODE, DOWNLOAD_MODE, HDFS_MODE, MOUNT_MODE
from azureml.exceptions import UserErrorException

if TYPE_CHECKING:
    from azureml.data.abstract_dataset import AbstractDataset
    from azureml.data.output_dataset_config import OutputDatasetConfig


class DatasetConsumptionConfig:
    """A named run input, replaced as an argument by the data's path or, in direct mode, the dataset's id.

    The environment variable of the same name has the same value.
    """

    def __init__(
        self,
        name: str,
        dataset: "AbstractDataset | OutputDatasetConfig",
        mode: str = DIRECT_MODE,
        path_on_compute: "str | None" = None,
    ) -> None:
        """Initialize an input, by default in direct mode.

        Raises:
            UserErrorException: The name has invalid characters or starts with a digit; the mode is not `direct`,
                `mount`, `download` or `hdfs`; or it is for files only and the dataset is a table.
        """
        self.dataset = dataset
        self._name = check_name("input", name)
        self.arg_val = f"DatasetConsumptionConfig:{name}"
        self.mode = mode.lower()
        self.path_on_compute = path_on_compute
        if self.mode not in {DIRECT_MODE, MOUNT_MODE, DOWNLOAD_MODE, HDFS_MODE}:
            raise UserErrorException(f"The mode of an input is direct, mount, download or hdfs, not {mode!r}.")
        if self.mode in {MOUNT_MODE, DOWNLOAD_MODE} and getattr(dataset, "_kind", "file") != "file":
            raise UserErrorException(
                f"A TabularDataset cannot be used by {self.mode}, only a FileDataset can. Pass it as it is, and call "
                "to_pandas_dataframe() in the script."
            )

    @property
    def name(self) -> str:
        """The name of the input, which the script accesses as `run.input_datasets[name]`."""
        return self._name

    def as_mount(self, path_on_compute: "str | None" = None) -> "DatasetConsumptionConfig":
        """Return a copy in mount mode: the script gets the path of the original files."""
        return DatasetConsumptionConfig(self._name, self.dataset, MOUNT_MODE, path_on_compute)

    def as_download(self, path_on_compute: "str | None" = None) -> "DatasetConsumptionConfig":
        """Return a copy in download mode: the script gets the path of copied files."""
        return DatasetConsumptionConfig(self._name, self.dataset, DOWNLOAD_MODE, path_on_compute)

    def as_hdfs(self) -> "DatasetConsumptionConfig":
        """Return a copy in HDFS mode for Spark; submitting a run with it is refused."""
        return DatasetConsumptionConfig(self._name, self.dataset, HDFS_MODE)

    def _to_argument(self) -> str:
        """Return the placeholder for the dataset in the arguments of a run."""
        return self.arg_val

    def _build_data_section(self) -> "tuple[str, str, dict[str, Any]]":
        """Return the name of a runconfig section, and the key and entry in it that describe the input."""
        location = getattr(self.dataset, "_build_location", None)
        if location is None:
            raise create_unsupported_error(
                "The output of one run as the input of another",
                "Call register_on_complete(name) on the output and, when its run has completed, use "
                "Dataset.get_by_name(workspace, name)",
            )
        return (
            "data",
            self._name,
            {
                "dataLocation": {"dataset": location()},
                "createOutputDirectories": False,
                "mechanism": self.mode,
                "environmentVariableName": self._name,
                "pathOnCompute": self.path_on_compute,
                "overwrite": False,
            },
        )


def check_name(noun: str, name: str) -> str:
    """Validate the name of an input or output, called `noun` in errors, and return it.

    Raises:
        UserErrorException: The name has characters other than letters, digits and underscores, or starts with a digit.
    """
    if not isinstance(name, str) or not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", name):
        raise UserErrorException(
            f"{name!r} cannot be the name of an {noun}: it has letters, digits and underscores, and begins with no "
            "digit."
        )
    return name
