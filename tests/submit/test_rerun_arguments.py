from __future__ import annotations

import pytest

from mlrun_cli.errors import InvalidValue
from mlrun_cli.submit.rerun_arguments import ChangedArguments, change_arguments


def change(before: str, *settings: str, absent: str = "") -> ChangedArguments:
    """Change arguments as `--set` does; `absent` are the flags that they leave out."""
    pairs = dict(text.split("=") for text in settings if "=" in text)
    return change_arguments(
        "run", before.split(), absent.split(), pairs, [text for text in settings if "=" not in text]
    )


@pytest.mark.parametrize(
    ("before", "setting", "after"),
    [
        ("lr=1 +x=1", "+x=2", "lr=1 +x=2"),
        ("lr=1 +x=1", "x=2", "lr=1 +x=2"),
        ("lr=1 x=1", "+x=2", "lr=1 x=2"),
        ("lr=1", "+x=2", "lr=1 +x=2"),
        ("++model.x=1", "++model.x=2", "++model.x=2"),
        ("x=1 lr=1", "++x=2", "++x=2 lr=1"),
        ("+x=1 lr=1", "++x=2", "++x=2 lr=1"),
        ("lr=1", "++x=2", "lr=1 ++x=2"),
        ("--x 1", "++x=2", "--x 1 ++x=2"),
        ("--x 1 x=1", "+x=2", "--x 1 x=2"),
        ("x=1 --x=1", "+x=2", "x=2 --x=1"),
        ("--x 1", "+x=2", "--x 1 +x=2"),
        ("lr=1", "~x=2", "lr=1 ~x=2"),
        ("lr=1", "~x", "lr=1 ~x"),
        ("lr=1 ~x", "x=2", "lr=1 x=2"),
        ("~x lr=1 ~x", "x=2", "lr=1 x=2"),
        ("~x=1 lr=1", "x=2", "x=2 lr=1"),
        ("~x lr=1", "+x=2", "x=2 lr=1"),
        ("~x lr=1", "++x=2", "++x=2 lr=1"),
        ("~db@here", "db@here=mysql", "db@here=mysql"),
        ("x=1 ~x", "x=2", "x=2"),
        ("--x 1 ~x", "x=2", "--x 2 ~x"),
        ("--x 1 ~x", "+x=2", "--x 1 x=2"),
        ("~y", "x=2", "~y x=2"),
        ("~x lr=1", "~x", "~x lr=1"),
        ("~x lr=1", "~x=2", "~x=2 lr=1"),
        ("~/data", "x=2", "~/data --x 2"),
    ],
)
def test_signs_of_hydra_set_its_keys_and_no_options(before: str, setting: str, after: str) -> None:
    """Hydra refuses a second value for a key that is to be added."""
    assert change(before, setting).words == after.split()


def test_a_key_that_hydra_adds_needs_a_value() -> None:
    with pytest.raises(InvalidValue):
        change("lr=1", "+x")


@pytest.mark.parametrize(
    ("before", "setting", "after", "absent"),
    [
        ("--lr 1 --no-aug", "no-aug=false", "--lr 1", "--no-aug"),
        ("--no-aug --lr 1 --no-aug", "no-aug=false", "--lr 1", "--no-aug"),
        ("--aug --no-aug", "no-aug=false", "--aug", ""),
        ("--aug heavy --lr 1 --no-aug", "no-aug=false", "--aug heavy --lr 1", ""),
        ("--aug=false --no-aug", "no-aug=false", "", "--no-aug"),
        ("--no-aug --aug", "aug=false", "--no-aug", ""),
        ("--aug heavy --no-aug --aug", "aug=false", "--no-aug", ""),
        ("--no-aug", "no-aug=true", "--no-aug", ""),
        ("--no-aug", "no-aug", "--no-aug", ""),
        ("--no-aug", "aug=true", "--aug", ""),
        ("--no-aug", "aug", "--aug", ""),
        ("--no-aug", "aug=false", "--no-aug", ""),
        ("--aug", "no-aug=true", "--no-aug", ""),
        ("--aug", "no-aug", "--no-aug", ""),
        ("--aug", "no-aug=false", "--aug", ""),
        ("--aug", "aug=false", "", "--aug"),
        ("--aug=true", "no-aug=true", "--aug=false", ""),
        ("--aug heavy", "no-aug", "--aug heavy --no-aug", ""),
        ("--no-cache-dir a", "no-cache-dir=b", "--no-cache-dir b", ""),
        ("--lr 1", "no-aug=true", "--lr 1 --no-aug true", ""),
        ("--lr 1", "no-aug", "--lr 1 --no-aug", ""),
    ],
)
def test_a_flag_and_its_negation_are_one_parameter(before: str, setting: str, after: str, absent: str) -> None:
    changed = change(before, setting)
    assert (changed.words, changed.absent_flags) == (after.split(), absent.split())


@pytest.mark.parametrize(
    ("absent", "setting", "after"),
    [
        ("--no-aug", "no-aug=true", "--no-aug"),
        ("--no-aug", "no-aug", "--no-aug"),
        ("--no-aug", "aug=false", "--no-aug"),
        ("--no-aug", "aug=true", ""),
        ("--no-aug", "no-aug=false", ""),
        ("--aug", "aug=true", "--aug"),
        ("--aug", "no-aug=false", "--aug"),
        ("--aug", "no-aug=true", ""),
    ],
)
def test_a_flag_that_was_left_out_comes_back_as_it_was_spelled(absent: str, setting: str, after: str) -> None:
    changed = change("", setting, absent=absent)
    assert (changed.words, changed.absent_flags, changed.notes) == (
        after.split(),
        [] if after else absent.split(),
        [],
    )


@pytest.mark.parametrize(
    ("before", "setting", "guess"),
    [
        ("--trees 10", "treees=15", "trees"),
        ("--learning-rate=1", "learning_rate=2", "learning-rate"),
        ("optimizer.lr=1", "+optimiser.lr=2", "optimizer.lr"),
        ("--shuffle", "shufle", "shuffle"),
    ],
)
def test_a_parameter_with_a_typing_error_is_added_with_a_guess(before: str, setting: str, guess: str) -> None:
    (note,) = change(before, setting).notes
    assert f"'{guess}'" in note


@pytest.mark.parametrize("before", ["--lr 1", "file.csv", "--depth 2 --rate 1", ""])
def test_a_new_parameter_is_added_without_a_guess(before: str) -> None:
    changed = change(before, "arg=1", "trees=15")
    assert changed.words[-4:] == ["--arg", "1", "--trees", "15"]
    assert not any("mean" in note for note in changed.notes)
