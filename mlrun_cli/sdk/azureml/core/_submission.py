"""Submission of scripts as runs."""

import os
import sys
from typing import TYPE_CHECKING, Any, cast

from azureml._client.client import get_client
from azureml.core._text_pairs import convert_properties, convert_values_to_strings
from azureml.exceptions import UserErrorException

if TYPE_CHECKING:
    from azureml._client.client import WorkspaceNames
    from azureml.core.run import Run

_TIMEOUT_SECONDS = 24 * 3600.0
_KNOWN = {"display_name", "properties", "parent_run_id"}
_IGNORED_BY_AZURE = {"show_output", "wait_for_completion", "wait_post_processing"}


def submit(
    workspace: "WorkspaceNames",
    experiment_name: str,
    config: Any,
    tags: "dict[str, Any] | None",
    **kwargs: Any,
) -> "Run":
    """Submit a script or a sweep and return its run without waiting; print notes about skipped settings to stderr.

    Args:
        workspace: The names of the workspace.
        experiment_name: The name of the experiment, which is created if it does not exist.
        config: A ScriptRunConfig, a RunConfiguration for the working folder, an estimator, a HyperDriveConfig or a
            pipeline.
        tags: The initial tags of the run.
        kwargs: `display_name`, `properties`, `parent_run_id`; `arguments` is for a RunConfiguration, and a pipeline
            takes the arguments of its own `submit`. What sweeps and pipelines ignore in Azure is ignored: a submission
            never waits.

    Raises:
        UserErrorException: The submission is not supported here; the message says why and what to do instead.
    """
    from azureml.core.run import Run

    if hasattr(config, "_submit_to_experiment") or hasattr(config, "_to_sweep_arguments"):
        kwargs = {name: value for name, value in kwargs.items() if name not in _IGNORED_BY_AZURE}
    if hasattr(config, "_submit_to_experiment"):
        submitted: Run = config._submit_to_experiment(experiment_name, {**kwargs, **({"tags": tags} if tags else {})})
        return submitted
    script = _build_script_config(config, kwargs)
    unknown = sorted(set(kwargs) - _KNOWN)
    if unknown:
        raise UserErrorException(
            f"submit() does not know {', '.join(unknown)}. It takes tags=, display_name=, properties=."
        )
    sweep = {} if not hasattr(config, "_to_sweep_arguments") else config._to_sweep_arguments()
    response = get_client().request(
        "submitting.submit_sweep" if sweep else "submitting.submit",
        workspace=workspace,
        timeout_seconds=_TIMEOUT_SECONDS,
        experiment_name=experiment_name,
        document=script._to_document(),
        source_directory=os.path.abspath(script.source_directory or "."),
        environment=dict(os.environ),
        tags=convert_values_to_strings(tags or {}, "tags"),
        properties=convert_properties(kwargs.get("properties") or {}),
        parent_run_id=kwargs.get("parent_run_id"),
        display_name=kwargs.get("display_name"),
        **sweep,
    )
    for note in response["notes"]:
        print(f"WARNING: {note}", file=sys.stderr)
    run = Run._from_record(workspace, response["run"])
    if sweep:
        cast("Any", run)._hyperdrive_config = config
    return run


def _build_script_config(config: Any, kwargs: "dict[str, Any]") -> Any:
    """Return the ScriptRunConfig for an object that can be submitted, such as an estimator; raise for others."""
    from azureml.core.runconfig import RunConfiguration
    from azureml.core.script_run_config import ScriptRunConfig

    if hasattr(config, "_create_submit_error"):
        raise config._create_submit_error()
    if hasattr(config, "_to_script_run_config"):
        return config._to_script_run_config()
    if isinstance(config, RunConfiguration):
        folder = kwargs.pop("source_directory", None) or "."
        arguments = kwargs.pop("arguments", None) or config.arguments
        return ScriptRunConfig(folder, script=config.script, arguments=arguments, run_config=config)
    if isinstance(config, ScriptRunConfig):
        return config
    raise UserErrorException(
        "What is submitted is a ScriptRunConfig, a RunConfiguration, an estimator, a HyperDriveConfig or a pipeline, "
        f"not {type(config).__name__}."
    )
