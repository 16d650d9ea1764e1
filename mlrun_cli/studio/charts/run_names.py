"""The labels of runs in charts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping

from mlrun_cli.runs.run import Run


def build_run_labels(runs: Collection[Run]) -> Mapping[int, str]:
    """Return a unique label for each run, keyed by run key: its name, extended by its number or id if necessary."""
    short = {run.key: run.display_name or run.run_id for run in runs}
    numbered = {run.key: f"{short[run.key]} #{run.run_number}" for run in runs}
    whole = {run.key: f"{short[run.key]} {run.run_id}" for run in runs}
    often = Counter((*short.values(), *numbered.values()))
    return {key: next((way[key] for way in (short, numbered) if often[way[key]] == 1), whole[key]) for key in short}
