"""The labels of runs in charts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping

from mlrun_cli.runs.run import Run
from mlrun_cli.sweeps.run_tags import find_run_number

_MAX_SWEEP_CHARACTERS = 11  # HD_ and the first part of its GUID


def build_run_labels(runs: Collection[Run]) -> Mapping[int, str]:
    """Return a unique label for each run, keyed by run key: its name, extended by its number or id if necessary.

    Runs of a sweep without a name are labelled by their number in it, before which the sweep's id is shortened: labels
    are cut off at their end, where the ids differ.
    """
    short = {run.key: run.display_name or _shorten_id(run) for run in runs}
    numbered = {run.key: f"{short[run.key]} #{run.run_number}" for run in runs}
    whole = {run.key: f"{short[run.key]} {run.run_id}" for run in runs}
    often = Counter((*short.values(), *numbered.values()))
    return {key: next((way[key] for way in (short, numbered) if often[way[key]] == 1), whole[key]) for key in short}


def _shorten_id(run: Run) -> str:
    sweep_id = run.parent_run_id or ""
    number = find_run_number(sweep_id, run.run_id)
    if number is None or len(sweep_id) <= _MAX_SWEEP_CHARACTERS:
        return run.run_id
    return f"{sweep_id[:_MAX_SWEEP_CHARACTERS]}…_{number}"
