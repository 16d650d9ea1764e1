"""`run list --group-by`: groups of runs with aggregated metrics."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from mlrun_cli.actions.run_groups import get_group_key, parse_group_names, read_groups
from mlrun_cli.cli.command import Result
from mlrun_cli.cli.option_values import add_option_to_errors
from mlrun_cli.cli.run.listing import METRICS, Listing
from mlrun_cli.core.named_tuple import NamedTuple
from mlrun_cli.metrics.goal import Goal
from mlrun_cli.runs.grouping import RunGroup, parse_aggregates
from mlrun_cli.runs.where.value_name import ValueName
from mlrun_cli.workspace import Workspace

if TYPE_CHECKING:
    from mlrun_cli.cli.output.columns import Layout

DEFAULT_AGGREGATES = "mean,std"


class Grouping(NamedTuple):
    """The values to group runs by, and the aggregates of their metrics."""

    names: Sequence[ValueName]
    aggregates: Sequence[str]

    @classmethod
    def parse(cls, names: str, aggregates: str) -> Grouping:
        """Parse the values of --group-by and --agg.

        Raises:
            UsageError: one of them is not valid.
        """
        with add_option_to_errors("--group-by"):
            parsed = parse_group_names(names)
        return cls(parsed, parse_aggregates(aggregates))

    def build_result(
        self, workspace: Workspace, listing: Listing, warn: Callable[[str], object], *, uses_pager: bool
    ) -> Result:
        """Return the groups of the listed runs as a result; groups are sorted by a metric if the runs are.

        Args:
            workspace: the workspace of the runs.
            listing: the runs, with the metrics to aggregate.
            warn: called with a message if no run has one of the values.
            uses_pager: whether a terminal shows the table through a pager.
        """
        metrics = listing.columns[METRICS]
        groups = read_groups(workspace, listing.runs, self.names, metrics.values, self.aggregates)
        for name in groups[0].values if groups else ():
            if all(group.values[name] is None for group in groups):
                warn(f"None of the runs has the value '{name}', by which they are grouped.")
        goals = listing.get_sort_goals()
        for name, goal in goals.items():
            groups.sort(key=lambda group: self._get_sort_key(group, name, goal))

        def build_layout(_encoding: str) -> Layout:
            from mlrun_cli.cli.output.groups_table import build_groups_layout  # noqa: PLC0415

            return build_groups_layout(groups, metrics.names, self.aggregates, goals)

        first = [
            *(f"group.{title}" for title in map(get_group_key, self.names)),
            "run_count",
            *(f"metrics.{name}.{aggregate}" for name in metrics.names for aggregate in self.aggregates),
        ]
        return Result(
            [group.build_record() for group in groups], layout=build_layout, uses_pager=uses_pager, first_columns=first
        )

    def _get_sort_key(self, group: RunGroup, name: str, goal: Goal) -> tuple[bool, Any]:
        value = group.metrics.get(name, {}).get(self.aggregates[0])
        if value is None or value != value:  # noqa: PLR0124 - NaN differs from itself
            return True, 0
        return False, -value if goal is Goal.MAXIMIZE else value
