from __future__ import annotations

import os
from pathlib import Path

import pytest

from mlrun_cli.metrics.journal import CHUNK_BYTES, list_journal_names, parse_chunk, read_chunk
from mlrun_cli.metrics.metric import LIST, VALUE


def piece_of(path: Path, offset: int = 0) -> bytes:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        return read_chunk(descriptor, offset)
    finally:
        os.close(descriptor)


def test_only_whole_lines_are_read(tmp_path: Path) -> None:
    journal = tmp_path / "1-2-3.jsonl"
    journal.write_bytes(b"one\ntwo\nthr")

    assert piece_of(journal) == b"one\ntwo\n"
    assert piece_of(journal, 4) == b"two\n"
    assert piece_of(journal, 8) == b""


def test_a_line_longer_than_a_piece_is_read_whole(tmp_path: Path) -> None:
    journal = tmp_path / "1-2-3.jsonl"
    line = b"x" * (3 * CHUNK_BYTES) + b"\n"
    journal.write_bytes(line + b"rest")

    assert piece_of(journal) == line


def test_entries_are_sorted_by_what_they_say() -> None:
    entries = parse_chunk(
        b'["m","loss",1.5,null,0.1]\n["l","l",2,null,[1,NaN],"why"]\n["g",3,{"a":null}]\n["G",4,["b"]]\n'
        b'["e",5,"Failed",{"message":"no"}]\n["P",6,{"lr":"0.1"}]\n["P",7,{"lr":"1","n":"a"}]\n'
    )

    first, second = entries.logged
    assert (first.shape, first.name, first.logged_at, first.step, first.value) == (VALUE, "loss", 1_500_000, None, 0.1)
    assert (second.shape, second.value[0], second.description) == (LIST, 1, "why")
    assert entries.tag_changes == [("set", {"a": None}), ("remove", ["b"])]
    assert entries.endings == [("Failed", {"message": "no"})]
    assert entries.parameters == {"lr": "1", "n": "a"}
    assert entries.unreadable == 0


def test_damaged_lines_are_counted_and_the_others_kept() -> None:
    entries = parse_chunk(b'["m","a",1,null,1]\n\0\0\0\0\n["?"]\n["m","b",1,null,2]\n["m","c"]\n')

    assert [logged.name for logged in entries.logged] == ["a", "b"]
    assert entries.unreadable == 3


@pytest.mark.parametrize(
    "line",
    [
        '["m","\\udcff",1.0,null,1]',
        '["m",5,1.0,null,1]',
        '["m","a",1e300,null,0.5]',
        '["m","a",-1e300,null,0.5]',
        '["m","a",Infinity,null,0.5]',
        '["m","a",NaN,null,0.5]',
        '["m","a",253402300800.0,null,0.5]',
        '["m","a",[0,0],null,0.5]',
        '["m","a",1.0,"1",0.5]',
        '["m","a",1.0,99999999999999999999,0.5]',
        '["m","a",1.0,-9223372036854775809,0.5]',
        '["m","a",1.0,NaN,0.5]',
        '["m","a",1.0,null,{"x":1}]',
        '["m","a",1.0,null,"\\udcff"]',
        '["m","a",1.0,null,0.5,5]',
        '["l","a",1.0,null,[[1]]]',
        '["l","a",1.0,null,"text"]',
        '["l","a",1.0,null,["\\udcff"]]',
        '["r","a",1.0,null,5]',
        '["r","a",1.0,null,{"x":[1]}]',
        '["r","a",1.0,null,{"\\udcff":1}]',
        '["t","a",1.0,null,5]',
        '["t","a",1.0,null,[1]]',
        '["t","a",1.0,null,{"x":{"y":1}}]',
        '["t","a",1.0,null,{"x":[[1]]}]',
        '["t","a",1.0,null,{"x":["\\udcff"]}]',
        '["i","a",1.0,null,5]',
        '["m",["a"],1.0,null,0.5]',
        '["g",1,{"a":1}]',
        '["g",1,["a"]]',
        '["g",1,["ab"]]',
        '["G",1,["\\udcff"]]',
        '["G",1,"a"]',
        '["G",1,{"a":1}]',
        '["e",1,"Failed","text"]',
        '["e",1,"Failed",{"message":[1]}]',
        '["e",1,"\\udcff",null]',
        '[">","\\ud800",["m","a",1.0,null,1]]',
        '[">","a",["e",1,"Failed",null]]',
        '[">","a",[">","b",["m","a",1.0,null,1]]]',
        '[">","a",[]]',
        '[">","a",{"0":1}]',
        '["m","a",1.0,null,1],["m","a",1.0,null,2]',
        "[" * 200_000,
        '"["',
        '{"m":1,"a":2,"b":3,"c":4,"d":5}',
        '"text"',
        "{}",
        "1",
    ],
)
def test_what_no_database_takes_is_unreadable(line: str) -> None:
    entries = parse_chunk(f'["m","a",1.5,null,0.5]\n{line}\n["m","a",2.5,7,0.25]\n'.encode())

    assert [logged.value for logged in entries.logged] == [0.5, 0.25]
    assert (entries.tag_changes, entries.endings, entries.unreadable) == ([], [], 1)


@pytest.mark.parametrize("before", ['["g",1,{}]', '["g","\\udcff",{}]', '["e",5,"Completed",null]'])
@pytest.mark.parametrize("name", ["1", "5", '"\\udcff"'])
def test_only_a_name_that_was_logged_by_is_taken_for_one(before: str, name: str) -> None:
    entries = parse_chunk(f'{before}\n["m",{name},1.5,null,0.5]\n'.encode())
    assert (entries.logged, entries.unreadable) == ([], 1)


@pytest.mark.parametrize("moment", ["[1]", "{}", "null"])
def test_what_is_ingested_is_not_counted_as_unreadable(moment: str) -> None:
    entries = parse_chunk(f'["g",{moment},{{"a":"b"}}]\n'.encode())
    assert (entries.tag_changes, entries.unreadable) == ([("set", {"a": "b"})], 0)


def test_two_damaged_lines_make_no_good_one() -> None:
    entries = parse_chunk(b'["t","a",1.0,null,{"x":1\n"y":2}]\n["m","a",1.0,null,1]\n')
    assert ([logged.value for logged in entries.logged], entries.unreadable) == ([1], 2)


def test_a_line_may_hold_a_carriage_return() -> None:
    entries = parse_chunk(b'["m","a",1.0,null,\r1]\nnot JSON\n')
    assert ([logged.value for logged in entries.logged], entries.unreadable) == ([1], 1)


@pytest.mark.parametrize("step", [-(2**63), 2**63 - 1])
@pytest.mark.parametrize("value", ["1", "0.5"])
def test_every_step_of_64_bits_is_taken(step: int, value: str) -> None:
    entries = parse_chunk(f'["m","a",1.0,null,0.5]\n["m","a",1.0,{step},{value}]\n'.encode())
    assert ([logged.step for logged in entries.logged], entries.unreadable) == ([None, step], 0)


def test_no_folder_holds_no_journals(tmp_path: Path) -> None:
    assert list_journal_names(tmp_path / "gone") == []
