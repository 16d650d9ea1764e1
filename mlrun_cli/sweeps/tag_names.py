"""The names of the tags that a sweep's run has for its own use, light enough for every list of runs."""

from __future__ import annotations

from collections.abc import Mapping

SWEEP_RUN = "hyperdrive"
"""The type of a sweep's run, as in Azure."""

_DEFINITION_TAGS = frozenset(
    {
        "generator_config",
        "max_concurrent_jobs",
        "max_duration_minutes",
        "max_total_jobs",
        "platform_config",
        "policy_config",
        "primary_metric_config",
        "resume_child_runs",
        "resume_from",
    }
)


def drop_sweep_tags(run_type: str, run_id: str, tags: Mapping[str, str | None]) -> Mapping[str, str | None]:
    """Return a run's tags for display, without a sweep's definition and parameter values."""
    if run_type != SWEEP_RUN:
        return tags
    return {
        key: value for key, value in tags.items() if key not in _DEFINITION_TAGS and not key.startswith(f"{run_id}_")
    }
