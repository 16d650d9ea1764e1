"""A comparison with a logged metric as typed by a user: `accuracy > 0.9`."""

from __future__ import annotations

from mlrun_cli.core.comparison import Comparison, Subject, build_comparison_error, quote_name
from mlrun_cli.core.named_tuple import NamedTuple
from mlrun_cli.metrics.metric import LAST

_SUBJECT = Subject("metric", "number", 'Write it like: accuracy > 0.9, "val loss" <= 1e-3 or max(accuracy) >= 0.9')


class MetricFilter(NamedTuple):
    """A comparison of a run's metric with a number; runs without a number of this name never match.

    Attributes:
        name: the name of the metric.
        operator: one of `OPERATORS`.
        value: a number, which may be infinite.
        which: the statistic that is compared: `last`, `min` or `max`.
    """

    name: str
    operator: str
    value: float
    which: str = LAST

    @classmethod
    def parse(cls, text: str) -> MetricFilter:
        """Parse a filter: a metric name (quoted if it contains special characters), an operator and a number.

        `min(name)` and `max(name)` compare the minimum or maximum instead of the last value.

        Raises:
            InvalidFilter: it is not a comparison; the message says what is wrong.
        """
        found = Comparison.parse(text, _SUBJECT)
        return cls(found.name, found.operator, _parse_number(text, found.typed), found.function or LAST)

    def __str__(self) -> str:
        """Return the text from which `parse` recreates this filter."""
        name = quote_name(self.name)
        return f"{name if self.which == LAST else f'{self.which}({name})'} {self.operator} {self.value:.17g}"


def _parse_number(filter_text: str, number_text: str) -> float:
    try:
        value = float(number_text)
    except ValueError:
        raise build_comparison_error(filter_text, _SUBJECT, f"'{number_text}' is not a number") from None
    if value != value:  # noqa: PLR0124 — NaN differs from itself
        raise build_comparison_error(filter_text, _SUBJECT, "nothing compares with NaN")
    return value
