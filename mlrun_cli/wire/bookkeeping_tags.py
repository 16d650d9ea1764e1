"""Tags in which sweeps and MLflow's clients store documents, which are omitted where tags are displayed."""

from typing import Mapping, Optional

SWEEP_RUN = "hyperdrive"
"""The type of a sweep's run, as in Azure."""

DEFINITION_TAGS = (
    "generator_config",
    "max_concurrent_jobs",
    "max_duration_minutes",
    "max_total_jobs",
    "platform_config",
    "policy_config",
    "primary_metric_config",
    "resume_child_runs",
    "resume_from",
)
"""The tags of a sweep's run with its definition; those of its child runs are named by their ids."""

SAMPLED_VALUES_TAG = "hyperparameters"
"""The tag of a sweep's child run with the values sampled for it, as JSON text."""

_SWEEP_ID_PREFIX = "HD_"

PREFIXES_OF_ALL_RUNS = (
    "_aml_system_",
    "mlflow.datasetInput.",
    "mlflow.log-model.history",
    "mlflow.loggedModel",
    "mlflow.modelInput.",
    "mlflow.modelMetric.",
    "mlflow.modelOutput.",
)
"""How the keys of MLflow's documents begin, in the tags of any run."""


def drop_bookkeeping_tags(
    run_type: str, run_id: str, tags: "Mapping[str, Optional[str]]"
) -> "Mapping[str, Optional[str]]":
    """Return a run's tags without those in which sweeps and MLflow store definitions and other JSON documents."""
    if run_type == SWEEP_RUN:
        own = f"{run_id}_"
        tags = {key: value for key, value in tags.items() if key not in DEFINITION_TAGS and not key.startswith(own)}
    elif SAMPLED_VALUES_TAG in tags and run_id.startswith(_SWEEP_ID_PREFIX):
        tags = {key: value for key, value in tags.items() if key != SAMPLED_VALUES_TAG}
    if not any(key.startswith(PREFIXES_OF_ALL_RUNS) for key in tags):
        return tags
    return {key: value for key, value in tags.items() if not key.startswith(PREFIXES_OF_ALL_RUNS)}
