"""The entry points by which MLflow finds the stores and the project backend of this package.

MLflow imports this module while it is imported itself. From then on, the variables MLFLOW_RUN_ID and
MLFLOW_EXPERIMENT_ID are taken out of the process's environment, and the tracking store joins the run instead. With
them, MLflow would look for the run even in a store that a script has chosen itself, and refuse a script that calls
`set_experiment` with another name. The experiment that such a call sets there, for processes that the script starts,
stays.
"""

import os
from typing import Any

from azureml._wire.tracking_uri import JOINED_RUN, is_workspace_uri


def _move_own_run_id() -> None:
    """Move the script's run id to another environment variable, so that MLflow calls `create_run` to get the run."""
    if is_workspace_uri(os.environ.get("MLFLOW_TRACKING_URI", "")) and os.environ.get("AZUREML_RUN_ID"):
        run_id = os.environ.pop("MLFLOW_RUN_ID", None)
        if os.environ.get("MLFLOW_EXPERIMENT_ID") == os.environ.get("AZUREML_EXPERIMENT_ID"):
            os.environ.pop("MLFLOW_EXPERIMENT_ID", None)
        elif "MLFLOW_EXPERIMENT_ID" in os.environ:
            os.environ.pop("MLFLOW_EXPERIMENT_NAME", None)  # MLflow refuses the name of another one beside it
        if run_id is not None:
            os.environ[JOINED_RUN] = run_id


def create_tracking_store(store_uri: str, artifact_uri: "str | None" = None) -> Any:
    """Create the tracking store of a workspace; the artifact URI is ignored, since artifacts are stored in runs."""
    del artifact_uri
    from azureml.mlflow._tracking_store import TrackingStore

    return TrackingStore(store_uri)


def create_registry_store(store_uri: str, tracking_uri: "str | None" = None, **_: Any) -> Any:
    """Create the model registry store of a workspace."""
    del tracking_uri
    from azureml.mlflow._registry_store import RegistryStore

    return RegistryStore(store_uri)


def create_artifact_repository(artifact_uri: str, *_: Any, **__: Any) -> Any:
    """Create the artifact repository for the artifacts of a run."""
    from azureml.mlflow._artifacts import ArtifactRepository

    return ArtifactRepository(artifact_uri)


def create_project_backend() -> Any:
    """Create the backend that runs MLflow projects as runs of a workspace."""
    from azureml.mlflow._projects import ProjectBackend

    return ProjectBackend()


_move_own_run_id()
