from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mlrun_cli.errors import InvalidFilter, InvalidTime, UnknownStatus, UsageError
from mlrun_cli.runs.filter import (
    MAX_CONDITIONS,
    TERMS,
    RunFilter,
    TagFilter,
    format_tag_filter,
    parse_filter,
    parse_tag_filter,
)
from mlrun_cli.runs.status import ALIVE_STATUSES, RunStatus, parse_statuses

TEXT = st.text(st.characters(exclude_categories=["Cs"]), min_size=1)


@pytest.mark.parametrize(
    ("text", "statuses"),
    [
        ("Failed", {RunStatus.FAILED}),
        ("failed, CANCELED", {RunStatus.FAILED, RunStatus.CANCELED}),
        ("active", ALIVE_STATUSES),
        ("Active,Completed", ALIVE_STATUSES | {RunStatus.COMPLETED}),
    ],
)
def test_statuses_are_a_comma_list_in_any_letter_case(text: str, statuses: set[RunStatus]) -> None:
    assert parse_statuses(text) == statuses


@pytest.mark.parametrize(("text", "word", "nearest"), [("faild", "faild", "Failed"), ("Failed,", "", None)])
def test_an_unknown_status_is_named_with_the_nearest(text: str, word: str, nearest: str | None) -> None:
    with pytest.raises(UnknownStatus) as caught:
        parse_statuses(text)
    assert f"'{word}'" in caught.value.message
    assert (nearest or "NotStarted") in str(caught.value.hint)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("team", TagFilter("team", any_value=True)),
        ("team=a", TagFilter("team", "a")),
        ("team=", TagFilter("team", "")),
        ("a=b=c", TagFilter("a", "b=c")),
        (r"a\=b=c", TagFilter("a=b", "c")),
    ],
)
def test_the_first_equals_sign_that_is_not_escaped_ends_a_key(text: str, expected: TagFilter) -> None:
    assert parse_tag_filter(text) == expected
    assert parse_tag_filter(format_tag_filter(expected.key, expected.value)) == expected


@settings(max_examples=50)
@given(TEXT.filter(str.strip), st.none() | st.text())
def test_a_tag_is_parsed_as_it_was_formatted(key: str, value: str | None) -> None:
    assert parse_tag_filter(format_tag_filter(key, value)) == TagFilter(key, value, any_value=value is None)


@pytest.mark.parametrize("text", ["", "=a", "  =a"])
def test_a_tag_needs_a_key(text: str) -> None:
    with pytest.raises(InvalidFilter):
        parse_tag_filter(text)


def test_words_together_make_one_filter() -> None:
    parsed = parse_filter(
        {
            "status": ["failed", "Canceled"],
            "tag": ["team=a", "team=b", "seen"],
            "metric": ["rmse < 0.25"],
            "since": ["1h"],
            "target": ["gpu"],
            "type": ["x"],
            "parent": ["exp_1"],
        },
        7_200_000_000,
    )
    assert not parsed.faults
    which = parsed.which
    assert which.statuses == {RunStatus.FAILED, RunStatus.CANCELED}
    assert which.tags == (TagFilter("team", "a", or_values=("b",)), TagFilter("seen", any_value=True))
    assert [str(one) for one in which.metrics] == ["rmse < 0.25"]
    assert which.created_from == 3_600_000_000
    assert which.any_of == {"target": {"gpu"}, "type": {"x"}}
    assert which.parent_run_id == "exp_1"


def test_no_words_filter_nothing() -> None:
    assert parse_filter({word: [] for word in TERMS}, 0) == (RunFilter(), {})


def test_a_word_that_means_nothing_is_a_fault_beside_the_others() -> None:
    parsed = parse_filter({"status": ["Failed", "late"], "until": ["then"], "target": ["gpu"]}, 0)
    assert {word: (fault.text, type(fault.error)) for word, fault in parsed.faults.items()} == {
        "status": ("late", UnknownStatus),
        "until": ("then", InvalidTime),
    }
    assert parsed.which.statuses == {RunStatus.FAILED}
    assert parsed.which.any_of == {"target": {"gpu"}}


def test_more_conditions_than_fit_hold_not_at_all() -> None:
    tags = [f"t{number}" for number in range(MAX_CONDITIONS - 1)]
    parsed = parse_filter({"search": ["two words"], "tag": tags, "metric": ["a > 1"]}, 0)
    assert set(parsed.faults) == {"tag"}
    assert isinstance(parsed.faults["tag"].error, UsageError)
    assert (len(parsed.which.tags), len(parsed.which.metrics), parsed.which.text) == (0, 1, "two words")
