"""The choice of metrics or parameters that a list of runs shows: `a,b`, `all`, `best` or `differing`."""

from __future__ import annotations

from collections.abc import Sequence

from mlrun_cli.core.named_tuple import NamedTuple
from mlrun_cli.runs.order import METRIC, PARAMETER
from mlrun_cli.runs.where.value_name import ValueName, parse_value_names

ALL, BEST, DIFFERING = "all", "best", "differing"


class ColumnChoice(NamedTuple):
    """A choice of metrics or parameters of runs.

    Attributes:
        word: `all`; `best` for the metrics that most of the runs have; `differing` for the parameters in which the
            runs differ; or empty.
        names: the chosen names, in order, without a word.
    """

    word: str = ""
    names: Sequence[ValueName] = ()


def parse_metric_choice(text: str) -> ColumnChoice:
    """Parse `all`, `best`, or names of metrics such as `rmse,max(accuracy)`.

    Raises:
        InvalidFilter: it is neither.
    """
    return _parse_choice(text, METRIC, BEST)


def parse_parameter_choice(text: str) -> ColumnChoice:
    """Parse `all`, `differing`, or names of parameters such as `lr,"batch size"`.

    Raises:
        InvalidFilter: it is neither.
    """
    return _parse_choice(text, PARAMETER, DIFFERING)


def _parse_choice(text: str, kind: str, special_choice: str) -> ColumnChoice:
    if text.strip() in {ALL, special_choice}:
        return ColumnChoice(text.strip())
    return ColumnChoice(names=parse_value_names(text, kind))
