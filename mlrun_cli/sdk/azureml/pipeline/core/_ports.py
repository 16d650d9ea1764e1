"""The inputs and outputs of a step, given as any of the SDK's classes that represent data."""

import re
from typing import Any, Callable, Dict, Optional

from azureml.data.abstract_dataset import AbstractDataset
from azureml.data.data_reference import DataReference
from azureml.data.datapath import DataPath
from azureml.data.dataset_consumption_config import DatasetConsumptionConfig
from azureml.data.output_dataset_config import (
    OutputDatasetConfig,
    OutputFileDatasetConfig,
    OutputTabularDatasetConfig,
)
from azureml.exceptions import UserErrorException
from azureml.pipeline.core.graph import (
    InputPortBinding,
    OutputPortBinding,
    PipelineData,
    PipelineDataset,
    PipelineParameter,
    build_data_path_entry,
)
from azureml.pipeline.core.pipeline_output_dataset import PipelineOutputAbstractDataset

Json = Dict[str, Any]
FindOutput = Callable[[Any], "Optional[Json]"]
"""A function that returns the step and name of the output that writes some data, or None if no step does."""


class Port:
    """An input or output of a step: its key, its entry in the document, and the data that it represents."""

    def __init__(self, key: str, document: Json, data: Any) -> None:
        self.key = key
        self.document = document
        self.data = data

    def refers_to(self, argument: Any) -> bool:
        """Return whether an argument of the script refers to the data of this port."""
        if argument is self.data:
            return True
        if isinstance(argument, tuple) or isinstance(self.data, tuple):
            return isinstance(argument, tuple) and isinstance(self.data, tuple) and argument[0] is self.data[0]
        mark = find_producer_record(argument)
        if mark is not None:
            is_any_name = isinstance(argument, (PipelineData, OutputPortBinding, OutputDatasetConfig))
            return mark is find_producer_record(self.data) and (is_any_name or _find_input_key(argument) == self.key)
        return isinstance(argument, _NAMED) and _find_input_key(argument) == self.key


def find_producer_record(data: Any) -> "Json | None":
    """Return the dict, shared by an output's copies, that records which step produces it, or None for other data."""
    if isinstance(data, InputPortBinding):
        return find_producer_record(data.bind_object)
    if isinstance(data, PipelineOutputAbstractDataset):
        return find_producer_record(data._data)
    if isinstance(data, DatasetConsumptionConfig):
        return find_producer_record(data.dataset)
    if isinstance(data, (PipelineData, OutputPortBinding, OutputDatasetConfig)):
        return data._producer
    return None


def find_table_options(data: Any) -> "Json | None":
    """Return the options for reading a step output's files as a table, or None if they are not read as a table."""
    if isinstance(data, DatasetConsumptionConfig):
        return find_table_options(data.dataset)
    if isinstance(data, OutputTabularDatasetConfig):
        return data._build_table_options()
    return data._table if isinstance(data, PipelineOutputAbstractDataset) else None


def find_pipeline_parameter(data: Any) -> "PipelineParameter | None":
    """Return the pipeline parameter that specifies the data of an input, or None if the input has no parameter."""
    if isinstance(data, tuple) and data and isinstance(data[0], PipelineParameter):
        return data[0]
    if isinstance(data, InputPortBinding):
        return find_pipeline_parameter(data.bind_object)
    dataset = data.dataset if isinstance(data, DatasetConsumptionConfig) else data
    return dataset if isinstance(dataset, PipelineParameter) else None


def find_dataset(data: Any) -> "AbstractDataset | None":
    """Return the dataset that an input or a pipeline parameter represents, or None if it represents other data."""
    if isinstance(data, InputPortBinding):
        return find_dataset(data.bind_object)
    if isinstance(data, DatasetConsumptionConfig):
        return find_dataset(data.dataset)
    if isinstance(data, PipelineParameter):
        return find_dataset(data.default_value)
    if isinstance(data, PipelineDataset):
        return find_dataset(vars(data)["dataset"])
    return data if isinstance(data, AbstractDataset) else None


def build_input(data: Any, find_output: FindOutput) -> Port:
    """Return the port for an input of a step.

    Raises:
        UserErrorException: The object does not stand for data, or no step of the pipeline writes it.
    """
    key = _find_input_key(data)
    if key is None:
        raise UserErrorException(
            f"{data!r} cannot be an input of a step. An input is PipelineData, a DataReference, an output of another "
            "step, dataset.as_named_input(name), or (PipelineParameter(name, DataPath(…)), DataPathComputeBinding())."
        )
    mode, path, overwrite = _get_access_options(data)
    if mode not in ("mount", "download", "direct"):
        raise UserErrorException(f"Input {key!r} has the mode {mode!r}. Use mount, download or direct.")
    source = _build_source(key, data, find_output)
    document = {"source": source, "mode": mode, "path_on_compute": path, "overwrite": bool(overwrite)}
    if isinstance(data, (DatasetConsumptionConfig, PipelineDataset, PipelineOutputAbstractDataset, AbstractDataset)):
        document["as_dataset"] = True
        document["table"] = find_table_options(data)
    return Port(key, document, data)


