from __future__ import annotations

import shlex
import subprocess
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlrun_cli.cli.output.query import Query, parse_query_words, quote_word
from mlrun_cli.errors import InvalidQuery

AUTHOR = "[?properties.author=='azureml-user']"
LOOK = "[?tags.keys(@)[?starts_with(@, 'worth another look')]]"
BOTH = "[?properties.author=='azureml-user' && tags.quality=='fantastic run']"

RUNS = [
    {"run_id": "a", "properties": {"author": "azureml-user"}, "tags": {"quality": "fantastic run"}},
    {"run_id": "b", "properties": {"author": "azureml-user"}, "tags": {"worth another look 1": None}},
    {"run_id": "c", "properties": {}, "tags": {}},
]


def ids(query: Query) -> list[str]:
    found = query.apply(RUNS)
    assert isinstance(found, list)
    return [run["run_id"] for run in found]


@pytest.mark.parametrize(("text", "expected"), [(AUTHOR, ["a", "b"]), (LOOK, ["b"]), (BOTH, ["a"])])
def test_queries_of_the_documents_find_runs(text: str, expected: list[str]) -> None:
    assert ids(Query.parse(text)) == expected
    query, note = parse_query_words([text])
    assert ids(query) == expected
    assert note is None


def as_bash_passes(line: str) -> list[str]:
    """The arguments that bash makes of `line`."""
    printed = subprocess.run(["bash", "-c", rf"printf '%s\0' {line}"], capture_output=True, check=True, text=True)
    return printed.stdout.split("\0")[:-1]


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        (AUTHOR, ["a", "b"]),
        ("[?properties.author!='azureml-user']", ["c"]),
        ("[?tags.quality=='fantastic run']", ["a"]),
        ("[?properties.author=='azureml-user' \\&\\& tags.quality=='fantastic run']", ["a"]),
        ("[?tags.quality=='no-run' \\|\\| properties.author=='azureml-user']", ["a", "b"]),
        ("[?run_id=='c'] ", []),
    ],
)
def test_an_unquoted_query_is_read_as_text_when_it_does_not_parse(line: str, expected: list[str]) -> None:
    query, note = parse_query_words(as_bash_passes(line))
    assert ids(query) == expected
    assert note is not None


def test_the_note_holds_the_query_as_it_was_read() -> None:
    query, note = parse_query_words(as_bash_passes(AUTHOR))
    assert query.text == AUTHOR
    assert note is not None
    assert f'"{AUTHOR}"' in note


def test_a_text_with_an_apostrophe_is_read_as_text() -> None:
    query, _ = parse_query_words(["[?tags.quality==it's-good]"])
    assert query.apply([{"tags": {"quality": "it's-good"}}]) == [{"tags": {"quality": "it's-good"}}]


def test_a_bare_word_that_parses_as_a_field_stays_one_and_is_noted() -> None:
    query, note = parse_query_words(["[?status==Failed]"])
    assert query.apply([{"status": "Failed"}]) == []
    assert note is not None
    assert "[?status=='Failed']" in note


@pytest.mark.parametrize("words", [["[?properties.author==azureml-user"], ["[?properties.author==azureml-user", ""]])
def test_a_truncated_query_is_answered_with_the_quoted_line(words: list[str]) -> None:
    with pytest.raises(InvalidQuery) as caught:
        parse_query_words(words)
    assert caught.value.exit_code == 2
    assert caught.value.hint is not None
    assert caught.value.hint.endswith(f'mlrun run list --query "{AUTHOR}"')


@pytest.mark.parametrize("words", [["train.py"], ["a", AUTHOR], [""], ["[?"], ["[\x1b[31m"], ["[?a==]"]])
def test_words_that_are_no_query_are_errors_with_a_line_to_type(words: list[str]) -> None:
    with pytest.raises(InvalidQuery) as caught:
        parse_query_words(words)
    assert caught.value.hint is not None
    assert "\x1b" not in caught.value.message + caught.value.hint
    assert_last_line_works(caught.value.hint)


def assert_last_line_works(hint: str) -> None:
    words = shlex.split(hint.partition("mlrun run list ")[2])
    assert words[0] == "--query"
    Query.parse(words[1])


@pytest.mark.parametrize(
    ("text", "position"),
    [
        ("[?status=='Failed]", 11),
        ("[?status='Failed']", 9),
        ("[].{id: run_id", 15),
        ("[?sttus(a)]", 3),
        ("[].keys(@, @)", 4),
        ("", 1),
        ("[0].[a,,b]", 8),
        ("x" * 200 + "'", 201),
    ],
)
def test_a_mistake_is_told_in_three_lines_with_its_position(text: str, position: int) -> None:
    with pytest.raises(InvalidQuery) as caught:
        Query.parse(text)
    hint = caught.value.hint
    assert hint is not None
    assert f"character {position}" in caught.value.message
    *shown, example = hint.split("\n")
    assert len(shown) == (1 if text else 0)
    assert max(map(len, [*shown, example])) <= 80
    assert all(line.strip() in text for line in shown)
    assert example.startswith("A query that works: ")
    _, colon, there = caught.value.message.partition(f"at character {position}: ")
    assert text[position - 1 :].startswith(there) if colon else position == len(text) + 1
    assert_last_line_works(hint)


def test_a_function_that_gets_a_wrong_value_is_an_invalid_query() -> None:
    with pytest.raises(InvalidQuery, match="contains"):
        Query.parse("[?contains(target, 'x')]").apply([{"target": None}])


@given(st.text(alphabet="[]?.='&|@*{}(),:`\"!<> -0123456789abé\\", max_size=20))
def test_whatever_is_typed_is_a_query_or_an_invalid_one(text: str) -> None:
    with suppress(InvalidQuery):
        Query.parse(text)
    with suppress(InvalidQuery):
        parse_query_words([text])


@pytest.mark.parametrize("text", ["'$HOME'", "'`id`'", "'a\\\\b'", "'a\"b'", "a != 'b'", "a\nb", "'a'", ""])
def test_bash_takes_a_quoted_text_as_it_is(text: str) -> None:
    assert as_bash_passes(quote_word(text)) == [text]


@given(st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=20))
def test_a_quoted_text_is_one_word_of_a_shell(text: str) -> None:
    assert shlex.split(quote_word(text)) == [text]
