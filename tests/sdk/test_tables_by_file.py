"""A table of several files, read file by file as for batches of a ParallelRunStep, equals the table read in whole."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.sdk.batch_step import SDK

BEGINNING = """
import json, os, sys
import pandas
from azureml._parallel_run.batches import BatchReader, MiniBatch, build_batches
from azureml._parallel_run.options import parse_options
from azureml._parallel_run.sources import resolve_input

def compare(definition):
    '''Return all rows, after comparing them with those of the batches.'''
    words = ["--scoring_module_name", "entry.py", "--mini_batch_size", "20"]
    tables = json.dumps({"0": definition})
    options = parse_options([*words, "--input_tables", tables, "--input_fds_0", "in"], os.environ, 1)
    sent = [json.loads(json.dumps(batch._asdict())) for batch in build_batches(options)]
    reader = BatchReader(options)
    batches = [reader.read(MiniBatch(**batch)) for batch in sent]
    whole = resolve_input("in", definition).table.read()
    for batch in batches:
        assert list(batch.dtypes) == list(whole.dtypes), (batch.dtypes, whole.dtypes)
    pandas.testing.assert_frame_equal(pandas.concat(batches, ignore_index=True), whole)
    return whole

def show(table):
    kinds = {name: table[name].dtype.kind for name in table.columns}
    texts = {
        name: [None if is_missing else str(value) for value, is_missing in zip(table[name], table[name].isna())]
        for name in table.columns
    }
    print(json.dumps({name: [kinds[name], *texts[name]] for name in table.columns}))
