from __future__ import annotations

import json
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mlrun_cli.cli.output.formats import OutputFormat, render
from mlrun_cli.cli.output.query import Query
from mlrun_cli.errors import MlrunError

Knack = Callable[[object, str | None, str, bool], str | None]

KEYS = st.sampled_from(
    [
        "run_id",
        "status",
        "tags",
        "properties",
        "number",
        "id",
        "type",
        "etag",
        "_name",
        "Status",
        "ä",
        "x y",
        "",
    ]
)
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=12)
    | st.sampled_from(["null", "yes", "1", "a\tb", "a\nb", " x ", "日本語", "é", "2026-01-01T00:00:00Z", "#", "k: v"])
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS, inner, max_size=5),
    max_leaves=12,
)
RECORDS = st.lists(st.dictionaries(KEYS, VALUES, max_size=6), max_size=4)
QUERIES = st.sampled_from(
    [
        "@",
        "[]",
        "[0]",
        "[-1].tags",
        "[].status",
        "[].[status, run_id, tags]",
        "[].{b: status, a: run_id, tags: tags, id: number}",
        "{all: @, again: @}",
        "[@, @]",
        "[[0], [0]]",
        "{n: length(@), first: [0]}",
        "[].{inner: {b: status, a: tags}}",
        "[?status=='x y'].run_id",
        "[?tags].tags",
        "status",
        "*",
        "keys(@)",
        "length(@)",
        "type(@)",
        "sort_by(@, &number)",
        "[].number | [0]",
        "to_string(@)",
        "`false`",
        "`0`",
        "''",
    ]
)
OF_AZ = [one for one in OutputFormat if one not in {OutputFormat.CSV, OutputFormat.MARKDOWN}]
FORMATS = st.sampled_from(OF_AZ)


def ours(value: object, query: str | None, output_format: OutputFormat, *, colour: bool) -> str | None:
    try:
        shown = value if query is None else Query.parse(query).apply(value)
        return render(shown, output_format, is_query=query is not None, colour=colour)
    except MlrunError:
        return None


@settings(max_examples=600)
@given(RECORDS | VALUES, st.none() | QUERIES, FORMATS, st.booleans())
def test_output_is_what_knack_prints(
    knack: Knack, value: object, query: str | None, output_format: OutputFormat, colour: bool
) -> None:
    expected = knack(value, query, output_format.value, colour)
    assert ours(value, query, output_format, colour=colour) == expected


@pytest.mark.parametrize("output_format", OF_AZ)
@pytest.mark.parametrize(
    "value",
    [
        [],
        {},
        [[]],
        [{}],
        [[1, [2], {"a": None}]],
        "text",
        True,
        0,
        [None, True, 1.5],
        {"id": 1, "type": 2, "etag": 3, "b": 4},
        {"b": {"a": 1}, "a": 1},
    ],
)
def test_edges_are_what_knack_prints(knack: Knack, value: object, output_format: OutputFormat) -> None:
    expected = knack(value, None, output_format.value, False)
    assert ours(value, None, output_format, colour=False) == expected


@pytest.mark.parametrize("output_format", list(OutputFormat))
def test_null_prints_nothing(output_format: OutputFormat) -> None:
    assert render(None, output_format, is_query=False) == ""


def test_what_is_no_number_of_json_is_null_in_it_and_stays_in_yaml() -> None:
    value = {"a": [float("nan"), 1.5], "b": {"c": float("inf"), "d": (float("-inf"),)}}
    assert json.loads(render(value, OutputFormat.JSON, is_query=False), parse_constant=pytest.fail) == {
        "a": [None, 1.5],
        "b": {"c": None, "d": [None]},
    }
    yaml = render(value["a"], OutputFormat.YAML, is_query=False)
    assert yaml == "- .nan\n- 1.5\n"
    assert render(value["a"], OutputFormat.TSV, is_query=False) == "nan\n1.5\n"