def build_output(data: Any) -> Port:
    """Return the port for an output of a step.

    Raises:
        UserErrorException: The object does not stand for data that a step can write.
    """
    if isinstance(data, PipelineOutputAbstractDataset):
        registration = data._registration
        document = _build_data_output(data._data)
        document["as"] = "file_dataset"
        document["destination"] = "azureml/{run-id}/{output-name}"
        if registration is not None and registration.name:
            document["register"] = {"name": registration.name, "description": None, "tags": {}, "table": data._table}
        return Port(data._data._output_name, document, data)
    if isinstance(data, (PipelineData, OutputPortBinding)):
        return Port(data._output_name, _build_data_output(data), data)
    if isinstance(data, (OutputFileDatasetConfig, OutputTabularDatasetConfig)):
        return Port(data.name, _build_dataset_output(data), data)
    raise UserErrorException(
        f"{data!r} cannot be an output of a step. An output is PipelineData or an OutputFileDatasetConfig."
    )


def _build_data_output(data: Any) -> Json:
    fields = vars(data)
    is_data = isinstance(data, PipelineData)
    datastore = fields["datastore"]
    return {
        "datastore": getattr(datastore, "name", datastore),
        "destination": None,
        "mode": fields["output_mode" if is_data else "bind_mode"],
        "path_on_compute": fields["output_path_on_compute" if is_data else "path_on_compute"],
        "overwrite": bool(fields["output_overwrite" if is_data else "overwrite"]),
        "register": None,
        "as": "data",
        "pipeline_output_name": fields["pipeline_output_name"],
    }


def _build_dataset_output(data: Any) -> Json:
    section = data._build_data_section()[2]
    location, options = section["outputLocation"]["dataPath"], section["additionalOptions"]
    registered, upload = options["registrationOptions"], options["uploadOptions"] or {}
    if upload.get("sourceGlobs"):
        raise UserErrorException(
            f"Output {data.name!r}: output of only some files is not supported. Remove 'source_globs'."
        )
    return {
        "datastore": location["datastoreName"],
        "destination": location["relativePath"],
        "mode": section["mechanism"],
        "path_on_compute": options["pathOnCompute"],
        "overwrite": bool(upload.get("overwrite")),
        "register": None
        if registered is None
        else {
            "name": registered["name"],
            "description": registered["description"],
            "tags": registered["tags"] or {},
            "table": registered["datasetRegistrationOptions"]["additionalTransformation"],
        },
        "as": "file_dataset",
        "pipeline_output_name": None,
    }


def _find_input_key(data: Any) -> "str | None":
    """Return the key under which a step input is listed, or None for an object that is not an input."""
    if isinstance(data, tuple) and len(data) == 2 and isinstance(data[0], PipelineParameter):
        return re.sub(r"\W+", "_", str(data[0].name), flags=re.ASCII)
    if isinstance(data, DataReference):
        return data.data_reference_name
    if isinstance(data, (InputPortBinding, PipelineData, DatasetConsumptionConfig, OutputPortBinding)):
        return str(data.name)
    if isinstance(data, PipelineOutputAbstractDataset):
        return data.input_name
    if isinstance(data, PipelineDataset):
        dataset = vars(data)["dataset"]
        return str(vars(data)["name"] or getattr(dataset, "name", None) or "dataset")
    return data._to_input().name if isinstance(data, AbstractDataset) else None


def _get_access_options(data: Any) -> "tuple[str, str | None, bool | None]":
    """Return an input's access mode, path on the compute and overwrite option; None if path or option is not given."""
    if isinstance(data, tuple):
        return data[1]._mode, data[1]._path_on_compute, data[1]._overwrite
    if isinstance(data, DataReference):
        return data.mode, data.path_on_compute, data.overwrite
    if isinstance(data, (InputPortBinding, PipelineDataset)):
        fields = vars(data)
        return fields["bind_mode"], fields["path_on_compute"], fields["overwrite"]
    if isinstance(data, DatasetConsumptionConfig):
        mode = "mount" if data.mode == "upload" else data.mode
        return mode, data.path_on_compute, False
    if isinstance(data, PipelineOutputAbstractDataset):
        return data._mode, data._path_on_compute, False
    return "direct" if isinstance(data, AbstractDataset) else "mount", None, False


def _build_source(input_name: str, data: Any, find_output: FindOutput) -> Json:
    """Return the pipeline document's entry for the source of an input's data."""
    parameter = find_pipeline_parameter(data)
    if parameter is not None:
        return {"parameter": parameter.name}
    if find_producer_record(data) is not None:
        output = find_output(data)
        if output is None:
            raise UserErrorException(
                f"Input {input_name!r} is written by no step of the pipeline. "
                "Add the step that has it among its outputs."
            )
        return {"output": output}
    if isinstance(data, InputPortBinding):
        return _build_source(input_name, data.bind_object, find_output)
    if isinstance(data, DataReference):
        return {"data_reference": {"datastore": data.datastore.name, "path": data.path_on_datastore or ""}}
    if isinstance(data, DataPath):
        return {"data_reference": build_data_path_entry(data)}
    dataset = find_dataset(data)
    if dataset is None:
        raise UserErrorException(f"Input {input_name!r} is bound to {data!r}, which is no data that a step can read.")
    return {"dataset": {"id": dataset.id, "name": dataset.name, "version": dataset.version}}


_NAMED = (
    DataReference,
    InputPortBinding,
    DatasetConsumptionConfig,
    PipelineDataset,
    PipelineOutputAbstractDataset,
    AbstractDataset,
)
