"""Charts, and their representation in URLs, such as `chart=curve:loss,accuracy:step`.

A chart is written as words separated by colons: its kind, its metrics and its options.

- `curve:NAME,NAME:step` draws logged values over `step`, `time` or `relative` time, one line per run and metric;
- `value:NAME:min` draws one value per run, the `last`, `min` or `max`;
- `scatter:NAME:last:NAME:max` draws a point per run, with the first metric on the horizontal axis; `NAME:parameter` is
  a parameter instead of a metric.

The option `log` makes the vertical axis logarithmic, `logx` the horizontal one of a scatter, `smooth=0.6` smooths
curves, and `colour=NAME` colours runs by a parameter. In names, colons, commas and backslashes are escaped by a
backslash.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any
from urllib.parse import parse_qsl, urlencode

from mlrun_cli.core.named_tuple import NamedTuple
from mlrun_cli.errors import InvalidValue, UsageError
from mlrun_cli.metrics.metric import LAST, SUMMARIES

CURVE, VALUE, SCATTER = "curve", "value", "scatter"
KINDS = {CURVE: "Curves", VALUE: "A value per run", SCATTER: "Two metrics or parameters against each other"}
PARAMETER = "parameter"
STATISTICS = (*SUMMARIES, PARAMETER)
"""The values of a run that a scatter can draw: the statistics of a metric, or a parameter."""
STEP, TIME, RELATIVE = "step", "time", "relative"
X_AXES = {STEP: "step", TIME: "time", RELATIVE: "time since the start"}

MAX_CHARTS = 24
MAX_NAMES = 20
_NO_CHARTS = "none"
_LOG, _LOG_X, _SMOOTH, _COLOUR = "log", "logx", "smooth=", "colour="
MAX_SMOOTHING = 0.99
"""The maximum smoothing."""
_SPECIAL = re.compile(r"[\\:,]")
_ESCAPED = re.compile(r"\\(.)", re.DOTALL)
_EXAMPLE = "Charts are curve:NAME,NAME:step, value:NAME:last and scatter:NAME:last:NAME:max."


class Measure(NamedTuple):
    """A metric or parameter, and its statistic for charts that show one value per run."""

    name: str
    which: str = LAST

    @property
    def is_parameter(self) -> bool:
        """True for a parameter, False for a metric."""
        return self.which == PARAMETER

    def __str__(self) -> str:
        """Return the text for labels."""
        return self.name if self.is_parameter else f"{self.name} ({self.which})"


class Chart(NamedTuple):
    """A chart that compares runs.

    Attributes:
        kind: one of `KINDS`.
        measures: one or more for a curve, one for a value, two for a scatter.
        over: the horizontal axis of a curve, one of `X_AXES`.
        is_log: whether the vertical axis is logarithmic.
        smoothing: the smoothing of a curve, from 0 for none to less than 1.
        is_x_log: whether the horizontal axis of a scatter is logarithmic.
        colour: the name of the parameter by which runs are coloured; empty if each has its own colour.
    """

    kind: str
    measures: tuple[Measure, ...]
    over: str = STEP
    is_log: bool = False
    smoothing: float = 0.0
    is_x_log: bool = False
    colour: str = ""

    @classmethod
    def parse(cls, text: str) -> Chart:
        """Parse a chart from its text in a URL.

        Raises:
            UsageError: the text is not a valid chart.
        """
        kind, *words = _split_unescaped(text, ":")
        if kind == CURVE and len(words) >= 2:
            measures = [Measure(_unescape_name(name)) for name in _split_unescaped(words[0], ",")]
            over, options = words[1], words[2:]
        elif kind == VALUE and len(words) >= 2:
            measures = [Measure(_unescape_name(words[0]), words[1])]
            over, options = STEP, words[2:]
        elif kind == SCATTER and len(words) >= 4:
            measures = [Measure(_unescape_name(words[0]), words[1]), Measure(_unescape_name(words[2]), words[3])]
            over, options = STEP, words[4:]
        else:
            raise _create_chart_error(text, "these are not the words of one")
        chart = cls(kind, tuple(dict.fromkeys(measures)), over)
        for option in options:
            chart = chart._replace(**_parse_option(text, option))
        return _validate_chart(text, chart)

    @classmethod
    def from_form(
        cls,
        kind: str,
        names: Sequence[str],
        statistics: Sequence[str],
        axis: str,
        *,
        is_log: bool,
        smoothing: str,
        is_x_log: bool = False,
        colour: str = "",
    ) -> Chart:
        """Create a chart from the fields of a form.

        Args:
            kind: one of `KINDS`.
            names: the names of metrics; empty ones are ignored.
            statistics: the statistics of the first and second metric, for charts with one value per run.
            axis: one of `X_AXES`.
            is_log: whether the vertical axis is logarithmic.
            smoothing: a number as text.
            is_x_log: whether the horizontal axis of a scatter is logarithmic.
            colour: the name of a parameter, or an empty text.

        Raises:
            UsageError: the fields are not valid.
        """
        summaries = [*statistics, *([LAST] * len(names))]
        measures = [Measure(name, summaries[place]) for place, name in enumerate(names) if name.strip()]
        wanted = {CURVE: MAX_NAMES, VALUE: 1, SCATTER: 2}.get(kind, 0)
        if kind == CURVE:
            measures = [Measure(measure.name) for measure in measures]
        description = "the chart of the form"
        if not measures:
            raise _create_chart_error(description, "it names no metric")
        if kind == SCATTER and len(measures) < 2:
            raise _create_chart_error(description, "it needs two metrics")
        share = _parse_smoothing(description, smoothing or "0") if kind == CURVE else 0.0
        axis = axis if kind == CURVE else STEP
        chart = cls(kind, tuple(dict.fromkeys(measures[:wanted])), axis, is_log, share)
        return _validate_chart(
            description, chart._replace(is_x_log=is_x_log and kind == SCATTER, colour=colour.strip())
        )

    def __str__(self) -> str:
        """Return the text of the chart for a URL, in the format that `parse` reads."""
        if self.kind == CURVE:
            words = [",".join(_escape_name(measure.name) for measure in self.measures), self.over]
        else:
            words = [word for measure in self.measures for word in (_escape_name(measure.name), measure.which)]
        options = [_LOG] if self.is_log else []
        if self.smoothing:
            options.append(f"{_SMOOTH}{self.smoothing:g}")
        if self.is_x_log:
            options.append(_LOG_X)
        if self.colour:
            options.append(f"{_COLOUR}{_escape_name(self.colour)}")
        return ":".join([self.kind, *words, *options])

    @property
    def names(self) -> list[str]:
        """The names of the metrics and parameters that the chart shows."""
        return [measure.name for measure in self.measures]

    @property
    def metric_names(self) -> list[str]:
        """The names of the metrics that the chart shows."""
        return [measure.name for measure in self.measures if not measure.is_parameter]

    @property
    def uses_parameters(self) -> bool:
        """True if the chart depends on parameters of runs."""
        return bool(self.colour) or any(measure.is_parameter for measure in self.measures)

    @property
    def title(self) -> str:
        """The title, which lists the metrics and the options that differ from the defaults."""
        words = [", ".join(self.names) if self.kind == CURVE else " against ".join(map(str, reversed(self.measures)))]
        if self.over != STEP:
            words.append(X_AXES[self.over])
        if self.is_log:
            words.append("log")
        if self.is_x_log:
            words.append("log →")
        if self.colour:
            words.append(f"by {self.colour}")
        if self.smoothing:
            words.append(f"smoothed {self.smoothing:g}")
        return " · ".join(words)


def parse_charts(texts: Sequence[str]) -> tuple[Sequence[Chart] | None, Sequence[UsageError]]:
    """Return the first `MAX_CHARTS` distinct valid charts in a URL's `chart` parameters, and errors for invalid ones.

    The charts are None if the URL has no parameter `chart`.
    """
    charts: list[Chart] = []
    problems: list[UsageError] = []
    for text in texts:
        if text == _NO_CHARTS:
            continue
        try:
            charts.append(Chart.parse(text))
        except UsageError as error:
            problems.append(error)
    return (list(dict.fromkeys(charts))[:MAX_CHARTS] if texts else None), problems


def replace_charts(query: str, charts: Sequence[Chart]) -> str:
    """Return a query string in which the given charts replace its `chart` parameters."""
    others = [(key, value) for key, value in parse_qsl(query, keep_blank_values=True) if key != "chart"]
    named = [str(chart) for chart in charts] or [_NO_CHARTS]
    return urlencode([*others, *(("chart", text) for text in named)])


def _validate_chart(chart_text: str, chart: Chart) -> Chart:
    """Return the chart unchanged; raise UsageError if its names or options are invalid."""
    if not all(measure.name for measure in chart.measures):
        raise _create_chart_error(chart_text, "a name is empty")
    if len(chart.measures) > MAX_NAMES:
        raise _create_chart_error(chart_text, f"it has more than {MAX_NAMES} metrics")
    if chart.over not in X_AXES:
        raise _create_chart_error(chart_text, f"curves are drawn over {', '.join(X_AXES)}, not '{chart.over[:60]}'")
    for measure in chart.measures:
        known = STATISTICS if chart.kind == SCATTER else SUMMARIES
        if measure.which not in known:
            raise _create_chart_error(
                chart_text, f"a run's value is its {', '.join(known)}, not '{measure.which[:60]}'"
            )
    if chart.kind == SCATTER and len(chart.measures) != 2:
        raise _create_chart_error(chart_text, "its two sides are the same")
    return chart


def _parse_option(chart_text: str, option: str) -> dict[str, Any]:
    """Parse an option of a chart; return the values of the fields that the option sets, keyed by field name."""
    if option.startswith(_SMOOTH):
        return {"smoothing": _parse_smoothing(chart_text, option.removeprefix(_SMOOTH))}
    if option.startswith(_COLOUR):
        return {"colour": _unescape_name(option.removeprefix(_COLOUR))}
    if option == _LOG_X:
        return {"is_x_log": True}
    if option != _LOG:
        raise _create_chart_error(chart_text, f"'{option[:60]}' is none of log, logx, smooth=NUMBER and colour=NAME")
    return {"is_log": True}


def _parse_smoothing(chart_text: str, value_text: str) -> float:
    try:
        value = float(value_text)
    except ValueError:
        value = -1.0
    if not 0 <= value <= 1:
        raise _create_chart_error(
            chart_text, f"smoothing is a number from 0 to {MAX_SMOOTHING}, not '{value_text[:60]}'"
        )
    return min(value, MAX_SMOOTHING)


def _split_unescaped(text: str, separator: str) -> list[str]:
    """Split a string at separators that are not escaped, keeping the backslashes in the parts."""
    return ["".join(piece) for piece in _split_into_characters(text, separator)]


def _split_into_characters(text: str, separator: str) -> list[list[str]]:
    """Split a string at unescaped separators into lists of characters, in which an escape sequence is one item."""
    pieces: list[list[str]] = [[]]
    for sign in re.findall(r"\\.|.", text, re.DOTALL):
        if sign == separator:
            pieces.append([])
        else:
            pieces[-1].append(sign)
    return pieces


def _escape_name(name: str) -> str:
    return _SPECIAL.sub(r"\\\g<0>", name)


def _unescape_name(text: str) -> str:
    return _ESCAPED.sub(r"\1", text)


def _create_chart_error(chart_text: str, reason: str) -> UsageError:
    shown = chart_text if len(chart_text) <= 60 else f"{chart_text[:60]}…"
    return InvalidValue(f"'{shown}' is not a chart: {reason}.", hint=_EXAMPLE)
