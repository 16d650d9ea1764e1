"""Stored files of metrics, as returned by `get_metrics(populate=True)`."""

import json
import os
from typing import Any, Dict

from azureml._client.client import WorkspaceNames, get_client
from azureml._wire.run_folder import UPLOADS

__all__ = ["Artifact", "ImageArtifact", "JsonArtifact", "replace_artifact_uris"]

_START = "aml://artifactId/"
_DOCUMENTS = {
    "confusion matrix": "azureml.v2.confusion_matrix",
    "accuracy table": "azureml.v2.accuracy_table",
    "residuals": "azureml.v2.residuals",
    "predictions": "azureml.v2.predictions",
}
_IMAGE_TYPE = "azureml.v2.image"


class Artifact:
    """The stored file of a metric.

    Attributes:
        data_location: The URI of the file, which `get_metrics()` returns without `populate`.
        filename, path: The name of the file within the run.
        data: The content of the file, or None if it no longer exists.
        metric_type: Azure's name for the type of the metric, such as `azureml.v2.image`.
        origin, container: The parts of the URI before the name.
    """

    def __init__(
        self,
        data_location: str,
        filename: "str | None" = None,
        data: "bytes | None" = None,
        metric_type: "str | None" = None,
        data_container: "str | None" = None,
    ) -> None:
        del data_container
        self.data_location = data_location
        self.origin, self.container, self.path = self.parse_data_location(data_location)
        self.filename = self.path if filename is None else filename
        self.data = data
        self.metric_type = metric_type

    def __repr__(self) -> str:
        kind = type(self).__name__
        return f"{kind}(data_location={self.data_location}, filename={self.filename}, metric_type={self.metric_type})"

    @staticmethod
    def parse_data_location(data_location: str) -> "tuple[str, str, str]":
        """Return the origin, the container and the path of the file in an artifact URI."""
        origin, _, rest = data_location[len(_START) :].partition("/")
        container, _, path = rest.partition("/")
        return origin, container, path

    def convert_to_object(self) -> Any:
        """Return the artifact itself."""
        return self


class JsonArtifact(Artifact):
    """A JSON document stored by `log_confusion_matrix` or a similar call."""

    def convert_to_object(self) -> Any:
        """Return the decoded content of the JSON file, or None if it no longer exists or is invalid."""
        try:
            return None if self.data is None else json.loads(self.data.decode("utf-8"))
        except ValueError:
            return None


class ImageArtifact(Artifact):
    """An image stored by `log_image`."""


def replace_artifact_uris(
    workspace: WorkspaceNames, metrics: Dict[str, Any], metric_kinds: Dict[str, str]
) -> Dict[str, Any]:
    """Return a copy of a run's metrics with artifact URIs replaced with `Artifact` objects.

    Args:
        workspace: The workspace of the run.
        metrics: The values keyed by metric name, as returned by `get_metrics()`.
        metric_kinds: The kind of each metric, such as `image`, keyed by metric name.
    """
    return {name: _replace_uris(workspace, value, metric_kinds.get(name)) for name, value in metrics.items()}


def _replace_uris(workspace: WorkspaceNames, value: Any, metric_kind: "str | None") -> Any:
    """Return a metric's value, with artifact URIs replaced with `Artifact` objects if metrics of its kind are files."""
    if metric_kind != "image" and metric_kind not in _DOCUMENTS:
        return value
    if isinstance(value, list):
        return [_replace_uris(workspace, each, metric_kind) for each in value]
    if not isinstance(value, str) or not value.startswith(_START):
        return value
    artifact: Artifact
    if metric_kind == "image":
        artifact = ImageArtifact(value, metric_type=_IMAGE_TYPE)
    else:
        artifact = JsonArtifact(value, metric_type=_DOCUMENTS[metric_kind])
    run_id = artifact.container.partition(".")[2]
    path = os.path.join(get_client().get_run_folder(workspace, run_id), UPLOADS, artifact.path)
    try:
        with open(path, "rb") as file:
            artifact.data = file.read()
    except OSError:  # the file no longer exists
        pass
    return artifact
