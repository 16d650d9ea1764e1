from __future__ import annotations

import csv
import io
import re
from html import unescape
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from rich.cells import cell_len

from mlrun_cli.cli.output.flat_formats import escape_markdown, format_csv, format_markdown, format_markdown_table
from mlrun_cli.cli.output.formats import OutputFormat, render
from mlrun_cli.cli.output.query import Query

pandas = pytest.importorskip("pandas")

RECORDS: list[dict[str, Any]] = [
    {
        "run_id": "a_1",
        "metrics": {"rmse": 0.1, "n": float("nan")},
        "tags": {"team": "a, b", "seen": None},
        "warnings": [{"message": 'the "disk"\nis full'}],
        "kept": True,
    },
    {"run_id": "日本_2", "metrics": {"rmse": 1e-30}, "tags": {}, "properties": {"a.b": "x"}, "number": 2**60},
]


def test_csv_is_read_by_pandas_as_it_would_normalize_the_json() -> None:
    read = pandas.read_csv(io.StringIO(format_csv(RECORDS)))
    expected = pandas.json_normalize(RECORDS)
    assert sorted(read.columns) == sorted(expected.columns)
    assert read["metrics.rmse"].tolist() == [0.1, 1e-30]
    assert (read["number"][1], read["kept"][0]) == (2**60, True)
    assert read["tags.team"].tolist()[0] == "a, b"
    assert read["tags.seen"].isna().all()
    assert read["metrics.n"].isna().all()
    assert read["warnings"][0] == r'[{"message": "the \"disk\"\nis full"}]'


@settings(max_examples=60)
@given(st.lists(st.dictionaries(st.sampled_from("abc"), st.text(st.characters(codec="utf-8")), min_size=1), min_size=1))
def test_csv_keeps_every_text(records: list[dict[str, str]]) -> None:
    text = format_csv(records)
    heading, *rows = csv.reader(io.StringIO(text, newline=""))
    assert rows == [[record.get(name, "") for name in heading] for record in records]
    assert text.endswith("\r\n")


def test_the_first_columns_are_there_even_without_runs() -> None:
    first = ("run_id", "status", "metrics.")
    assert format_csv([], first_columns=first) == "run_id,status\r\n"
    heading = format_csv(RECORDS, first_columns=first).partition("\r\n")[0]
    assert heading.startswith("run_id,status,metrics.n,metrics.rmse,kept,")


@pytest.mark.parametrize(
    ("query", "heading", "row"),
    [
        ("[].{b: run_id, a: metrics.rmse}", "b,a", "a_1,0.1"),
        ("[].[run_id, kept]", "column1,column2", "a_1,true"),
        ("[].run_id", "result", "a_1"),
        ("length(@)", "result", "2"),
        ("[0].{name: run_id, all: metrics}", "name,all.rmse,all.n", "a_1,0.1,nan"),
    ],
)
def test_results_of_queries_have_columns(query: str, heading: str, row: str) -> None:
    text = render(Query.parse(query).apply(RECORDS), OutputFormat.CSV, is_query=True)
    assert text.split("\r\n")[:2] == [heading, row]


@pytest.mark.parametrize(
    "text", ["a|b", r"\|", r"C:\x\*", "`|`", "*a*_b_ c_d", "<br> &amp; [x](y)", "a\n| b", "~~x~~", "日本", ""]
)
def test_markdown_shows_every_text_in_its_cell(text: str) -> None:
    table = format_markdown_table(["a", escape_markdown(text)], [[escape_markdown(text), "b"]], [False, True])
    page = MarkdownIt("commonmark").enable(["table", "strikethrough"]).render(table)
    cells = re.findall(r"<t[hd](?: [^>]*)?>(.*?)</t[hd]>", page, re.DOTALL)
    assert [unescape(cell.replace("<br>", "\n")) for cell in cells] == ["a", text, text, "b"]
    assert len({cell_len(line) for line in table.splitlines()}) == 1


def test_one_record_has_a_line_for_each_key_in_markdown() -> None:
    keys = [line.split()[1] for line in format_markdown(RECORDS[0]).splitlines()[2:]]
    assert keys == ["kept", "metrics.n", "metrics.rmse", "run_id", "tags.team", "warnings"]
