"""The base of all steps, and their order."""

from typing import Any

from azureml._unsupported import Described
from azureml.pipeline.core.graph import PipelineData

__all__ = ["PipelineData", "PipelineStep", "StepSequence"]


class PipelineStep(
    Described,
    takes="name, inputs, outputs, arguments=None, fix_port_name_collisions=False, resource_inputs=None",
):
    """One step of a pipeline."""

    name: str

    def run_after(self, step: Any) -> None:
        """Run this step after another one."""
        vars(self).setdefault("_after", []).append(step)


class StepSequence(Described, takes="steps=None"):
    """Steps that follow each other."""
