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
    """Return the subclass of `Run` for a run type, or None if the type has no subclass."""
    if run_type not in _CLASSES:
        return None
    module, name = _CLASSES[run_type]
    return getattr(import_module(module), name)
