"""The fields that steps with a script have in the document of a pipeline."""

import os
from copy import copy
from typing import TYPE_CHECKING, Any, Dict

from azureml.exceptions import UserErrorException
from azureml.pipeline.core.graph import PipelineParameter

if TYPE_CHECKING:
    from azureml.pipeline.core._graph_builder import StepDocuments


def build_script_fields(
    documents: "StepDocuments",
    kind: str,
    *,
    script: Any = None,
    source_directory: Any = None,
    runconfig: Any = None,
    compute_target: Any = None,
) -> Dict[str, Any]:
    """Return the fields that specify the script, target and environment of a step.

    Raises:
        UserErrorException: The run configuration is none, or the source folder does not exist.
    """
    folder = os.path.abspath(os.fspath(source_directory or documents.default_source_directory or os.curdir))
    if not os.path.isdir(folder):
        raise UserErrorException(f"Step {documents.step.name!r}: the source_directory {folder} does not exist.")
    document = _build_runconfig(documents.step.name, runconfig, folder)
    own_target = document.pop("target", None)
    step = vars(documents.step)
    return {
        "kind": kind,
        "source_directory": folder,
        "script": None if script is None else os.fspath(script),
        "target": getattr(compute_target, "name", compute_target) or own_target,
        "runconfig": document,
        "parameters": documents.build_step_parameters(step.get("params")),
        "runconfig_parameters": documents.build_runconfig_parameters(step.get("runconfig_pipeline_params")),
    }


def _build_runconfig(step_name: str, runconfig: Any, folder: str) -> Dict[str, Any]:
    """Return a run configuration as a document, without its script, arguments and command."""
    from azureml.core.runconfig import RunConfiguration
    from azureml.core.script_run_config import ScriptRunConfig

    if runconfig is not None and not isinstance(runconfig, RunConfiguration):
        raise UserErrorException(
            f"Step {step_name!r}: runconfig is a RunConfiguration, not a {type(runconfig).__name__}. "
            "RunConfiguration.load(path) reads one from a file."
        )
    configuration = RunConfiguration() if runconfig is None else copy(runconfig)
    configuration.script, configuration.arguments, configuration.command = None, [], ""
    document = ScriptRunConfig(folder, script=os.devnull, run_config=configuration)._to_document()
    for name in ("script", "arguments", "command"):
        document.pop(name, None)
    return document


def unwrap_parameter(value: Any) -> Any:
    """Return the default value of a pipeline parameter, or any other value unchanged."""
    return value.default_value if isinstance(value, PipelineParameter) else value
