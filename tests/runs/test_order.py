from __future__ import annotations

import pytest

from mlrun_cli.errors import InvalidFilter
from mlrun_cli.runs.order import COLUMNS, NEWEST_FIRST, RunOrder


@pytest.mark.parametrize(
    "column", [*COLUMNS, "tag:a:b", "property:p", "parameter:a.b", "metric:loss:min", "metric:a:b:last"]
)
@pytest.mark.parametrize("sign", ["", "-"])
def test_an_order_is_read_and_written(column: str, sign: str) -> None:
    order = RunOrder.parse(sign + column)

    assert order == RunOrder(column, descending=sign == "-")
    assert str(order) == sign + column


def test_without_a_word_it_is_the_newest_first() -> None:
    assert RunOrder.parse("-created") == NEWEST_FIRST


@pytest.mark.parametrize("text", ["", "-", "size", "tag:", "tag", "metric:loss", "metric::last", "metric:loss:mean"])
def test_what_is_no_column_is_refused(text: str) -> None:
    with pytest.raises(InvalidFilter) as caught:
        RunOrder.parse(text)

    assert "created, started" in (caught.value.hint or "")
