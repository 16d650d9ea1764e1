"""The graph of a pipeline: its parameters, its steps, and the data that pass between them.

It is written by the SDK and from YAML files, and kept in `pipeline.json` of a pipeline run.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Any

from mlrun_cli.core.named_tuple import NamedTuple
from mlrun_cli.pipelines.json_reader import JsonReader

PYTHON_SCRIPT_STEP = "PythonScriptStep"
COMMAND_STEP = "CommandStep"
MPI_STEP = "MpiStep"
ESTIMATOR_STEP = "EstimatorStep"
R_SCRIPT_STEP = "RScriptStep"
HYPER_DRIVE_STEP = "HyperDriveStep"
PARALLEL_RUN_STEP = "ParallelRunStep"
STEP_KINDS = (
    PYTHON_SCRIPT_STEP,
    COMMAND_STEP,
    MPI_STEP,
    ESTIMATOR_STEP,
    R_SCRIPT_STEP,
    HYPER_DRIVE_STEP,
    PARALLEL_RUN_STEP,
)

DATA_PATH_TYPE = "datapath"
DATASET_TYPE = "dataset"
PARAMETER_TYPES = ("string", "int", "float", "bool", DATA_PATH_TYPE, DATASET_TYPE)

INPUT_MODES = ("mount", "download", "direct")
OUTPUT_MODES = ("mount", "upload")
DATA = "data"
FILE_DATASET = "file_dataset"

_SCALARS = (str, int, float, bool)
_TYPES: Mapping[str, tuple[type, ...]] = {"string": (str,), "int": (int,), "float": (int, float), "bool": (bool,)}

Scalar = str | int | float | bool


class DataPath(NamedTuple):
    """A path in a datastore; `datastore` is None for the default one."""

    datastore: str | None
    path: str

    def to_json(self) -> dict[str, Any]:
        """Return the data path as a JSON-compatible dict."""
        return {"datastore": self.datastore, "path": self.path}

    @classmethod
    def from_json(cls, reader: JsonReader) -> DataPath:
        """Create a data path from a JSON object."""
        return cls(reader.find_text("datastore"), reader.find_text("path") or "")


class DatasetReference(NamedTuple):
    """A dataset, by its id or by its name and version; a version of None means the latest."""

    dataset_id: str | None
    name: str | None = None
    version: int | None = None

    def to_json(self) -> dict[str, Any]:
        """Return the dataset reference as a JSON-compatible dict."""
        return {"id": self.dataset_id, "name": self.name, "version": self.version}

    @classmethod
    def from_json(cls, reader: JsonReader) -> DatasetReference:
        """Create a dataset reference from a JSON object.

        Raises:
            InvalidValue: there is neither an id nor a name.
        """
        found = cls(reader.find_text("id"), reader.find_text("name"), reader.find_integer("version"))
        if not found.dataset_id and not found.name:
            raise reader.build_error("a dataset has an 'id' or a 'name'")
        return found


class StepOutput(NamedTuple):
    """An output of another step, by the key of the step and the key of the output."""

    step: str
    name: str

    def to_json(self) -> dict[str, Any]:
        """Return the reference as a JSON-compatible dict."""
        return {"step": self.step, "name": self.name}

    @classmethod
    def from_json(cls, reader: JsonReader) -> StepOutput:
        """Create a reference to an output from a JSON object."""
        return cls(reader.get_text("step"), reader.get_text("name"))


class ParameterReference(NamedTuple):
    """A parameter of the pipeline, by its name."""

    name: str


ParameterValue = Scalar | DataPath | DatasetReference | None
Source = DataPath | StepOutput | ParameterReference | DatasetReference


class PipelineParameter(NamedTuple):
    """A parameter of a pipeline; without a default a value must be given at the submission."""

    kind: str
    default: ParameterValue = None

    def to_json(self) -> dict[str, Any]:
        """Return the parameter as a JSON-compatible dict."""
        return {"type": self.kind, "default": parameter_value_to_json(self.default)}

    @classmethod
    def from_json(cls, reader: JsonReader) -> PipelineParameter:
        """Create a parameter from a JSON object."""
        kind = reader.get_choice("type", PARAMETER_TYPES)
        return cls(kind, read_parameter_value(reader, "default", kind))


def parameter_value_to_json(value: ParameterValue) -> Any:
    """Return a parameter's value as a JSON-compatible value."""
    return value.to_json() if isinstance(value, (DataPath, DatasetReference)) else value


