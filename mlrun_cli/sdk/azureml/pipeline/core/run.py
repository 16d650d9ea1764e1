"""The runs of pipelines."""

from azureml._refused import Refused
from azureml.pipeline._instead import INSTEAD

__all__ = ["PipelineRun", "StepRun", "StepRunOutput"]


class PipelineRun(metaclass=Refused, instead=INSTEAD):
    """The run of a pipeline; there are none."""


class StepRun(metaclass=Refused, instead=INSTEAD):
    """The run of a step; there are none."""


class StepRunOutput(metaclass=Refused, instead=INSTEAD):
    """What a step's run has written."""
