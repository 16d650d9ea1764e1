"""Which runs a verb is about: those of some ids, or those that filters leave."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from typing import Any

from mlrun_cli.actions import runs as actions
from mlrun_cli.cli.context import Context
from mlrun_cli.cli.option_values import of_option
from mlrun_cli.core.time import now
from mlrun_cli.errors import UsageError
from mlrun_cli.runs.filter import TERMS, RunFilter, parse_filter
from mlrun_cli.runs.run import Run


def get_runs(context: Context, run_ids: Sequence[str], experiment_name: str | None) -> Sequence[Run]:
    """The runs of these ids; `@latest` is the newest of the experiment, or of the attached one."""
    return actions.get_runs(
        context.workspace, run_ids, experiment_name=experiment_name, attached_experiment=context.attached_experiment
    )


def get_run(context: Context, run_id: str, experiment_name: str | None) -> Run:
    """The run of this id."""
    return get_runs(context, [run_id], experiment_name)[0]


def one_or_all(records: Sequence[dict[str, Any]]) -> object:
    """The record of the only run, or a list of all of them."""
    return records[0] if len(records) == 1 else list(records)


def one_or_by_id(values: Mapping[str, Any]) -> object:
    """Return the value of the only run, or all values by run id."""
    return next(iter(values.values())) if len(values) == 1 else values


def run_filter(
    context: Context,
    experiment_name: str | None,
    *,
    last: int | None,
    status: list[str] | None,
    tags: list[str] | None,
    parent_run_id: str | None,
    target: str | None,
) -> RunFilter:
    """What the options of `list` mean; a parent may be in any experiment.

    Raises:
        UsageError: one of them cannot be right, or no experiment is known.
    """
    if last is not None and last < 1:
        raise UsageError(f"--last: {last} is less than 1.", hint="Write how many runs to show, as --last 20.")
    if parent_run_id is not None:
        parent_run_id = _parent_id(context, parent_run_id, experiment_name)
    texts = {
        "status": status or [],
        "tag": tags or [],
        "parent": [] if parent_run_id is None else [parent_run_id],
        "target": [] if target is None else [target],
    }
    parsed = parse_filter(texts, now())
    for word, fault in parsed.faults.items():
        with of_option(TERMS[word].option[0]):
            raise fault.error
    return parsed.which._replace(
        experiment_name=None if parent_run_id is not None else context.experiment_name(experiment_name),
        last=None if last is None else min(last, sys.maxsize),
    )


def _parent_id(context: Context, run_id: str, experiment_name: str | None) -> str:
    """The whole id of a parent; the experiment that was named says only which run is `@latest`."""
    latest_of = experiment_name or context.attached_experiment
    return actions.get_runs(context.workspace, [run_id], attached_experiment=latest_of)[0].run_id


def choose_runs(
    context: Context,
    run_ids: list[str] | None,
    experiment_name: str | None,
    *,
    is_all: bool,
    terminal: bool,
    last: int | None,
    status: list[str] | None,
    tags: list[str] | None,
    parent_run_id: str | None,
    target: str | None,
) -> Sequence[Run]:
    """The runs of some ids, or with `is_all` those that the filters leave and that have ended, or have not.

    Raises:
        UsageError: neither way was chosen, or both.
    """
    if bool(run_ids) == is_all:
        raise UsageError(
            "Say which runs: by id, or all that the filters leave.", hint="Use either -r ID or --all, with filters."
        )
    if not is_all:
        if any(option is not None for option in (last, status, tags, parent_run_id, target)):
            raise UsageError("Filters go with --all, not with -r.", hint="Leave the filters out, or the ids.")
        return get_runs(context, run_ids or [], experiment_name)
    which = run_filter(
        context, experiment_name, last=last, status=status, tags=tags, parent_run_id=parent_run_id, target=target
    )
    return [run for run in actions.list_runs(context.workspace, which) if run.status.is_terminal == terminal]
