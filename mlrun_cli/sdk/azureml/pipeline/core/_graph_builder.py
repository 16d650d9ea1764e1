"""The document of a pipeline's graph, built from its steps."""

from hashlib import sha256
from typing import TYPE_CHECKING, Any, Dict, List

from azureml.data.abstract_dataset import AbstractDataset
from azureml.data.data_reference import DataReference
from azureml.data.dataset_consumption_config import DatasetConsumptionConfig
from azureml.data.output_dataset_config import OutputDatasetConfig
from azureml.exceptions import UserErrorException
from azureml.pipeline.core._ports import (
    Port,
    build_input,
    build_output,
    find_dataset,
    find_pipeline_parameter,
    find_producer_record,
)
from azureml.pipeline.core.builder import PipelineStep, flatten_steps
from azureml.pipeline.core.graph import InputPortBinding, OutputPortBinding, PipelineData, PipelineParameter
from azureml.pipeline.core.pipeline_output_dataset import PipelineOutputAbstractDataset

if TYPE_CHECKING:
    from azureml.core.workspace import Workspace

Json = Dict[str, Any]


class GraphBuilder:
    """A builder of a pipeline's document, which keeps track of the outputs of its steps.

    Attributes:
        workspace: The pipeline's workspace.
        default_source_directory: The source folder of steps without one, or None for the current folder.
        parameters: The entries of the pipeline's parameters, keyed by name.
    """

    def __init__(self, workspace: "Workspace", default_source_directory: "str | None" = None) -> None:
        self.workspace = workspace
        self.default_source_directory = default_source_directory
        self.parameters: Dict[str, Json] = {}
        self._keys: Dict[int, str] = {}
        self._outputs: Dict[int, Json] = {}

    def build(self, steps: Any, *, with_upstream: bool = True) -> List[Json]:
        """Return the pipeline document's entries for steps and, by default, for unlisted steps on which these depend.

        Raises:
            UserErrorException: A step cannot run here, two steps write the same data, or data come from no step.
        """
        listed = _list_steps(steps, with_upstream)
        for index, step in enumerate(listed):
            self._keys[id(step)] = sha256(f"{index} {step.name}".encode("utf-8", "replace")).hexdigest()[:8]
        documents = [StepDocuments(self, step, self._keys[id(step)]) for step in listed]
        for one in documents:
            self._register_outputs(one)
        return [one.build() for one in documents]

    def _register_outputs(self, documents: "StepDocuments") -> None:
        for port in documents.outputs:
            mark = find_producer_record(port.data)
            earlier = self._outputs.get(id(mark))
            if earlier is not None:
                raise UserErrorException(
                    f"Output {port.key!r} of step {documents.step.name!r} is written by another step too. Give "
                    "each step an output of its own."
                )
            self._outputs[id(mark)] = {"step": documents.key, "name": port.key}

    def find_output(self, data: Any) -> "Json | None":
        """Return a reference to the step output that writes the data, or None if no step does."""
        return self._outputs.get(id(find_producer_record(data)))

    def save_dataset(self, data: Any) -> None:
        """Save the dataset that a step input or a parameter refers to, unless it is already saved in a workspace."""
        dataset = find_dataset(data)
        if dataset is not None:
            dataset._save_if_unsaved(self.workspace)

    def find_step_key(self, step: PipelineStep) -> "str | None":
        """Return the key of a step, or None if the step is not in the pipeline."""
        return self._keys.get(id(step))

    def add_parameter(self, parameter: PipelineParameter) -> str:
        """Add a parameter to the pipeline unless it is already added, and return its name.

        Raises:
            UserErrorException: Another parameter of this name has another default value.
        """
        self.save_dataset(parameter)
        document = parameter._to_document()
        known = self.parameters.setdefault(parameter.name, document)
        if known != document:
            raise UserErrorException(
                f"Two parameters of the pipeline have the name {parameter.name!r}, and the default values "
                f"{known['default']!r} and {document['default']!r}. Use one PipelineParameter, or two names."
            )
        return parameter.name


