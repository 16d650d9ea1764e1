"""Functions that register models from MLflow runs and return the studio URLs of runs, as in `azureml.mlflow`.

MLflow itself finds the stores of this package by the entry points in the folder `mlrun_cli_mlflow-1.0.dist-info`.
"""

from typing import Any, Dict

from azureml._client.client import get_client
from azureml._wire.tracking_uri import parse_workspace

__all__ = ["get_portal_url", "register_model"]


def register_model(run: Any, name: str, path: str, tags: "Dict[str, Any] | None" = None, **kwargs: Any) -> Any:
    """Register files of an MLflow run as a model and return the model.

    Args:
        run: The run of MLflow.
        name: The name of the model.
        path: The path of the files below the run's artifacts, as in `log_model`.
        tags: The tags of the model.
        kwargs: More arguments of `Run.register_model`, such as `description`.
    """
    from azureml.core.run import Run

    names = parse_workspace(run.info.artifact_uri)
    record = get_client().request("runs.get", workspace=names, run_id=run.info.run_id)
    return Run._from_record(names, record).register_model(name, path, tags=tags, **kwargs)


def get_portal_url(run: Any) -> str:
    """Return the URL of an MLflow run's page in the studio."""
    names = parse_workspace(run.info.artifact_uri)
    url: str = get_client().request("runs.address", workspace=names, run_id=run.info.run_id)
    return url