def read_parameter_value(reader: JsonReader, key: str, type_name: str) -> ParameterValue:
    """Return the value of a key, which must be of the parameter type `type_name`, or None if the key is absent.

    Raises:
        InvalidValue: it is of another type.
    """
    if reader.find(key) is None:
        return None
    if type_name == DATA_PATH_TYPE:
        return DataPath.from_json(reader.get_object(key))
    if type_name == DATASET_TYPE:
        return DatasetReference.from_json(reader.get_object(key))
    value: Scalar = reader.find(key)
    if isinstance(value, bool) == (type_name == "bool") and isinstance(value, _TYPES[type_name]):
        return float(value) if type_name == "float" else value
    raise reader.build_error(f"expected a value of type {type_name}", key)


class ArgumentReference(NamedTuple):
    """A part of an argument that refers to an input, output or parameter.

    Attributes:
        kind: `input` or `output`, whose path it becomes; `parameter`, whose value of the pipeline it becomes;
            `step_parameter`, whose value of the step it becomes.
        name: the key in the step, or the name of the pipeline's parameter.
    """

    kind: str
    name: str


ARGUMENT_KINDS = ("input", "output", "parameter", "step_parameter")

Argument = tuple[str | ArgumentReference, ...]
"""An argument is the text of its parts, joined; most have one part."""


def argument_to_json(argument: Argument) -> Any:
    """Return an argument as a JSON-compatible value."""
    parts = [part if isinstance(part, str) else {part.kind: part.name} for part in argument]
    return parts[0] if len(parts) == 1 else {"join": parts}


def read_argument(reader: JsonReader, value: object, key: str) -> Argument:
    """Parse an argument from its JSON value; numbers, booleans and null become strings in Python's notation.

    Raises:
        InvalidValue: it is of another shape.
    """
    if isinstance(value, Mapping) and set(value) == {"join"} and isinstance(value["join"], list):
        parts = [read_argument(reader, part, f"{key}.join[{index}]") for index, part in enumerate(value["join"])]
        return tuple(part for inner in parts for part in inner)
    if isinstance(value, Mapping):
        kind, name = next(iter(value.items())) if len(value) == 1 else (None, None)
        if kind not in ARGUMENT_KINDS or not isinstance(name, str):
            raise reader.build_error(f"a reference is one of {', '.join(ARGUMENT_KINDS)} with a name", key)
        return (ArgumentReference(kind, name),)
    if value is None or isinstance(value, _SCALARS):
        return (value if isinstance(value, str) else str(value),)
    raise reader.build_error("an argument is text or a reference", key)


class Table(NamedTuple):
    """The options for reading the files of an output as a table.

    Attributes:
        options: how the files are read, as in the definition of a dataset.
        steps: what is done with the table, such as columns that are kept.
        glob: the pattern of the files below the output's folder; None means all.
    """

    options: Mapping[str, Any]
    steps: tuple[Any, ...] = ()
    glob: str | None = None

    def to_json(self) -> dict[str, Any]:
        """Return the table as a JSON-compatible dict, which is also how runconfigs describe its registration."""
        return {"kind": "tabular", "options": dict(self.options), "steps": list(self.steps), "glob": self.glob}

    @classmethod
    def from_json(cls, reader: JsonReader) -> Table:
        """Create a table from a JSON object."""
        return cls(reader.find_mapping("options"), tuple(reader.find_list("steps")), reader.find_text("glob"))

    def build_definition(self, datastore: str | None, path: str) -> dict[str, Any]:
        """Return the definition of a tabular dataset of the table's files below a path in a datastore."""
        place = path if self.glob is None else f"{path}/{self.glob.lstrip('/')}"
        return {
            "kind": "tabular",
            "paths": [{"datastore": datastore, "path": place}],
            "options": dict(self.options),
            "steps": list(self.steps),
        }


def _find_table(reader: JsonReader) -> Table | None:
    return None if reader.find("table") is None else Table.from_json(reader.get_object("table"))


class StepInput(NamedTuple):
    """An input of a step.

    Attributes:
        source: where the data come from.
        mode: `mount`, `download` or `direct`.
        path_on_compute: the path where the script expects the data; None if it uses the path that it is given.
        overwrite: whether a download may replace files.
        as_dataset: whether the script finds it among its `input_datasets`, rather than among its data references.
        table: how the files of an output are read as a table; None for files, and for datasets, which know it.
    """

    source: Source
    mode: str = "mount"
    path_on_compute: str | None = None
    overwrite: bool = False
    as_dataset: bool = False
    table: Table | None = None

    def to_json(self) -> dict[str, Any]:
        """Return the input as a JSON-compatible dict."""
        document = self._asdict()
        document["source"] = _source_to_json(self.source)
        document["table"] = None if self.table is None else self.table.to_json()
        return document

    @classmethod
    def from_json(cls, reader: JsonReader) -> StepInput:
        """Create an input from a JSON object."""
        source = _read_source(reader.get_object("source"))
        return cls(
            source=source,
            mode=reader.find_choice("mode", INPUT_MODES) or "mount",
            path_on_compute=reader.find_text("path_on_compute"),
            overwrite=reader.find_boolean("overwrite", False),
            as_dataset=reader.find_boolean("as_dataset", isinstance(source, DatasetReference)),
            table=_find_table(reader),
        )


