"""The base class of pipeline steps, and sequences of steps."""

from typing import TYPE_CHECKING, Any, Dict, List

from azureml._unsupported import StoredArguments
from azureml.pipeline.core.graph import PipelineData

if TYPE_CHECKING:
    from azureml.pipeline.core._graph_builder import StepDocuments

__all__ = ["PipelineData", "PipelineStep", "StepSequence"]


class PipelineStep(
    StoredArguments,
    takes="name, inputs, outputs, arguments=None, fix_port_name_collisions=False, resource_inputs=None",
):
    """Base class of pipeline steps."""

    name: str

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._after: List[Any] = []
        self._check_arguments()
        if not self.name:
            self.name = self._get_default_name()
        from azureml.pipeline.core._ports import find_producer_record

        for output in self._list_outputs():
            mark = find_producer_record(output)
            if mark is not None:
                mark["step"] = self

    def run_after(self, step: "PipelineStep") -> None:
        """Start this step only after another step has ended, even if no data are passed between them."""
        if not isinstance(step, PipelineStep):
            raise TypeError(f"A step runs after a step, not after a {type(step).__name__}.")
        self._after.append(step)

    @property
    def step_type(self) -> str:
        """The kind of the step, such as `PythonScriptStep`."""
        return type(self).__name__

    @property
    def run_after_steps(self) -> "List[PipelineStep]":
        """The steps that were given to `run_after`."""
        return list(self._after)

    def _check_arguments(self) -> None:
        """Raise an error if the arguments of the step are invalid."""

    def _get_default_name(self) -> str:
        return type(self).__name__

    def _list_inputs(self) -> List[Any]:
        """Return the data that the step declares as inputs."""
        return to_list(vars(self).get("inputs"), "inputs")

    def _list_arguments(self) -> List[Any]:
        """Return the arguments of the step's script."""
        return to_list(vars(self).get("arguments"), "arguments")

    def _list_outputs(self) -> List[Any]:
        """Return the data that the step writes: its declared outputs, and outputs among the arguments.

        As in Azure, an output among the inputs is that of an earlier step, in the arguments too.
        """
        from azureml.data.output_dataset_config import OutputDatasetConfig

        declared = to_list(vars(self).get("outputs"), "outputs")
        read = {id(one) for one in self._list_inputs()}
        arguments = [one for one in self._list_arguments() if isinstance(one, OutputDatasetConfig)]
        return [*declared, *(one for one in arguments if id(one) not in read)]

    def _build_document(self, documents: "StepDocuments") -> Dict[str, Any]:
        """Return the fields that this kind of step adds to the step's entry in the pipeline document.

        Raises:
            UserErrorException: Steps of this kind are not run here.
        """
        from azureml.exceptions import UserErrorException

        raise UserErrorException(
            f"Step {self.name!r} is not run here: steps of the kind {type(self).__name__} need a service of Azure. "
            "Do what it does in a script, as a PythonScriptStep."
        )


class StepSequence(StoredArguments, takes="steps=None"):
    """Steps, or lists of steps, to be executed one after another."""

    steps: List[Any]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.steps = list(self.steps or [])
        before: List[PipelineStep] = []
        for entry in self.steps:
            steps = flatten_steps([entry])
            for step in steps:
                for earlier in before:
                    step.run_after(earlier)
            before = steps or before

    def __iter__(self) -> Any:
        return iter(self.steps)


def flatten_steps(steps: Any) -> List[PipelineStep]:
    """Return the distinct steps in nested lists and sequences, in order.

    Raises:
        TypeError: Something among them is not a step.
    """
    found: List[PipelineStep] = []
    for entry in steps if isinstance(steps, (list, tuple, StepSequence)) else [steps]:
        if isinstance(entry, (list, tuple, StepSequence)):
            nested = flatten_steps(entry)
        elif isinstance(entry, PipelineStep):
            nested = [entry]
        else:
            raise TypeError(f"The steps of a pipeline are steps, or lists of steps, not {entry!r}.")
        found += [step for step in nested if not any(step is known for known in found)]
    return found


def to_list(values: Any, noun: str) -> List[Any]:
    """Return a step's argument as a list, empty for None; raise TypeError for anything but a list or tuple."""
    if values is None:
        return []
    if not isinstance(values, (list, tuple)):
        raise TypeError(f"The {noun} of a step are a list, not a {type(values).__name__}.")
    return list(values)