"""
READ = """
show(compare(json.loads(sys.argv[1])))
"""
DELIMITED = {
    "format": "delimited",
    "separator": ",",
    "header": "ALL_FILES_HAVE_SAME_HEADERS",
    "infer_column_types": True,
    "empty_as_string": False,
    "encoding": "utf8",
    "include_path": False,
    "types": {},
}
JSON_LINES = {"format": "json_lines", "invalid_lines": "error", "encoding": "utf8", "include_path": False, "types": {}}
TYPES = {
    "long": {"type": "long"},
    "bool": {"type": "bool"},
    "time": {"type": "datetime", "formats": ["%d.%m.%Y"]},
    "text": {"type": "string"},
    "float": {"type": "float"},
}


def compute(folder: Path, code: str, *arguments: str) -> Any:
    result = subprocess.run(
        [sys.executable, "-c", BEGINNING + code, *arguments],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(SDK)},
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    assert result.returncode == 0, result.stderr
    return json.loads(result.stdout)


def read(folder: Path, contents: list[str], options: dict[str, Any], *steps: list[Any]) -> Any:
    """Write the files and return the kind and the values of each column."""
    pytest.importorskip("pandas")
    (folder / "in").mkdir()
    for number, text in enumerate(contents):
        (folder / "in" / f"{number}.txt").write_text(text, encoding="utf-8")
    return compute(folder, READ, json.dumps({"glob": None, "options": options, "steps": steps}))


def test_delimited_files_with_mixed_kinds_missing_values_and_columns(tmp_path: Path) -> None:
    contents = [
        "code,int,flag,day,either\n007,1,True,2020-01-02,3/4/2020\n8,2,False,2020-01-03,\n",
        "code,int,flag,day,new\nx,1.5,,soon,9\n",
        "code,int,flag,day,either,new\n1,,False,,1/31/2020,7\n",
        "code,none\n",
    ]
    assert read(tmp_path, contents, {**DELIMITED, "header": "COMBINE_ALL_FILES_HEADERS"}) == {
        "code": ["O", "007", "8", "x", "1"],
        "int": ["f", "1.0", "2.0", "1.5", None],
        "flag": ["O", "True", "False", None, "False"],
        "day": ["O", "2020-01-02", "2020-01-03", "soon", None],
        "either": ["M", "2020-03-04 00:00:00", None, None, "2020-01-31 00:00:00"],
        "new": ["f", None, None, "9.0", "7.0"],
        "none": ["O", None, None, None, None],
    }


def test_delimited_files_without_inferred_types_or_headers(tmp_path: Path) -> None:
    (tmp_path / "texts").mkdir()
    texts = read(tmp_path / "texts", ["a,b\n1,\n", "b,c\n2,\n"], {**DELIMITED, "infer_column_types": False})
    assert {name: values[1:] for name, values in texts.items()} == {
        "a": ["1", None],
        "b": [None, "2"],
        "c": [None, None],
    }
    assert read(tmp_path, ["1,2\n", "x,007,5\n"], {**DELIMITED, "header": "NO_HEADERS"}) == {
        "Column1": ["O", "1", "x"],
        "Column2": ["i", "2", "7"],
        "Column3": ["f", None, "5.0"],
    }


def test_files_that_have_the_names_of_the_first_keep_text(tmp_path: Path) -> None:
    options = {**DELIMITED, "header": "ONLY_FIRST_FILE_HAS_HEADERS", "types": {"text": TYPES["text"]}}
    contents = ["number,code,text\n1,2,003\n", "3,007,004\n4,x,5\n"]
    assert read(tmp_path, contents, options) == {
        "number": ["i", "1", "3", "4"],
        "code": ["O", "2", "007", "x"],
        "text": ["O", "003", "004", "5"],
    }


def test_json_lines_keep_the_types_of_json(tmp_path: Path) -> None:
    contents = [
        '{"code": "007", "int": 1, "flag": true, "none": null}\n\n{"code": "8", "int": 2}\n',
        '{"code": 5, "int": 1.5, "list": [1, 2], "created_at": "2020-01-01"}\n',
        '{"code": null, "int": null, "flag": false}\n',
        "",
    ]
    expected = {
        "code": ["O", "007", "8", "5", None],
        "int": ["f", "1.0", "2.0", "1.5", None],
        "flag": ["O", "True", None, None, "False"],
        "none": ["O", None, None, None, None],
        "list": ["O", None, None, "[1, 2]", None],
        "created_at": ["O", None, None, "2020-01-01", None],
    }
    (tmp_path / "dropped").mkdir()
    found = read(tmp_path, contents, JSON_LINES)
    found["none"][0] = "O"  # or another, since it has no value
    assert found == expected
    contents[1] = f'nonsense\n[1]\n{{"code"\n{contents[1]}'
    assert read(tmp_path / "dropped", contents, {**JSON_LINES, "invalid_lines": "drop"})["code"] == found["code"]


def test_json_lines_after_blank_lines_are_read_and_files_of_blank_lines_have_none(tmp_path: Path) -> None:
    contents = ['\n{"a": 1}\n', "\n", '\r\n\r\n{"a": 2}\r\n', "\n\n"]
    assert read(tmp_path, contents, JSON_LINES) == {"a": ["i", "1", "2"]}


@pytest.mark.parametrize(
    ("contents", "options"),
    [
        (["long,bool,time,text\n1,yes,1.2.2020,007\n", "long,bool,text,float\n,,,1\n2,no,8,\n"], DELIMITED),
        (
            [
                '{"long": "1", "bool": "yes", "time": "1.2.2020", "text": "007"}\n',
                '{"long": null, "bool": null, "float": 1}\n{"long": 2, "bool": "no", "text": 8}\n',
            ],
            JSON_LINES,
        ),
    ],
    ids=["delimited", "JSON lines"],
)
def test_requested_types(tmp_path: Path, contents: list[str], options: dict[str, Any]) -> None:
    assert read(tmp_path, contents, {**options, "types": TYPES}) == {
        "long": ["f", "1.0", None, "2.0"],
        "bool": ["O", "True", None, "False"],
        "time": ["M", "2020-02-01 00:00:00", None, None],
        "text": ["O", "007", None, "8"],
        "float": ["f", None, "1.0", None],
    }


def test_steps_on_columns_that_some_files_lack(tmp_path: Path) -> None:
    steps = (["time", ["t"], "2020-06-01", "", True], ["keep", ["b", "t"]])
    contents = ["a,b\n1,2\n", "t,b\n2020-01-01,\n2021-01-01,3\n"]
    types = {"a": {"type": "long"}}  # converted, and then dropped
    assert read(tmp_path, contents, {**DELIMITED, "types": types}, *steps) == {
        "b": ["f", "3.0"],
        "t": ["M", "2021-01-01 00:00:00"],
    }


PARQUET = """
from pandas import Categorical as Words, DataFrame, to_datetime
os.makedirs("in")
day = to_datetime(["2020-01-01"])
frames = [
    DataFrame({"int": [1, 2], "text": ["x", None], "flag": [True, False], "day": [*day, *day]}),
    DataFrame({"int": [1.5, None], "text": [None, None], "flag": [None, True], "new": [1, 2]}),
    DataFrame({"int": [None], "text": [None], "utc": day.tz_localize("UTC"), "word": Words(["u"])}),
]
frames[0]["size"], frames[1]["size"] = Words([1, 2]), Words([2, None])
for number, frame in enumerate(frames):
    frame.to_parquet(f"in/{number}.parquet")
options = {"format": "parquet", "include_path": True, "types": {}}
show(compare({"glob": None, "options": options, "steps": []}))
"""


def test_parquet_files_with_other_types_and_missing_values(tmp_path: Path) -> None:
    pytest.importorskip("pyarrow")
    found = compute(tmp_path, PARQUET)
    assert found.pop("Path")[1:] == ["/0.parquet", "/0.parquet", "/1.parquet", "/1.parquet", "/2.parquet"]
    assert found == {
        "int": ["f", "1.0", "2.0", "1.5", None, None],
        "text": ["O", "x", None, None, None, None],
        "flag": ["O", "True", "False", None, "True", None],
        "day": ["M", "2020-01-01 00:00:00", "2020-01-01 00:00:00", None, None, None],
        "size": ["f", "1.0", "2.0", "2.0", None, None],
        "new": ["f", None, None, "1.0", "2.0", None],
        "utc": ["M", None, None, None, None, "2020-01-01 00:00:00+00:00"],
        "word": ["O", None, None, None, None, "u"],
    }
