"""An experiment: a named group of runs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mlrun_cli.core.named_tuple import NamedTuple
from mlrun_cli.core.time import format_iso


class Experiment(NamedTuple):
    """An experiment; `experiment_id` is a GUID, and times are in microseconds in UTC."""

    key: int
    experiment_id: str
    name: str
    created_at: int
    description: str | None = None
    archived_at: int | None = None


def build_experiment_record(experiment: Experiment, tags: Mapping[str, str | None]) -> dict[str, Any]:
    """Return the record of an experiment that `experiment list` prints: camelCase, as in Azure."""
    return {
        "archivedTime": None if experiment.archived_at is None else format_iso(experiment.archived_at),
        "createdUtc": format_iso(experiment.created_at),
        "description": experiment.description,
        "experimentId": experiment.experiment_id,
        "name": experiment.name,
        "tags": dict(tags),
    }
