"""How an address names a chart."""

from __future__ import annotations

from urllib.parse import parse_qs, parse_qsl

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlrun_cli.errors import UsageError
from mlrun_cli.studio.charts.chart import CURVE, SCATTER, X_AXES, Chart, Measure, parse_charts, replace_charts
from mlrun_cli.studio.charts.chart import VALUE as ONE_VALUE

names = st.text(st.characters(codec="utf-8"), min_size=1)


whichs = st.sampled_from(["last", "min", "max"])


which_in_scatters = st.sampled_from(["last", "min", "max", "parameter"])


@given(
    kind=st.sampled_from([CURVE, ONE_VALUE, SCATTER]),
    measures=st.lists(st.builds(Measure, names, whichs), min_size=2, max_size=4, unique=True),
    over=st.sampled_from(list(X_AXES)),
    is_log=st.booleans(),
    smoothing=st.sampled_from([0.0, 0.6, 0.99]),
    which=which_in_scatters,
    colour=names | st.just(""),
)
def test_whatever_metrics_are_called_a_chart_is_read_as_it_was_written(
    kind: str, measures: list[Measure], over: str, is_log: bool, smoothing: float, which: str, colour: str
) -> None:
    if kind == CURVE:
        chart = Chart(CURVE, tuple(dict.fromkeys(Measure(each.name) for each in measures)), over, is_log, smoothing)
    else:
        chart = Chart(kind, tuple(measures[: 1 if kind == ONE_VALUE else 2]), is_log=is_log)
    if kind == SCATTER:
        measures = [Measure(names.pop(), which) for names in ({measures[0].name}, {f"{measures[0].name}x"})]
        chart = chart._replace(measures=tuple(measures), is_x_log=is_log)
    chart = chart._replace(colour=colour)
    assert Chart.parse(str(chart)) == chart
    assert [Chart.parse(text) for key, text in parse_qsl(replace_charts("a=1", [chart])) if key == "chart"] == [chart]


@pytest.mark.parametrize(
    ("text", "chart"),
    [
        ("curve:loss,accuracy:step", Chart(CURVE, (Measure("loss"), Measure("accuracy")))),
        ("curve:loss:time:log:smooth=0.6", Chart(CURVE, (Measure("loss"),), "time", True, 0.6)),
        ("value:loss:min", Chart(ONE_VALUE, (Measure("loss", "min"),))),
        ("scatter:loss:last:a\\:b:max", Chart(SCATTER, (Measure("loss"), Measure("a:b", "max")))),
        (
            "scatter:lr:parameter:loss:min:logx:colour=a\\:b",
            Chart(SCATTER, (Measure("lr", "parameter"), Measure("loss", "min")), is_x_log=True, colour="a:b"),
        ),
    ],
)
def test_charts_are_short_words_in_an_address(text: str, chart: Chart) -> None:
    assert Chart.parse(text) == chart
    assert str(chart) == text


def test_what_two_charts_of_a_metric_differ_in_stands_in_their_titles() -> None:
    titles = {
        "curve:loss:step": "loss",
        "curve:loss:time": "loss · time",
        "curve:loss:relative:log": "loss · time since the start · log",
        "curve:loss:step:smooth=0.6": "loss · smoothed 0.6",
        "value:loss:min": "loss (min)",
        "value:loss:min:log": "loss (min) · log",
    }
    assert {text: Chart.parse(text).title for text in titles} == titles


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("", "not the words"),
        ("pie:loss:last", "not the words"),
        ("curve:loss", "not the words"),
        ("curve::step", "empty"),
        ("curve:a,:step", "empty"),
        ("curve:loss:epoch", "not 'epoch'"),
        ("curve:loss:step:smooth=much", "not 'much'"),
        ("curve:loss:step:smooth=nan", "not 'nan'"),
        ("curve:loss:step:bright", "'bright'"),
        ("value:loss:mean", "not 'mean'"),
        ("value:lr:parameter", "not 'parameter'"),
        ("scatter:a:last:a:last", "the same"),
        (f"curve:{','.join(map(str, range(21)))}:step", "more than 20"),
    ],
)
def test_what_is_no_chart_is_told_why(text: str, fault: str) -> None:
    with pytest.raises(UsageError) as told:
        Chart.parse(text)
    assert fault in told.value.message


def test_an_address_without_charts_differs_from_one_with_none() -> None:
    assert parse_charts([]) == (None, [])
    assert parse_charts(parse_qs(replace_charts("search=x", []))["chart"]) == ([], [])
