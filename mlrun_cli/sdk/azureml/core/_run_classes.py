"""The classes of handles for types of runs, each imported when a run of its type is found."""

from importlib import import_module
from typing import Any

_CLASSES = {
    "azureml.PipelineRun": ("azureml.pipeline.core.run", "PipelineRun"),
    "azureml.StepRun": ("azureml.pipeline.core.run", "StepRun"),
    "azureml.scriptrun": ("azureml.core.script_run", "ScriptRun"),
    "hyperdrive": ("azureml.train.hyperdrive.run", "HyperDriveRun"),
}


def import_run_class(run_type: str) -> Any:
    """Return the class of handles for a type of runs, or None for types without a class of their own."""
    if run_type not in _CLASSES:
        return None
    module, name = _CLASSES[run_type]
    return getattr(import_module(module), name)
