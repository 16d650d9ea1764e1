"""Tags of a run in which MLflow's clients keep documents about its models and data."""

from __future__ import annotations

from collections.abc import Mapping

_PREFIXES = (
    "mlflow.datasetInput.",
    "mlflow.log-model.history",
    "mlflow.loggedModel",
    "mlflow.modelInput.",
    "mlflow.modelMetric.",
    "mlflow.modelOutput.",
)


def drop_document_tags(tags: Mapping[str, str | None]) -> Mapping[str, str | None]:
    """Return the tags to show to people: without documents."""
    if not any(key.startswith("mlflow.") for key in tags):
        return tags
    return {key: value for key, value in tags.items() if not key.startswith(_PREFIXES)}
