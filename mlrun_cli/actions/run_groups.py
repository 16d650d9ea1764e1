"""Groups of runs by parameters, tags, properties and fields, with aggregated metrics."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from mlrun_cli.errors import InvalidFilter
from mlrun_cli.runs.grouping import RunGroup, Value, group_runs
from mlrun_cli.runs.order import PARAMETER, PROPERTY, TAG
from mlrun_cli.runs.parameters import Parameters
from mlrun_cli.runs.run import Run
from mlrun_cli.runs.where.value_name import FIELD, PLAIN, ValueName, parse_value_names
from mlrun_cli.workspace import Workspace

_FIELDS: Mapping[str, Callable[[Run], Value]] = {
    "status": lambda run: run.status.value,
    "experiment": lambda run: run.experiment_name,
    "target": lambda run: run.target,
    "submitter": lambda run: run.user_name,
    "type": lambda run: run.run_type,
    "display_name": lambda run: run.display_name,
    "description": lambda run: run.description,
    "exit_code": lambda run: run.exit_code,
}


def parse_group_names(text: str) -> Sequence[ValueName]:
    """Parse the names of values to group runs by, such as `lr,wd,tag.team,status`; a bare name is a parameter.

    Raises:
        InvalidFilter: it is no list of names, or runs are not grouped by one of them.
    """
    names = [name._replace(kind=PARAMETER) if name.kind == PLAIN else name for name in parse_value_names(text)]
    for name in names:
        if name.kind not in {PARAMETER, TAG, PROPERTY} and not (name.kind == FIELD and name.name in _FIELDS):
            raise InvalidFilter(
                f"Runs are not grouped by '{name}'.",
                hint=f"Use parameters, tag.KEY, property.KEY, or {', '.join(_FIELDS)}.",
                target=str(name),
            )
    return names


def read_groups(
    workspace: Workspace,
    runs: Sequence[Run],
    names: Sequence[ValueName],
    metrics: Mapping[int, Mapping[str, Value]],
    aggregates: Sequence[str],
) -> list[RunGroup]:
    """Return groups of the runs that have the same values for these names.

    The run of a sweep or a pipeline is in no group if any of its child runs is given: these do the work.

    Args:
        workspace: the workspace of the runs.
        runs: the runs.
        names: the names of the values.
        metrics: the metrics of the runs, keyed by key of the run and by name.
        aggregates: the aggregates of metrics.
    """
    parents = {run.parent_run_id for run in runs}
    runs = [run for run in runs if run.controller is None or run.run_id not in parents]
    parameters: Mapping[int, Parameters] = {}
    if any(name.kind == PARAMETER for name in names):
        parameters = workspace.parameters.get_for_runs([run.key for run in runs])
    values = [
        {get_group_key(name): _get_value(run, name, parameters.get(run.key, {})) for name in names} for run in runs
    ]
    return group_runs(runs, values, [metrics.get(run.key, {}) for run in runs], aggregates)


def get_group_key(name: ValueName) -> str:
    """Return the key of a value in a group's record: for a parameter or field the bare name, else with its prefix."""
    return name.name if name.kind in {PARAMETER, FIELD} else str(name)


def _get_value(run: Run, name: ValueName, parameters: Parameters) -> Value:
    if name.kind == PARAMETER:
        return parameters[name.name].value if name.name in parameters else None
    if name.kind == FIELD:
        return _FIELDS[name.name](run)
    return (run.tags if name.kind == TAG else run.properties).get(name.name)
