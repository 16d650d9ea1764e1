from __future__ import annotations

import pytest

from mlrun_cli.errors import InvalidValue
from mlrun_cli.runs.parameter_replacement import append_parameter, find_flag, has_value, replace_parameter


@pytest.mark.parametrize(
    ("before", "name", "text", "after"),
    [
        ("--lr 0.1 data.csv", "lr", "0.2", "--lr 0.2 data.csv"),
        ("--lr=0.1", "lr", "0.2", "--lr=0.2"),
        ("lr=0.1 ++a.b=c", "a.b", "d", "lr=0.1 ++a.b=d"),
        ("-b 32", "b", "64", "-b 64"),
        ("-b32", "b", "64", "-b64"),
        ("-b32", "b", "auto", "-b auto"),
        ("--lr 1 --lr 2", "lr", "3", "--lr 1 --lr 3"),
        ("--lr -0.5", "lr", "-3", "--lr -3"),
        ("--name a", "name", "-x", "--name=-x"),
        ("--layers 64 32 --x", "layers", "8 9 10", "--layers 8 9 10 --x"),
        ("data.csv --x 1", "arg1", "e.csv", "e.csv --x 1"),
        ("--verbose --x 1", "verbose", "false", "--x 1"),
        ("--verbose --x 1", "verbose", "true", "--verbose --x 1"),
        ("-v --x 1 -v", "v", "false", "--x 1"),
        ("--no-verbose", "verbose", "true", "--verbose"),
        ("--no-verbose", "verbose", "3", "--verbose 3"),
        ("out.ipynb -p lr 0.1 -p epochs 3", "lr", "0.2", "out.ipynb -p lr 0.2 -p epochs 3"),
    ],
)
def test_a_parameter_is_replaced_in_its_own_spelling(before: str, name: str, text: str, after: str) -> None:
    assert replace_parameter(before.split(), name, text) == after.split()


def test_a_value_with_spaces_stays_one_word() -> None:
    assert replace_parameter(["--name", "a"], "name", "two words") == ["--name", "two words"]


@pytest.mark.parametrize(
    ("before", "name", "after"),
    [
        ("", "lr", "--lr 2"),
        ("--x 1", "y", "--x 1 --y 2"),
        ("-x 1", "y", "-x 1 -y 2"),
        ("--x=1", "lr", "--x=1 --lr=2"),
        ("a=1 b=2", "lr", "a=1 b=2 lr=2"),
        ("--config-name big", "+lr", "--config-name big +lr=2"),
        ("--x 1 -- file", "lr", "--x 1 --lr 2 -- file"),
        ("-p a 1 -p b 3", "lr", "-p a 1 -p b 3 -p lr 2"),
    ],
)
def test_a_parameter_is_appended_as_the_others_are_spelled(before: str, name: str, after: str) -> None:
    assert replace_parameter(before.split(), name, "2") is None
    assert append_parameter(before.split(), name, "2") == after.split()


@pytest.mark.parametrize(
    ("words", "flag", "has"),
    [
        ("--x 1 --fp16", "--fp16", False),
        ("--fp16 --x 1", "--fp16", False),
        ("-fp16", "-fp16", False),
        ("--no-fp16", None, False),
        ("--x 1", None, False),
        ("--fp16 true", None, True),
        ("--fp16=true", None, True),
        ("fp16=true", None, True),
    ],
)
def test_a_flag_is_an_option_without_a_value(words: str, flag: str | None, has: bool) -> None:
    assert find_flag(words.split(), "fp16") == flag
    assert has_value(words.split(), "fp16") is has


def test_a_positional_argument_is_not_appended() -> None:
    with pytest.raises(InvalidValue):
        append_parameter(["a"], "arg2", "b")
