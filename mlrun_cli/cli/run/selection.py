"""Selection of the runs of a command by ids or by filters."""

from __future__ import annotations

import math
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from mlrun_cli.actions import runs as actions
from mlrun_cli.actions.parameters import backfill_parameters, depends_on_parameters
from mlrun_cli.cli.ci.job import is_ci_job
from mlrun_cli.cli.context import Context
from mlrun_cli.cli.global_options import GlobalOptions
from mlrun_cli.cli.run.filter_options import FilterOptions
from mlrun_cli.errors import ConflictingOptions, InvalidFilter, InvalidValue, OneOptionRequired
from mlrun_cli.runs.filter import RunFilter, uses_field
from mlrun_cli.runs.run import Run
from mlrun_cli.runs.status import ALIVE_STATUSES, TERMINAL_STATUSES, RunStatus
from mlrun_cli.workspace import Workspace

PICK = "@pick"
"""The value of `-r` that stands for the run to be chosen on the terminal."""

_ARTICLES = ("the first", "the second")
_MAX_CHOICES = 500
_STATUSES = {True: TERMINAL_STATUSES, False: ALIVE_STATUSES}


def get_runs(context: Context, run_ids: Sequence[str], experiment_name: str | None) -> Sequence[Run]:
    """Return the runs with the given ids or names, or for each `PICK` a run that the user selects on the terminal.

    `@latest` is the newest run of the named or the attached experiment.
    """
    if PICK in run_ids:
        articles = _ARTICLES[: len(run_ids)] if len(run_ids) > 1 else ("a",)
        picked = [run for article in articles for run in _pick_run(context, experiment_name, article=article)]
        run_ids = [run.run_id for run in picked] or [actions.LATEST]
    return actions.get_runs(
        context.workspace,
        run_ids,
        experiment_name=experiment_name,
        attached_experiment=context.attached_experiment,
        by_display_name=True,
    )


def add_second_pick(run_ids: Sequence[str]) -> Sequence[str]:
    """Return the given ids for a command that needs two runs: if one is to be selected, then another one too."""
    return [PICK, PICK] if run_ids == [PICK] else run_ids


def get_run(context: Context, run_id: str, experiment_name: str | None) -> Run:
    """Return the run with the given id, which may be abbreviated, a name or `@latest`."""
    return get_runs(context, [run_id], experiment_name)[0]


def can_pick_run() -> bool:
    """Return whether the user can select a run: stdin and stderr are a terminal that can move its cursor."""
    is_dumb = os.environ.get("TERM", "dumb") == "dumb"
    return not is_dumb and not is_ci_job() and sys.stdin.isatty() and sys.stderr.isatty()


def _pick_run(
    context: Context, experiment_name: str | None, statuses: frozenset[RunStatus] = frozenset(), *, article: str = "a"
) -> Sequence[Run]:
    """Return the run that the user selects from the experiment's newest runs; empty if there are none.

    Raises:
        KeyboardInterrupt: none was chosen.
    """
    from mlrun_cli.cli.run.picker import pick_run  # noqa: PLC0415 - start-up

    name = experiment_name or context.attached_experiment
    which = RunFilter(experiment_name=name, statuses=statuses, last=_MAX_CHOICES)
    runs = actions.list_runs(context.workspace, which)
    return [pick_run(runs, article)] if runs else []


def unwrap_single_value(values: Mapping[str, Any]) -> object:
    """Return the only value, or all values keyed by run id if there is not exactly one."""
    return next(iter(values.values())) if len(values) == 1 else values


def build_run_filter(
    context: Context,
    experiment_name: str | None,
    filters: FilterOptions,
    *,
    last: int | None,
    all_experiments: bool | None = None,
) -> RunFilter:
    """Return the run filter for a command's filter options; a parent may be in any experiment.

    A condition on experiments is about those of the whole workspace, unless one is named. `all_experiments` is None if
    the command does not have this option.

    Raises:
        UsageError: an option is not valid, or no experiment is known.
    """
    if last is not None and last < 1:
        raise InvalidValue(
            f"--last: {last} is not a number of runs.",
            hint="Use a number of at least 1, as in --last 20.",
            target="--last",
        )
    if all_experiments and experiment_name is not None:
        raise ConflictingOptions(
            "--all-experiments and -e both choose experiments.", hint="Leave one of them out.", target="-e"
        )
    which = filters.parse()
    if which.parent_run_id is None:
        if not all_experiments and (experiment_name is not None or not uses_field(which, "experiment")):
            alternative = "" if all_experiments is None else "--all-experiments"
            name = context.get_experiment_name(experiment_name, alternative=alternative)
            which = which._replace(experiment_name=name)
    else:
        which = which._replace(parent_run_id=_resolve_parent_id(context, which.parent_run_id, experiment_name))
    return which._replace(last=None if last is None else min(last, sys.maxsize))


