"""What runs are called beside each other."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping

from mlrun_cli.runs.run import Run


def names_of_runs(runs: Collection[Run]) -> Mapping[int, str]:
    """By its key what each run is called; of several of one name also by its number, or its id where that is alike."""
    short = {run.key: run.display_name or run.run_id for run in runs}
    numbered = {run.key: f"{short[run.key]} #{run.run_number}" for run in runs}
    whole = {run.key: f"{short[run.key]} {run.run_id}" for run in runs}
    often = Counter((*short.values(), *numbered.values()))
    return {key: next((way[key] for way in (short, numbered) if often[way[key]] == 1), whole[key]) for key in short}
