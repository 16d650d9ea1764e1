from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlrun_cli.core.comparison import OPERATORS
from mlrun_cli.errors import UsageError
from mlrun_cli.metrics.filter import MetricFilter
from mlrun_cli.metrics.metric import SUMMARIES


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("accuracy > 0.9", MetricFilter("accuracy", ">", 0.9)),
        ("accuracy>=1", MetricFilter("accuracy", ">=", 1.0)),
        ("  val loss <= 1e-3 ", MetricFilter("val loss", "<=", 1e-3)),
        ('"val loss"<1', MetricFilter("val loss", "<", 1.0)),
        (r'"a \"b\" \\ >c" = -2', MetricFilter(r'a "b" \ >c', "=", -2.0)),
        ("n == 3", MetricFilter("n", "=", 3.0)),
        ("n != 3", MetricFilter("n", "!=", 3.0)),
        ("loss < inf", MetricFilter("loss", "<", math.inf)),
        ("max(accuracy) > 0.9", MetricFilter("accuracy", ">", 0.9, "max")),
        ('min( "val loss" ) < 1', MetricFilter("val loss", "<", 1.0, "min")),
        ("max > 1", MetricFilter("max", ">", 1.0)),
        ("train/loss:0 < 1", MetricFilter("train/loss:0", "<", 1.0)),
    ],
)
def test_a_comparison_is_read(typed: str, meant: MetricFilter) -> None:
    assert MetricFilter.parse(typed) == meant


@pytest.mark.parametrize(
    ("typed", "fault"),
    [
        ("", "it is empty"),
        ("accuracy", "it has none of >= <= != > < ="),
        ("> 0.9", "it names no metric"),
        ('"" > 0.9', "it names no metric"),
        ("accuracy >", "no number follows '>'"),
        ("accuracy > high", "'high' is not a number"),
        ("accuracy > 0.9 and loss < 1", "'0.9 and loss < 1' is not a number"),
        ("accuracy => 0.9", "'> 0.9' is not a number"),
        ("accuracy > nan", "nothing compares with NaN"),
        ('"val loss > 1', "a quotation mark has no counterpart"),
        ("max(accuracy > 1", "a parenthesis has no counterpart"),
        ("mean(accuracy) > 1", "a name with such signs needs double quotes"),
    ],
)
def test_what_is_no_comparison_is_refused_with_its_fault_and_an_example(typed: str, fault: str) -> None:
    with pytest.raises(UsageError) as caught:
        MetricFilter.parse(typed)

    assert caught.value.message.endswith(f"{fault}.")
    assert "accuracy > 0.9" in (caught.value.hint or "")


@given(
    st.builds(
        MetricFilter,
        st.text(min_size=1),
        st.sampled_from(OPERATORS),
        st.floats(allow_nan=False),
        st.sampled_from(SUMMARIES),
    )
)
def test_its_text_is_read_back(which: MetricFilter) -> None:
    assert MetricFilter.parse(str(which)) == which


def test_a_long_text_is_refused_quickly_and_shown_in_part() -> None:
    with pytest.raises(UsageError) as caught:
        MetricFilter.parse("a " * 50_000)

    assert len(caught.value.message) < 200
