"""Methods of Azure's pipeline, sweep and AutoML runs, which are not supported here."""

from typing import Any

from azureml.exceptions import UserErrorException

_CALLS = {
    "find_step_run": "a pipeline's run",
    "get_steps": "a pipeline's run",
    "get_pipeline_output": "a pipeline's run",
    "publish_pipeline": "a pipeline's run",
    "get_output": "an AutoML run",
    "get_best_child": "an AutoML run",
    "get_best_run_by_primary_metric": "a sweep's run",
    "get_children_sorted_by_primary_metric": "a sweep's run",
    "get_hyperparameters": "a sweep's run",
}


def create_unsupported_run_method(class_name: str, method_name: str) -> Any:
    """Return a function that raises UserErrorException, as a substitute for an unsupported method of a run.

    Raises:
        AttributeError: Runs in Azure have no such attribute either; the message uses the class name `class_name`.
    """
    if method_name not in _CALLS:
        raise AttributeError(f"{class_name!r} object has no attribute {method_name!r}")

    def call(*_args: object, **_kwargs: object) -> None:
        raise UserErrorException(
            f"run.{method_name}() is a call of {_CALLS[method_name]}, and this run is none. "
            "run.get_children() and run.get_metrics() find the best of several."
        )

    return call
