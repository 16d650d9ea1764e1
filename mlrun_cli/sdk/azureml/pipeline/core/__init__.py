"""Pipelines: their parts can be described, and making one is refused."""

import azureml._alone  # noqa: F401 - has to come before anything that could be the other package's
from azureml._refused import names_of
from azureml.pipeline._instead import INSTEAD
from azureml.pipeline.core.builder import PipelineData, PipelineStep, StepSequence
from azureml.pipeline.core.graph import (
    InputPortBinding,
    OutputPortBinding,
    PipelineDataset,
    PipelineParameter,
    PortDataReference,
    PublishedPipeline,
    TrainingOutput,
)
from azureml.pipeline.core.pipeline import Pipeline
from azureml.pipeline.core.pipeline_endpoint import (
    Module,
    ModuleVersion,
    ModuleVersionDescriptor,
    PipelineDraft,
    PipelineEndpoint,
)
from azureml.pipeline.core.run import PipelineRun, StepRun, StepRunOutput
from azureml.pipeline.core.schedule import Schedule, ScheduleRecurrence, TimeZone

__all__ = [
    "InputPortBinding",
    "Module",
    "ModuleVersion",
    "ModuleVersionDescriptor",
    "OutputPortBinding",
    "Pipeline",
    "PipelineData",
    "PipelineDataset",
    "PipelineDraft",
    "PipelineEndpoint",
    "PipelineParameter",
    "PipelineRun",
    "PipelineStep",
    "PortDataReference",
    "PublishedPipeline",
    "Schedule",
    "ScheduleRecurrence",
    "StepRun",
    "StepRunOutput",
    "StepSequence",
    "TimeZone",
    "TrainingOutput",
]

__getattr__ = names_of(__name__, INSTEAD)
