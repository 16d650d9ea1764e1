"""Charts of runs as an address names them: `chart=curve:loss,accuracy:step`.

A chart is words between colons: its kind, its metrics, then what else is wanted of it.

- `curve:NAME,NAME:step` draws what was logged, over `step`, `time` or `relative` time, a line per run and metric;
- `value:NAME:min` draws one value per run, its `last`, `min` or `max`;
- `scatter:NAME:last:NAME:max` draws a point per run, the first metric to the right and the second upwards.

`log` at the end makes the vertical axis logarithmic, and `smooth=0.6` smooths curves. In a name, a backslash stands
before each colon, comma and backslash.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple
from urllib.parse import parse_qsl, urlencode

from mlrun_cli.errors import UsageError
from mlrun_cli.metrics.metric import LAST, SUMMARIES

CURVE, VALUE, SCATTER = "curve", "value", "scatter"
KINDS = {CURVE: "Curves", VALUE: "A value per run", SCATTER: "Two metrics against each other"}
STEP, TIME, RELATIVE = "step", "time", "relative"
OVER = {STEP: "step", TIME: "time", RELATIVE: "time since the start"}

MOST_CHARTS = 24
MOST_NAMES = 20
_NO_CHARTS = "none"
_LOG, _SMOOTH = "log", "smooth="
STRONGEST = 0.99
"""The most that curves are smoothed."""
_SPECIAL = re.compile(r"[\\:,]")
_ESCAPED = re.compile(r"\\(.)", re.DOTALL)
_EXAMPLE = "Charts are curve:NAME,NAME:step, value:NAME:last and scatter:NAME:last:NAME:max."


class Measure(NamedTuple):
    """A metric, and what of its values is meant where a run has one value: `last`, `min` or `max`."""

    name: str
    which: str = LAST


class Chart(NamedTuple):
    """A chart of runs.

    Attributes:
        kind: one of `KINDS`.
        measures: what is drawn; several of a curve, one of a value, two of a scatter.
        over: one of `OVER`, of a curve.
        is_log: whether the vertical axis is logarithmic.
        smoothing: of a curve, from 0 for none to less than 1.
    """

    kind: str
    measures: tuple[Measure, ...]
    over: str = STEP
    is_log: bool = False
    smoothing: float = 0.0

    @classmethod
    def parse(cls, text: str) -> Chart:
        """The chart that an address names.

        Raises:
            UsageError: it is none; the message says why.
        """
        kind, *words = _split(text, ":")
        if kind == CURVE and len(words) >= 2:
            measures = [Measure(_plain(name)) for name in _split(words[0], ",")]
            over, options = words[1], words[2:]
        elif kind == VALUE and len(words) >= 2:
            measures = [Measure(_plain(words[0]), words[1])]
            over, options = STEP, words[2:]
        elif kind == SCATTER and len(words) >= 4:
            measures = [Measure(_plain(words[0]), words[1]), Measure(_plain(words[2]), words[3])]
            over, options = STEP, words[4:]
        else:
            raise _invalid(text, "these are not the words of one")
        smoothing = 0.0
        for option in options:
            if option.startswith(_SMOOTH):
                smoothing = _share(text, option.removeprefix(_SMOOTH))
            elif option != _LOG:
                raise _invalid(text, f"'{option[:60]}' is neither log nor smooth=NUMBER")
        return _checked(text, cls(kind, tuple(dict.fromkeys(measures)), over, _LOG in options, smoothing))

    @classmethod
    def of_fields(
        cls, kind: str, names: Sequence[str], whichs: Sequence[str], over: str, *, is_log: bool, smoothing: str
    ) -> Chart:
        """The chart that a form describes; names that were left empty count for nothing.

        Args:
            kind: one of `KINDS`.
            names: of metrics, as many as the form has boxes for.
            whichs: which value of the first and of the second, where a run has one.
            over: one of `OVER`.
            is_log: whether the vertical axis is logarithmic.
            smoothing: a number.

        Raises:
            UsageError: it describes none.
        """
        padded = [*whichs, *([LAST] * len(names))]
        measures = [Measure(name, padded[place]) for place, name in enumerate(names) if name.strip()]
        wanted = {CURVE: MOST_NAMES, VALUE: 1, SCATTER: 2}.get(kind, 0)
        if kind == CURVE:
            measures = [Measure(measure.name) for measure in measures]
        described = "the chart of the form"
        if not measures:
            raise _invalid(described, "it names no metric")
        if kind == SCATTER and len(measures) < 2:
            raise _invalid(described, "it needs two metrics")
        share = _share(described, smoothing or "0") if kind == CURVE else 0.0
        over = over if kind == CURVE else STEP
        return _checked(described, cls(kind, tuple(dict.fromkeys(measures[:wanted])), over, is_log, share))

    def __str__(self) -> str:
        """The text that `parse` makes it of."""
        if self.kind == CURVE:
            words = [",".join(_escaped(measure.name) for measure in self.measures), self.over]
        else:
            words = [word for measure in self.measures for word in (_escaped(measure.name), measure.which)]
        options = [_LOG] if self.is_log else []
        if self.smoothing:
            options.append(f"{_SMOOTH}{self.smoothing:g}")
        return ":".join([self.kind, *words, *options])

    @property
    def names(self) -> list[str]:
        """The metrics that it draws."""
        return [measure.name for measure in self.measures]

    @property
    def title(self) -> str:
        """What stands above it: its metrics, and in what it differs from a plain chart of them."""
        if self.kind == CURVE:
            words = [", ".join(self.names)]
        else:
            words = [" against ".join(f"{measure.name} ({measure.which})" for measure in reversed(self.measures))]
        if self.over != STEP:
            words.append(OVER[self.over])
        if self.is_log:
            words.append("log")
        if self.smoothing:
            words.append(f"smoothed {self.smoothing:g}")
        return " · ".join(words)


def read_charts(texts: Sequence[str]) -> tuple[Sequence[Chart] | None, Sequence[str]]:
    """The charts that the values of `chart` in an address name, and what is wrong with the others.

    None instead of charts where the address says nothing of them.
    """
    charts: list[Chart] = []
    problems: list[str] = []
    for text in texts:
        if text == _NO_CHARTS:
            continue
        try:
            charts.append(Chart.parse(text))
        except UsageError as error:
            problems.append(f"{error.message} {error.hint}")
    return (list(dict.fromkeys(charts))[:MOST_CHARTS] if texts else None), problems


def query_with(query: str, charts: Sequence[Chart]) -> str:
    """A query string with these charts instead of those it names."""
    others = [(key, value) for key, value in parse_qsl(query, keep_blank_values=True) if key != "chart"]
    named = [str(chart) for chart in charts] or [_NO_CHARTS]
    return urlencode([*others, *(("chart", text) for text in named)])


def _checked(text: str, chart: Chart) -> Chart:
    if not all(measure.name for measure in chart.measures):
        raise _invalid(text, "a name is empty")
    if len(chart.measures) > MOST_NAMES:
        raise _invalid(text, f"it has more than {MOST_NAMES} metrics")
    if chart.over not in OVER:
        raise _invalid(text, f"curves are drawn over {', '.join(OVER)}, not '{chart.over[:60]}'")
    for measure in chart.measures:
        if measure.which not in SUMMARIES:
            raise _invalid(text, f"a run's value is its {', '.join(SUMMARIES)}, not '{measure.which[:60]}'")
    if chart.kind == SCATTER and len(chart.measures) != 2:
        raise _invalid(text, "its two sides are the same")
    return chart


def _share(text: str, typed: str) -> float:
    try:
        value = float(typed)
    except ValueError:
        value = -1.0
    if not 0 <= value <= 1:
        raise _invalid(text, f"smoothing is a number from 0 to {STRONGEST}, not '{typed[:60]}'")
    return min(value, STRONGEST)


def _split(text: str, separator: str) -> list[str]:
    """The pieces between separators, but for those after a backslash; the pieces keep their backslashes."""
    return ["".join(piece) for piece in _pieces(text, separator)]


def _pieces(text: str, separator: str) -> list[list[str]]:
    pieces: list[list[str]] = [[]]
    for sign in re.findall(r"\\.|.", text, re.DOTALL):
        if sign == separator:
            pieces.append([])
        else:
            pieces[-1].append(sign)
    return pieces


def _escaped(name: str) -> str:
    return _SPECIAL.sub(r"\\\g<0>", name)


def _plain(text: str) -> str:
    return _ESCAPED.sub(r"\1", text)


def _invalid(text: str, why: str) -> UsageError:
    shown = text if len(text) <= 60 else f"{text[:60]}…"
    return UsageError(f"'{shown}' is no chart: {why}.", hint=_EXAMPLE)