def _source_to_json(source: Source) -> dict[str, Any]:
    if isinstance(source, DataPath):
        return {"data_reference": source.to_json()}
    if isinstance(source, StepOutput):
        return {"output": source.to_json()}
    if isinstance(source, DatasetReference):
        return {"dataset": source.to_json()}
    return {"parameter": source.name}


def _read_source(reader: JsonReader) -> Source:
    kind = reader.get_only_key(("data_reference", "output", "parameter", "dataset"))
    if kind == "parameter":
        return ParameterReference(reader.get_text(kind))
    inner = reader.get_object(kind)
    if kind == "data_reference":
        return DataPath.from_json(inner)
    return StepOutput.from_json(inner) if kind == "output" else DatasetReference.from_json(inner)


class Registration(NamedTuple):
    """A dataset that an output is registered as when its step has completed; a file dataset without a `table`."""

    name: str
    description: str | None = None
    tags: Mapping[str, str] = MappingProxyType({})
    table: Table | None = None

    def to_json(self) -> dict[str, Any]:
        """Return the registration as a JSON-compatible dict."""
        table = None if self.table is None else self.table.to_json()
        return {"name": self.name, "description": self.description, "tags": dict(self.tags), "table": table}

    @classmethod
    def from_json(cls, reader: JsonReader) -> Registration:
        """Create a registration from a JSON object."""
        return cls(
            reader.get_text("name"),
            reader.find_text("description"),
            reader.find_text_mapping("tags"),
            _find_table(reader),
        )


class Output(NamedTuple):
    """An output of a step.

    Attributes:
        datastore: the datastore; None means the pipeline's, else the workspace's default one.
        destination: the folder in the datastore, in which `{run-id}` and `{output-name}` are replaced; None means
            `azureml/<run id>/<key>` for data, and `dataset/<run id>/<key>` for datasets.
        mode: `mount` writes to the datastore; `upload` copies there when the script has succeeded.
        path_on_compute: the path where the script writes; None if it uses the path that it is given.
        overwrite: whether an upload may replace files.
        registration: the dataset that it is registered as; None if it is not.
        kind: `data`, or `file_dataset`, which steps that read it find among their `input_datasets`.
        pipeline_output_name: the name by which the pipeline run offers it; None if it does not.
    """

    datastore: str | None = None
    destination: str | None = None
    mode: str = "mount"
    path_on_compute: str | None = None
    overwrite: bool = False
    registration: Registration | None = None
    kind: str = DATA
    pipeline_output_name: str | None = None

    def to_json(self) -> dict[str, Any]:
        """Return the output as a JSON-compatible dict."""
        document = self._asdict()
        kind, registration = document.pop("kind"), document.pop("registration")
        return {**document, "as": kind, "register": None if registration is None else registration.to_json()}

    @classmethod
    def from_json(cls, reader: JsonReader) -> Output:
        """Create an output from a JSON object."""
        return cls(
            datastore=reader.find_text("datastore"),
            destination=reader.find_text("destination"),
            mode=reader.find_choice("mode", OUTPUT_MODES) or "mount",
            path_on_compute=reader.find_text("path_on_compute"),
            overwrite=reader.find_boolean("overwrite", False),
            registration=None
            if reader.find("register") is None
            else Registration.from_json(reader.get_object("register")),
            kind=reader.find_choice("as", (DATA, FILE_DATASET)) or DATA,
            pipeline_output_name=reader.find_text("pipeline_output_name"),
        )