class StepDocuments:
    """A builder of one step's entry in the document of a pipeline.

    Attributes:
        step: The step.
        key: The id of its node, 8 hexadecimal digits.
        inputs: What it reads.
        outputs: What it writes.
    """

    def __init__(self, graph: GraphBuilder, step: PipelineStep, key: str) -> None:
        self.step = step
        self.key = key
        self._graph = graph
        self.inputs: List[Port] = []
        self.outputs: List[Port] = []
        for data in step._list_outputs():
            port = build_output(data)
            if any(find_producer_record(known.data) is find_producer_record(data) for known in self.outputs):
                continue  # an output that is an argument too
            self._check_unique_key(port, self.outputs, "outputs")
            self.outputs.append(port)

    @property
    def default_source_directory(self) -> "str | None":
        """The source folder of steps that do not specify one."""
        return self._graph.default_source_directory

    def build(self) -> Json:
        """Return the step's entry in the pipeline document."""
        for data in self.step._list_inputs():
            self._add_input(data)
        document = {
            "key": self.key,
            "name": self.step.name,
            "allow_reuse": bool(vars(self.step).get("allow_reuse", True)),
            "version": _to_optional_string(vars(self.step).get("version")),
            "hash_paths": [str(path) for path in vars(self.step).get("hash_paths") or []],
            **self.step._build_document(self),
        }
        keys = [self._graph.find_step_key(step) for step in flatten_steps(self.step._after)]
        document["run_after"] = [key for key in keys if key is not None]
        document["inputs"] = {port.key: port.document for port in self.inputs}
        document["outputs"] = {port.key: port.document for port in self.outputs}
        return document

    def build_arguments(self, values: Any) -> List[Any]:
        """Return a script's arguments as strings, or as references to data or parameters.

        Raises:
            UserErrorException: An argument is data that is neither an input nor an output of the step.
        """
        return [self._build_argument(value) for value in values]

    def build_step_parameters(self, parameters: Any) -> Json:
        """Return the parameters of a step, which its script receives as environment variables."""
        if parameters is not None and not isinstance(parameters, dict):
            raise TypeError(f"The params of a step are a dict, not a {type(parameters).__name__}.")
        return {
            str(name): {"source": self._graph.add_parameter(value)} if isinstance(value, PipelineParameter) else value
            for name, value in (parameters or {}).items()
        }

    def build_runconfig_parameters(self, parameters: "Dict[str, Any] | None") -> Json:
        """Return references to the pipeline parameters that set values of a run configuration, keyed by value name.

        Raises:
            UserErrorException: A value is not a PipelineParameter.
        """
        for name, value in (parameters or {}).items():
            if not isinstance(value, PipelineParameter):
                raise UserErrorException(f"runconfig_pipeline_params[{name!r}] is a PipelineParameter, not {value!r}.")
        return {name: {"source": self._graph.add_parameter(value)} for name, value in (parameters or {}).items()}

    def build_setting(self, value: Any) -> Any:
        """Return a setting, or, for a pipeline parameter, a reference to it after adding it to the pipeline."""
        return {"parameter": self._graph.add_parameter(value)} if isinstance(value, PipelineParameter) else value

    def _build_argument(self, argument: Any) -> Any:
        """Return an argument of the script as a string, or as a reference to data or a parameter."""
        if argument is None or isinstance(argument, (str, int, float)):
            return str(argument)
        reference = self._find_port_reference(argument)
        if reference is not None:
            return reference
        if isinstance(argument, (DatasetConsumptionConfig, AbstractDataset)):
            return {"input": self._add_input(argument).key}
        if isinstance(argument, PipelineParameter) and argument._to_document()["type"] not in ("datapath", "dataset"):
            return {"parameter": self._graph.add_parameter(argument)}
        if isinstance(argument, _DATA):
            raise UserErrorException(
                f"Step {self.step.name!r}: {argument} is among the arguments, and neither among the inputs nor among "
                "the outputs. Add it to one of them."
            )
        return str(argument)

    def _find_port_reference(self, argument: Any) -> "Json | None":
        """Return a reference to the input or output that an argument represents, or None if it represents neither."""
        kinds = [("output", self.outputs), ("input", self.inputs)]
        if isinstance(argument, (InputPortBinding, DatasetConsumptionConfig)):
            kinds.reverse()
        for kind, ports in kinds:
            for port in ports:
                if port.refers_to(argument):
                    return {kind: port.key}
        return None

    def _add_input(self, data: Any) -> Port:
        if isinstance(data, OutputDatasetConfig):
            data = data.as_input(data.name)
        parameter = find_pipeline_parameter(data)
        if parameter is not None:
            self._graph.add_parameter(parameter)
        self._graph.save_dataset(data)
        port = build_input(data, self._graph.find_output)
        self._check_unique_key(port, self.inputs, "inputs")
        self.inputs.append(port)
        return port

    def _check_unique_key(self, port: Port, other_ports: List[Port], plural_noun: str) -> None:
        """Raise UserErrorException if another port of the step has the same key."""
        if any(one.key == port.key for one in other_ports):
            raise UserErrorException(
                f"Step {self.step.name!r} has two {plural_noun} of the name {port.key!r}. Give each its own name."
            )


_DATA = (
    PipelineData,
    OutputPortBinding,
    InputPortBinding,
    PipelineOutputAbstractDataset,
    PipelineParameter,
    DataReference,
    OutputDatasetConfig,
    tuple,
)


def _list_steps(steps: Any, with_upstream: bool) -> List[PipelineStep]:
    """Return the distinct steps, followed by unlisted steps on which they depend if `with_upstream` is true."""
    found = flatten_steps(steps)
    for step in found:  # which grows
        for needed in _list_dependencies(step, found) if with_upstream else ():
            if not any(needed is known for known in found):
                found.append(needed)
    return found


def _list_dependencies(step: PipelineStep, known_steps: List[PipelineStep]) -> List[PipelineStep]:
    """Return the steps outside of `known_steps` that produce a step's inputs, and the step's explicit predecessors."""
    written = [id(find_producer_record(output)) for one in known_steps for output in one._list_outputs()]
    marks = [find_producer_record(data) for data in (*step._list_inputs(), *step._list_arguments())]
    return [*(mark["step"] for mark in marks if mark and id(mark) not in written), *flatten_steps(step._after)]


def _to_optional_string(value: Any) -> "str | None":
    """Convert a value to a string, keeping None."""
    return None if value is None else str(value)
