"""Data passed between pipeline steps, pipeline parameters, and published pipelines."""

import re
from typing import TYPE_CHECKING, Any, Dict

from azureml._unsupported import StoredArguments

if TYPE_CHECKING:
    from azureml.pipeline.core.pipeline_output_dataset import PipelineOutputFileDataset

__all__ = [
    "InputPortBinding",
    "OutputPortBinding",
    "PipelineDataset",
    "PipelineParameter",
    "TrainingOutput",
]

_INPUT_MODES = ("mount", "download", "direct", "hdfs")
_OUTPUT_MODES = ("mount", "upload")


class PipelineParameter(StoredArguments, takes="name, default_value"):
    """A parameter of a pipeline; its default is a string, a number, a boolean, a DataPath or a dataset."""

    name: str
    default_value: Any

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._to_document()

    def __str__(self) -> str:
        return f"PipelineParameter_Name:{self.name}_Default:{self.default_value}"

    def _to_document(self) -> Dict[str, Any]:
        """Return the parameter's entry in the pipeline document.

        Raises:
            ValueError: The default value is of another kind.
        """
        return build_parameter_entry(self.name, self.default_value)


def build_parameter_entry(name: str, value: Any) -> Dict[str, Any]:
    """Return the pipeline document's entry for a parameter with a default value.

    Raises:
        ValueError: No parameter can have the value.
    """
    from azureml.data.abstract_dataset import AbstractDataset
    from azureml.data.datapath import DataPath

    for kind, known in ((bool, "bool"), (int, "int"), (float, "float"), (str, "string")):
        if isinstance(value, kind):
            return {"type": known, "default": value}
    if isinstance(value, DataPath):
        return {"type": "datapath", "default": build_data_path_entry(value)}
    if isinstance(value, AbstractDataset):
        return {"type": "dataset", "default": {"id": value.id}}
    raise ValueError(
        f"The value of PipelineParameter {name!r} is a text, a number, True or False, a DataPath or a dataset, not a "
        f"{type(value).__name__}."
    )


def build_data_path_entry(path: Any) -> Dict[str, Any]:
    """Return the pipeline document's entry for a DataPath."""
    return {"datastore": path.datastore_name, "path": path.path_on_datastore or ""}


class PipelineData(
    StoredArguments,
    takes="name, datastore=None, output_name=None, output_mode='mount', output_path_on_compute=None, "
    "output_overwrite=None, data_type=None, is_directory=None, pipeline_output_name=None, training_output=None",
):
    """A folder that is written by one step and read by others."""

    name: str

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._check_arguments()
        self._producer: Dict[str, Any] = {}

    def _check_arguments(self) -> None:
        fields = vars(self)
        for name in (self.name, fields["output_name"]):
            if name is not None and not (isinstance(name, str) and re.fullmatch(r"\w+", name, re.ASCII)):
                raise ValueError(f"A PipelineData's name has letters, digits and underscores only, and is {name!r}.")
        if fields["output_mode"] not in _OUTPUT_MODES:
            raise ValueError(
                f"The mode of PipelineData {self.name!r} is mount or upload, not {fields['output_mode']!r}."
            )

    def __str__(self) -> str:
        return f"${self.get_env_variable_name()}"

    __repr__ = __str__

    @property
    def _output_name(self) -> str:
        """The name of the step output that writes this data."""
        return str(vars(self)["output_name"] or self.name)

    def get_env_variable_name(self) -> str:
        """Return the name of the environment variable with the folder's path in the step that writes the data."""
        return f"AZUREML_DATAREFERENCE_{self._output_name}"

    def create_input_binding(
        self,
        input_name: "str | None" = None,
        mode: "str | None" = None,
        path_on_compute: "str | None" = None,
        overwrite: "bool | None" = None,
    ) -> "InputPortBinding":
        """Return a step input that reads this data, by default under the name of the data."""
        return InputPortBinding(input_name or self.name, self, mode or "mount", path_on_compute, overwrite)

    def as_input(self, input_name: str) -> "InputPortBinding":
        """Return a step input that reads this data under another name."""
        return self.create_input_binding(input_name)

    def as_mount(self, input_name: "str | None" = None) -> "InputPortBinding":
        """Return a step input in mount mode: the script reads the original folder."""
        return self.create_input_binding(input_name)

    def as_download(
        self,
        input_name: "str | None" = None,
        path_on_compute: "str | None" = None,
        overwrite: "bool | None" = None,
    ) -> "InputPortBinding":
        """Return a step input in download mode: the script reads a copy of the folder."""
        return self.create_input_binding(input_name, "download", path_on_compute, overwrite)

    def as_dataset(self) -> "PipelineOutputFileDataset":
        """Return this data as a file dataset, which can be registered."""
        from azureml.pipeline.core.pipeline_output_dataset import PipelineOutputFileDataset

        return PipelineOutputFileDataset(self)


