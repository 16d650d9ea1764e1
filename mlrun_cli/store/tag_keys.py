"""SQL conditions on the keys of tags that are meant for people, unlike tags with documents of sweeps and MLflow."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from mlrun_cli.store.db.database import build_in_list
from mlrun_cli.wire.bookkeeping_tags import DEFINITION_TAGS, PREFIXES_OF_ALL_RUNS, SAMPLED_VALUES_TAG, SWEEP_RUN

_SWEEP_RUN_TAG = "HD_________-____-____-____-_____________%"
"""What the key of a sweep's tag for one of its runs is like: the id of the sweep, and the number of the run."""


def build_readable_tag_conditions() -> tuple[Sequence[str], Mapping[str, object]]:
    """Return SQL conditions, and their parameters, that exclude documents of sweeps and MLflow from `run_tags`.

    A sweep writes the keys of its definition, and some that begin with its id. Keys with an id of the form that sweeps
    get are not looked up: there may be very many.
    """
    definition, keys = build_in_list("definition", [*DEFINITION_TAGS, SAMPLED_VALUES_TAG])
    prefixes = {f"prefix{number}": prefix for number, prefix in enumerate(PREFIXES_OF_ALL_RUNS)}
    conditions = [
        "key NOT LIKE :of_sweep",
        f"key NOT IN {definition}",
        *(f"substr(key, 1, length(:{name})) <> :{name}" for name in prefixes),
        "NOT EXISTS (SELECT 1 FROM runs WHERE runs.run_key = run_tags.run_key AND run_type = :sweep"
        " AND substr(key, 1, length(run_id) + 1) = run_id || '_')",
    ]
    return conditions, {**prefixes, **keys, "of_sweep": _SWEEP_RUN_TAG, "sweep": SWEEP_RUN}
