"""Data passed between pipeline steps, and pipeline parameters."""

import re
from typing import Any

from azureml._azure_names import PIPELINES
from azureml._unsupported import StoredArguments, make_unsupported_call

__all__ = [
    "InputPortBinding",
    "OutputPortBinding",
    "PipelineDataset",
    "PipelineParameter",
    "TrainingOutput",
]


class PipelineParameter(StoredArguments, takes="name, default_value"):
    """A parameter of a pipeline, with a default value."""

    name: str
    default_value: Any

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if not (isinstance(self.default_value, (str, int, float)) or hasattr(self.default_value, "_to_argument")):
            kind = type(self.default_value).__name__
            raise ValueError(f"The default value of a PipelineParameter is a text or number, not a {kind}.")

    def __str__(self) -> str:
        return f"PipelineParameter_Name:{self.name}_Default:{self.default_value}"


class _StepData:
    """Mixin for data passed between steps, whose methods for access modes all return the object itself."""

    def as_input(self, input_name: "str | None" = None) -> Any:
        """Return this object unchanged, for use as a step input."""
        return self

    def as_mount(self, *_: Any, **__: Any) -> Any:
        """Return this object unchanged, since the access mode makes no difference here."""
        return self

    def as_download(self, *_: Any, **__: Any) -> Any:
        """Return this object unchanged, since the access mode makes no difference here."""
        return self

    def as_direct(self) -> Any:
        """Return this object unchanged, since the access mode makes no difference here."""
        return self

    def as_dataset(self) -> Any:
        """Return this object unchanged, for use as a dataset."""
        return self

    def as_named_input(self, name: str) -> Any:
        """Return this object unchanged, for use as a named input."""
        return self

    def parse_delimited_files(self, *_: Any, **__: Any) -> Any:
        """Return this object unchanged, for use as a tabular dataset."""
        return self

    def parse_parquet_files(self, *_: Any, **__: Any) -> Any:
        """Return this object unchanged, for use as a tabular dataset."""
        return self

    def create_input_binding(self, *_: Any, **__: Any) -> Any:
        """Return this object unchanged, for use as a step input."""
        return self


class PipelineData(
    _StepData,
    StoredArguments,
    takes="name, datastore=None, output_name=None, output_mode='mount', output_path_on_compute=None, "
    "output_overwrite=None, data_type=None, is_directory=None, pipeline_output_name=None, training_output=None",
):
    """A folder that is written by one step and read by others."""

    name: str

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if not isinstance(self.name, str) or not re.fullmatch(r"\w+", self.name, re.ASCII):
            raise ValueError(f"A PipelineData's name has letters, digits and underscores only, and is {self.name!r}.")

    def __str__(self) -> str:
        return f"${self.get_env_variable_name()}"

    __repr__ = __str__

    def get_env_variable_name(self) -> str:
        """Return the name of the environment variable that contains the folder's path in Azure."""
        return f"AZUREML_DATAREFERENCE_{self.name}"

    register = make_unsupported_call("PipelineData.register", PIPELINES)


class OutputPortBinding(
    _StepData,
    StoredArguments,
    takes="name, datastore=None, output_name=None, bind_mode='mount', path_on_compute=None, is_directory=None, "
    "overwrite=None, data_type=None, pipeline_output_name=None, training_output=None, dataset_registration=None, "
    "dataset_output=None",
):
    """The binding of a step output to a datastore."""


class InputPortBinding(
    StoredArguments,
    takes="name, bind_object=None, bind_mode='mount', path_on_compute=None, overwrite=None, is_resource=False, "
    "additional_transformations=None, **kwargs",
):
    """The binding of a step input to data."""


class PipelineDataset(
    _StepData,
    StoredArguments,
    takes="dataset=None, name=None, bind_mode='mount', path_on_compute=None, overwrite=False, parameter_name=None",
):
    """A dataset that a pipeline reads."""

    @classmethod
    def create(cls, dataset: Any, name: "str | None" = None, parameter_name: "str | None" = None) -> "PipelineDataset":
        """Return a pipeline input for a dataset."""
        return cls(dataset, name, parameter_name=parameter_name)


class TrainingOutput(StoredArguments, takes="type, iteration=None, metric=None, model_file=None"):
    """The output of a training step."""