class OutputPortBinding(
    StoredArguments,
    takes="name, datastore=None, output_name=None, bind_mode='mount', path_on_compute=None, is_directory=None, "
    "overwrite=None, data_type=None, pipeline_output_name=None, training_output=None, dataset_registration=None, "
    "dataset_output=None",
):
    """The binding of a step output to a datastore; other steps read it like PipelineData."""

    name: str

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if vars(self)["bind_mode"] not in _OUTPUT_MODES:
            raise ValueError(f"The mode of output {self.name!r} is mount or upload, not {vars(self)['bind_mode']!r}.")
        self._producer: Dict[str, Any] = {}

    @property
    def _output_name(self) -> str:
        return str(vars(self)["output_name"] or self.name)


class InputPortBinding(
    StoredArguments,
    takes="name, bind_object=None, bind_mode='mount', path_on_compute=None, overwrite=None, is_resource=False, "
    "additional_transformations=None, **kwargs",
):
    """The binding of a step input to data: PipelineData, a DataReference, a dataset or an output of a step."""

    name: str
    bind_object: Any

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        mode = vars(self)["bind_mode"]
        if self.bind_object is None:
            raise ValueError(f"Input {self.name!r} is bound to nothing: give bind_object.")
        if mode not in _INPUT_MODES:
            raise ValueError(f"The mode of input {self.name!r} is mount, download or direct, not {mode!r}.")

    @property
    def data_reference_name(self) -> str:
        """The name of the data that the step reads."""
        data = self.bind_object
        return str(getattr(data, "data_reference_name", None) or getattr(data, "name", None) or self.name)

    def get_bind_object_name(self) -> str:
        """Return the name of the data that the step reads; alias of `data_reference_name`."""
        return self.data_reference_name

    def as_resource(self) -> "InputPortBinding":
        """Return this input unchanged, since the script finds the files by their path."""
        return self

    def __str__(self) -> str:
        return f"$AZUREML_DATAREFERENCE_{self.name}"

    __repr__ = __str__


class PipelineDataset(
    StoredArguments,
    takes="dataset=None, name=None, bind_mode='mount', path_on_compute=None, overwrite=False, parameter_name=None",
):
    """A dataset that a step reads."""

    @classmethod
    def create(cls, dataset: Any, name: "str | None" = None, parameter_name: "str | None" = None) -> "PipelineDataset":
        """Return a step input for a dataset."""
        return cls(dataset, name, parameter_name=parameter_name)

    def as_mount(self, path_on_compute: "str | None" = None) -> "PipelineDataset":
        """Return a copy in mount mode: the script reads the original files."""
        return self._copy_with_changes(bind_mode="mount", path_on_compute=path_on_compute)

    def as_download(self, path_on_compute: "str | None" = None, overwrite: bool = False) -> "PipelineDataset":
        """Return a copy in download mode: the script reads copies of the files."""
        return self._copy_with_changes(bind_mode="download", path_on_compute=path_on_compute, overwrite=overwrite)

    def as_direct(self) -> "PipelineDataset":
        """Return a copy in direct mode: the script receives the dataset."""
        return self._copy_with_changes(bind_mode="direct")

    def as_named_input(self, name: str) -> "PipelineDataset":
        """Return a copy with another name."""
        return self._copy_with_changes(name=name)

    def _copy_with_changes(self, **changes: Any) -> "PipelineDataset":
        kept = {name: value for name, value in vars(self).items() if not name.startswith("_")}
        return type(self)(**{**kept, **changes})


class TrainingOutput(StoredArguments, takes="type, iteration=None, metric=None, model_file=None"):
    """The content of a HyperDriveStep's output: the `Metrics` of all runs, or a `Model` file of the best run."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if vars(self)["type"] not in ("Metrics", "Model"):
            raise ValueError(f"The type of a TrainingOutput is Metrics or Model, not {vars(self)['type']!r}.")
