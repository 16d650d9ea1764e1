"""Pipelines: steps that are run together, in the order of their data dependencies."""

import azureml._package_guard  # noqa: F401 - has to come before anything that could be the other package's
from azureml.pipeline.core.builder import PipelineData, PipelineStep, StepSequence
from azureml.pipeline.core.graph import (
    InputPortBinding,
    OutputPortBinding,
    PipelineDataset,
    PipelineParameter,
    TrainingOutput,
)

_MODULES = {
    "Module": "module",
    "ModuleVersion": "module",
    "ModuleVersionDescriptor": "module",
    "Pipeline": "pipeline",
    "PipelineDraft": "pipeline_draft",
    "PipelineEndpoint": "pipeline_endpoint",
    "PipelineRun": "run",
    "PortDataReference": "_port_data",
    "PublishedPipeline": "_published",
    "Schedule": "schedule",
    "ScheduleRecurrence": "schedule",
    "StepRun": "run",
    "StepRunOutput": "run",
    "TimeZone": "schedule",
}
__all__ = [  # noqa: PLE0604 - they are all texts
    "InputPortBinding",
    "OutputPortBinding",
    "PipelineData",
    "PipelineDataset",
    "PipelineParameter",
    "PipelineStep",
    "StepSequence",
    "TrainingOutput",
    *_MODULES,
]
