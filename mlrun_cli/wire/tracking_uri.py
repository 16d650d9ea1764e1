"""URIs by which MLflow's clients name a workspace and the files of its runs, in the form of Azure's.

azureml://localhost/mlflow/v1.0/subscriptions/S/resourceGroups/G/providers/Microsoft.MachineLearningServices/…
    …/workspaces/W                                  a workspace
    …/workspaces/W/experiments/E/runs/R/artifacts   the files of a run
    …/workspaces/W/experiments/E/runs/R             the folder above these, of which MLflow downloads `artifacts`
"""

import re
from typing import Sequence, Tuple
from urllib.parse import quote, unquote

ARTIFACTS = "artifacts"
"""The name of the folder with the files of a run in URIs."""
JOINED_RUN = "_MLRUN_MLFLOW_RUN_ID"
"""The variable with the run that MLflow's next `start_run()` of a script joins."""

_HOST = "azureml://localhost/"
_PATTERN = (
    r"azureml://[^/]+/mlflow/v[12]\.0/subscriptions/([^/]+)/resourceGroups/([^/]+)"
    r"/providers/Microsoft\.MachineLearningServices/workspaces/([^/?]+)"
    r"(?:/experiments/[^/]+/runs/([^/]+)(?:/(artifacts(?:/.*?)?))?)?/*(?:\?.*)?"
)


def build_tracking_uri(workspace_names: "Sequence[str]") -> str:
    """Return the tracking URI of a workspace, given its subscription id, resource group and name."""
    subscription, group, name = (quote(part, safe="") for part in workspace_names)
    return (
        f"{_HOST}mlflow/v1.0/subscriptions/{subscription}/resourceGroups/{group}"
        f"/providers/Microsoft.MachineLearningServices/workspaces/{name}"
    )


def build_artifact_uri(workspace_names: "Sequence[str]", experiment_id: str, run_id: str) -> str:
    """Return the URI of a run's artifacts."""
    return f"{build_tracking_uri(workspace_names)}/experiments/{experiment_id}/runs/{quote(run_id, safe='')}/artifacts"


def is_workspace_uri(uri: str) -> bool:
    """Return whether a URI refers to a workspace on this machine."""
    return uri.startswith(_HOST)


def parse_workspace(uri: str) -> "Tuple[str, str, str]":
    """Return the subscription id, resource group and name of the workspace in a tracking or artifact URI.

    Raises:
        ValueError: It is not such a URI.
    """
    found = _match_uri(uri)
    return unquote(found[1]), unquote(found[2]), unquote(found[3])


def parse_artifact_uri(uri: str) -> "Tuple[str, str]":
    """Return the run id and the path relative to the run's artifacts in an artifact URI.

    Raises:
        ValueError: It is not such a URI.
    """
    run_id, path = parse_run_uri(uri)
    first, _, rest = path.partition("/")
    if first != ARTIFACTS:
        raise ValueError(f"{uri!r} names no files of a run.")
    return run_id, rest.strip("/")


def parse_run_uri(uri: str) -> "Tuple[str, str]":
    """Return the run id and the path relative to the run in the URI of a run or of its artifacts.

    Raises:
        ValueError: It is not such a URI.
    """
    found = _match_uri(uri)
    if found[4] is None:
        raise ValueError(f"{uri!r} names no run.")
    return unquote(found[4]), (found[5] or "").strip("/")


def _match_uri(uri: str) -> "re.Match[str]":
    found = re.fullmatch(_PATTERN, uri)
    if found is None:
        raise ValueError(
            f"{uri!r} is not the address of a workspace: Workspace.get_mlflow_tracking_uri() returns that."
        )
    return found