def _resolve_parent_id(context: Context, run_id: str, experiment_name: str | None) -> str:
    """Return the complete id of a parent run; the experiment is only used to resolve `@latest`."""
    latest_of = experiment_name or context.attached_experiment
    found = actions.get_runs(context.workspace, [run_id], attached_experiment=latest_of, by_display_name=True)
    return found[0].run_id


def choose_runs(
    context: Context,
    run_ids: list[str] | None,
    experiment_name: str | None,
    *,
    is_all: bool,
    has_ended: bool,
    last: int | None,
    filters: FilterOptions,
    report: Callable[[str], None],
) -> Sequence[Run]:
    """Return the runs with the given ids, those picked by the user, or all ended or active ones that match the filters.

    If none but child runs match the filters, `report` is called with a note on these.

    Raises:
        UsageError: neither ids nor `is_all` are given, or both, or filters are given with ids.
    """
    if not run_ids and not is_all and not filters and last is None and can_pick_run():
        run_ids = [run.run_id for run in _pick_run(context, experiment_name, _STATUSES[has_ended])]
    if bool(run_ids) == is_all:
        raise OneOptionRequired(
            "Name runs, or choose all that the filters leave.",
            hint="Use either -r ID, or --all with filters.",
            target="--run",
        )
    if not is_all:
        check_no_filters(filters, last)
        return get_runs(context, run_ids or [], experiment_name)
    which = build_run_filter(context, experiment_name, filters, last=last)
    if depends_on_parameters(which):
        backfill_parameters(context.workspace, math.inf)
    if which.where is not None:
        _check_names(context.workspace, which)
    found = [run for run in actions.list_runs(context.workspace, which) if run.status.is_terminal == has_ended]
    statuses = which.statuses & _STATUSES[has_ended] if which.statuses else _STATUSES[has_ended]
    if not found and statuses:
        parent = find_parent_id_of_match(context.workspace, which._replace(statuses=statuses))
        if parent is not None:
            report(f"Only child runs match. Choose those of a parent: --parent-run-id {parent}")
    return found


def find_parent_id_of_match(workspace: Workspace, run_filter: RunFilter) -> str | None:
    """Return the parent id of the newest child run that meets a filter, or None if no recent one does."""
    if run_filter.parent_run_id is not None or run_filter.include_children:
        return None
    from mlrun_cli.actions.run_pages import find_recent_child  # noqa: PLC0415 - start-up

    found = find_recent_child(workspace, run_filter)
    return None if found is None else found.parent_run_id


def check_no_filters(filters: FilterOptions, last: int | None) -> None:
    """Raise if filters are given, for a command whose runs are named by ids.

    Raises:
        ConflictingOptions: they are.
    """
    if last is not None or filters:
        raise ConflictingOptions("Filters are used with --all, not with -r.", hint="Leave the filters out, or the ids.")


def _check_names(workspace: Workspace, run_filter: RunFilter) -> None:
    """Raise if a name in a condition does not exist, since `not` with a misspelled name would match all runs.

    Raises:
        InvalidFilter: neither a metric nor a parameter of any run has this name.
    """
    from mlrun_cli.actions.run_values import find_similar_name, list_unknown_names  # noqa: PLC0415 - start-up

    for name in list_unknown_names(workspace, run_filter):
        similar = find_similar_name(workspace, name)
        guess = "" if similar is None else f"Did you mean '{similar}'? "
        raise InvalidFilter(
            f"--where: no run in this workspace has a metric or a parameter '{name}'.",
            hint=f"{guess}Correct the name, or write metric.NAME or param.NAME.",
            target="--where",
        )


def warn_of_unknown_experiment(
    workspace: Workspace, experiment_name: str | None, global_options: GlobalOptions
) -> None:
    """Warn if a named experiment does not exist, for a command that has found no runs in it."""
    if experiment_name is not None and workspace.experiments.find(experiment_name) is None:
        global_options.notes.warning(f"There is no experiment '{experiment_name}' yet.")


def describe_chosen_runs(workspace: Workspace, runs: Sequence[Run]) -> str:
    """Return a text for a question: the number of runs, their workspace and, if all have the same, their experiment."""
    count = "1 run" if len(runs) == 1 else f"{len(runs)} runs"
    experiments = {run.experiment_name for run in runs}
    of = f" of experiment '{runs[0].experiment_name}'" if len(experiments) == 1 else ""
    return f"{count}{of} in workspace '{workspace.identity.name}'"
