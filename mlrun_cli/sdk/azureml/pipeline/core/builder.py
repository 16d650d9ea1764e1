"""The base class of pipeline steps, and sequences of steps."""

from typing import Any

from azureml._unsupported import StoredArguments
from azureml.pipeline.core.graph import PipelineData

__all__ = ["PipelineData", "PipelineStep", "StepSequence"]


class PipelineStep(
    StoredArguments,
    takes="name, inputs, outputs, arguments=None, fix_port_name_collisions=False, resource_inputs=None",
):
    """Base class of pipeline steps."""

    name: str

    def run_after(self, step: Any) -> None:
        """Record that this step depends on another step."""
        vars(self).setdefault("_after", []).append(step)


class StepSequence(StoredArguments, takes="steps=None"):
    """A sequence of steps to be executed one after another."""