class Step(NamedTuple):
    """A step of a pipeline; what its kind does not use is empty.

    Attributes:
        key: the id of the node in its pipeline, 8 hexadecimal digits.
        name: the name for people, which need not be unique.
        kind: one of `STEP_KINDS`.
        source_directory: the absolute path of the folder that the snapshot is taken of.
        script: the script, relative to the source directory.
        command: the command of a CommandStep: one argument is a line for the shell, several are words.
        is_command_line: whether `command` is a line for the shell.
        arguments: the script's arguments.
        parameters: values of the step, which the script finds in `AML_PARAMETER_<KEY>`.
        runconfig_parameters: settings of the runconfig, such as `NodeCount`, that parameters of the pipeline set.
        inputs, outputs: the data of the step, by their keys.
        run_after: the keys of steps that have to end before this one, although no data pass.
        target: the compute target; replaces the runconfig's and the pipeline's.
        runconfig: the document of a runconfig.
        runconfig_file: the absolute path of a runconfig file.
        environment_variables: variables of the script, which replace those of the runconfig.
        node_count, process_count_per_node: the size of an MPI job.
        version: text that, if changed, makes the step run again.
        allow_reuse: whether the result of an earlier run may stand for the step's.
        hash_paths: without effect: all files of the source directory count, as in newer versions of Azure.
        sweep: the definition of a HyperDriveStep's sweep.
        metrics_output: the key of the output that gets the metrics of a sweep's children.
        model_outputs: the files or folders of a sweep's best run that outputs get, by the key of the output.
        parallel_run: the settings of a ParallelRunStep, keyed as in its file (`entry_script`, `error_threshold`), and
            the keys of its `side_inputs`.
    """

    key: str
    name: str
    kind: str
    source_directory: str
    script: str | None = None
    command: tuple[Argument, ...] = ()
    is_command_line: bool = False
    arguments: tuple[Argument, ...] = ()
    parameters: Mapping[str, Scalar | ParameterReference] = MappingProxyType({})
    runconfig_parameters: Mapping[str, ParameterReference] = MappingProxyType({})
    inputs: Mapping[str, StepInput] = MappingProxyType({})
    outputs: Mapping[str, Output] = MappingProxyType({})
    run_after: tuple[str, ...] = ()
    target: str | None = None
    runconfig: Mapping[str, Any] | None = None
    runconfig_file: str | None = None
    environment_variables: Mapping[str, str] = MappingProxyType({})
    node_count: int | None = None
    process_count_per_node: int | None = None
    version: str | None = None
    allow_reuse: bool = True
    hash_paths: tuple[str, ...] = ()
    sweep: Mapping[str, Any] | None = None
    metrics_output: str | None = None
    model_outputs: Mapping[str, str] = MappingProxyType({})
    parallel_run: Mapping[str, Any] | None = None

    def list_upstream_keys(self) -> list[str]:
        """Return the keys of the steps that must end before this one starts, without duplicates."""
        read = [one.source.step for one in self.inputs.values() if isinstance(one.source, StepOutput)]
        return list(dict.fromkeys([*read, *self.run_after]))

    def list_parameter_names(self) -> list[str]:
        """Return the names of the pipeline parameters that the step uses, without duplicates."""
        sources = [one.source for one in self.inputs.values()]
        given = [*self.parameters.values(), *self.runconfig_parameters.values(), *sources]
        names = [one.name for one in given if isinstance(one, ParameterReference)]
        names += [part.name for part in self.list_references() if part.kind == "parameter"]
        settings = (self.parallel_run or {}).values()
        names += [one["parameter"] for one in settings if isinstance(one, Mapping) and set(one) == {"parameter"}]
        return list(dict.fromkeys(names))

    def list_references(self) -> list[ArgumentReference]:
        """Return all references in the arguments and the command."""
        words = (*self.arguments, *self.command)
        return [part for word in words for part in word if isinstance(part, ArgumentReference)]

    def to_json(self) -> dict[str, Any]:
        """Return the step as a JSON-compatible dict."""
        words = [argument_to_json(word) for word in self.command]
        document = self._asdict()
        del document["is_command_line"]
        return {
            **document,
            "command": (words[0] if self.is_command_line else words) if words else None,
            "arguments": [argument_to_json(argument) for argument in self.arguments],
            "parameters": {key: step_value_to_json(value) for key, value in self.parameters.items()},
            "runconfig_parameters": {key: {"source": one.name} for key, one in self.runconfig_parameters.items()},
            "inputs": {key: one.to_json() for key, one in self.inputs.items()},
            "outputs": {key: one.to_json() for key, one in self.outputs.items()},
            "run_after": list(self.run_after),
            "environment_variables": dict(self.environment_variables),
            "hash_paths": list(self.hash_paths),
            "model_outputs": dict(self.model_outputs),
        }

    @classmethod
    def from_json(cls, reader: JsonReader) -> Step:
        """Create a step from a JSON object; unknown keys are ignored."""
        command = reader.find("command")
        words = command if isinstance(command, list) else [] if command is None else [command]
        return cls(
            key=reader.get_text("key"),
            name=reader.get_text("name"),
            kind=reader.get_choice("kind", STEP_KINDS),
            source_directory=reader.get_text("source_directory"),
            script=reader.find_text("script"),
            command=tuple(read_argument(reader, word, f"command[{index}]") for index, word in enumerate(words)),
            is_command_line=command is not None and not isinstance(command, list),
            arguments=tuple(
                read_argument(reader, argument, f"arguments[{index}]")
                for index, argument in enumerate(reader.find_list("arguments"))
            ),
            parameters={
                key: _read_step_value(reader.find_object("parameters"), key)
                for key in reader.find_mapping("parameters")
            },
            runconfig_parameters={
                key: ParameterReference(one.get_text("source"))
                for key, one in reader.iterate_objects("runconfig_parameters")
            },
            inputs={key: StepInput.from_json(one) for key, one in reader.iterate_objects("inputs")},
            outputs={key: Output.from_json(one) for key, one in reader.iterate_objects("outputs")},
            run_after=reader.find_text_list("run_after"),
            target=reader.find_text("target"),
            runconfig=reader.find_mapping("runconfig") or None,
            runconfig_file=reader.find_text("runconfig_file"),
            environment_variables=reader.find_text_mapping("environment_variables"),
            node_count=reader.find_integer("node_count"),
            process_count_per_node=reader.find_integer("process_count_per_node"),
            version=reader.find_text("version"),
            allow_reuse=reader.find_boolean("allow_reuse", True),
            hash_paths=reader.find_text_list("hash_paths"),
            sweep=reader.find_mapping("sweep") or None,
            metrics_output=reader.find_text("metrics_output"),
            model_outputs=reader.find_text_mapping("model_outputs"),
            parallel_run=reader.find_mapping("parallel_run") or None,
        )


