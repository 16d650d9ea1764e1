from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlrun_cli.core.comparison import OPERATORS
from mlrun_cli.errors import InvalidFilter
from mlrun_cli.runs.parameter_filter import ParameterFilter


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("lr >= 0.01", ParameterFilter("lr", ">=", 0.01)),
        ("optimizer == adam", ParameterFilter("optimizer", "=", "adam")),
        ('"my name" != "two  words"', ParameterFilter("my name", "!=", "two  words")),
        ('n = "10"', ParameterFilter("n", "=", "10")),
        ("id=007", ParameterFilter("id", "=", "007")),
        ("layers = 64 32", ParameterFilter("layers", "=", "64 32")),
        ("db/engine = nan", ParameterFilter("db/engine", "=", "nan")),
    ],
)
def test_a_comparison_with_a_number_or_a_text_is_read(typed: str, meant: ParameterFilter) -> None:
    assert ParameterFilter.parse(typed) == meant


@pytest.mark.parametrize("typed", ["", "lr", "lr >", "> 1", "max(lr) > 1"])
def test_what_is_no_comparison_is_refused(typed: str) -> None:
    with pytest.raises(InvalidFilter, match="a comparison of a parameter"):
        ParameterFilter.parse(typed)


@given(
    st.builds(
        ParameterFilter,
        st.text(min_size=1),
        st.sampled_from(OPERATORS),
        st.text() | st.floats(allow_nan=False, allow_infinity=False),
    )
)
def test_its_text_is_read_back(which: ParameterFilter) -> None:
    assert ParameterFilter.parse(str(which)) == which