def step_value_to_json(value: Scalar | ParameterReference) -> Any:
    """Return the value of a step's parameter or setting as a JSON-compatible value."""
    return {"source": value.name} if isinstance(value, ParameterReference) else value


def _read_step_value(reader: JsonReader, key: str) -> Scalar | ParameterReference:
    value = reader.find(key)
    if isinstance(value, Mapping):
        return ParameterReference(reader.get_object(key).get_text("source"))
    if not isinstance(value, _SCALARS):
        raise reader.build_error("a parameter of a step is a text, a number, true or false, or a 'source'", key)
    return value


class Graph(NamedTuple):
    """A pipeline; `steps` are in the order in which they were described.

    `default_datastore` is that of outputs without one; None means the workspace's default one.
    """

    steps: tuple[Step, ...]
    name: str | None = None
    description: str | None = None
    version: str | None = None
    parameters: Mapping[str, PipelineParameter] = MappingProxyType({})
    default_target: str | None = None
    default_datastore: str | None = None
    continue_on_step_failure: bool = False

    def find_step(self, step_key: str) -> Step | None:
        """Return the step with this key, or None if there is none."""
        return next((step for step in self.steps if step.key == step_key), None)

    def iterate_in_order(self) -> Iterator[Step]:
        """Yield the steps in topological order; independent steps keep the order of the graph.

        Steps of a cycle, and those behind one, are left out.
        """
        done: set[str] = set()
        left = list(self.steps)
        while left:
            ready = [step for step in left if done.issuperset(step.list_upstream_keys())]
            if not ready:
                return
            yield from ready
            done.update(step.key for step in ready)
            left = [step for step in left if step.key not in done]

    def to_json(self) -> dict[str, Any]:
        """Return the graph as a JSON-compatible dict."""
        return {
            **self._asdict(),
            "parameters": {name: one.to_json() for name, one in self.parameters.items()},
            "steps": [step.to_json() for step in self.steps],
        }

    @classmethod
    def from_json(cls, document: object, *, key_path: str = "pipeline") -> Graph:
        """Create a graph from a JSON object; unknown keys are ignored.

        Only the shape of each part is checked; `iterate_graph_problems` checks how the parts go together.

        Raises:
            InvalidValue: a part has another shape; the message begins with its key path below `key_path`.
        """
        reader = JsonReader(document, key_path)
        return cls(
            steps=tuple(Step.from_json(one) for one in reader.list_objects("steps")),
            name=reader.find_text("name"),
            description=reader.find_text("description"),
            version=reader.find_text("version"),
            parameters={name: PipelineParameter.from_json(one) for name, one in reader.iterate_objects("parameters")},
            default_target=reader.find_text("default_target"),
            default_datastore=reader.find_text("default_datastore"),
            continue_on_step_failure=reader.find_boolean("continue_on_step_failure", False),
        )
