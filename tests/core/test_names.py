from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlrun_cli.core.names import (
    MAX_EXPERIMENT_NAME_BYTES,
    check_experiment_name,
    check_resource_group,
    check_run_id,
    check_subscription_id,
    check_tag_key,
    check_text,
    check_workspace_name,
    derive_experiment_name,
)
from mlrun_cli.errors import InvalidName, UsageError

FOLDER_NAMES = [
    check_experiment_name,
    check_workspace_name,
    check_resource_group,
    check_subscription_id,
    check_run_id,
]
UNSAFE = [
    "",
    " ",
    ".",
    "..",
    "a/b",
    "../a",
    "a\\b",
    ".hidden",
    "a\nb",
    "a\tb",
    "a\0b",
    "a\x7f",
    " a",
    "a ",
    "a\u2028b",
]


@pytest.mark.parametrize("check", FOLDER_NAMES)
@pytest.mark.parametrize("name", ["experiment", "a.b", "a..b", "5 epochs", "Größe-模型_1", "x" * 200, "<>", "-x"])
def test_a_name_that_a_folder_can_have_is_returned(check: Callable[[str], str], name: str) -> None:
    assert check(name) == name


@pytest.mark.parametrize("check", FOLDER_NAMES)
@pytest.mark.parametrize("name", [*UNSAFE, "x" * 300, "é" * 128, "a\udcff"])
def test_a_name_that_could_leave_its_folder_is_refused(check: Callable[[str], str], name: str) -> None:
    with pytest.raises(UsageError) as caught:
        check(name)

    assert "\n" not in caught.value.message
    assert len(caught.value.message) < 200
    assert caught.value.hint


def test_a_run_id_made_of_the_longest_experiment_name_can_be_a_folder(tmp_path: Path) -> None:
    name = check_experiment_name("é" * (MAX_EXPERIMENT_NAME_BYTES // 2))

    (tmp_path / check_run_id(f"{name}_1700000000_0123abcd")).mkdir()


@pytest.mark.parametrize("key", ["owner", "team/owner", "mlflow.source", ".x", "a b", "größe"])
def test_a_tag_key_may_hold_slashes_and_dots(key: str) -> None:
    assert check_tag_key(key) == key


@pytest.mark.parametrize("key", ["", " ", "a\nb", "a\0", "k" * 256])
def test_a_tag_key_that_cannot_be_shown_is_refused(key: str) -> None:
    with pytest.raises(UsageError):
        check_tag_key(key)


@pytest.mark.parametrize("text", ["", " a\n", "größe", "\U0001f600"])
def test_any_text_may_be_stored(text: str) -> None:
    assert check_text("the description", text) == text


@pytest.mark.parametrize("text", ["\udcff", "a\ud800", "x" * 1000 + "\udfff"])
def test_bytes_that_are_no_text_are_refused(text: str) -> None:
    with pytest.raises(InvalidName, match="UTF-8") as caught:
        check_text("the description", text)

    assert caught.value.message.isprintable()
    assert len(caught.value.message) < 400


@pytest.mark.parametrize(
    ("folder", "name"),
    [
        ("/home/me/iris", "iris"),
        ("/home/me/my project", "my-project"),
        ("/home/me/my_project-2", "my_project-2"),
        ("/home/me/ (a)  $(b) & 'c'; ", "a-b-c"),
        ("/home/me/v1.2", "v1-2"),
        ("/home/me/_--x--", "x"),
        ("/home/me/.dotted", "dotted"),
        ("/home/me/.. .x", "x"),
        ("/home/me/two\nlines", "two-lines"),
        ("/home/me/back\\slash", "back-slash"),
        ("/home/me/...", "experiment"),
        ("/", "experiment"),
        ("/home/me/" + "x" * 250, "x" * 200),
        ("/home/me/a" + "é" * 120, "a" + "é" * 99),
        ("/home/me/実験 1", "実験-1"),
    ],
)
def test_a_folder_gives_the_nearest_valid_experiment_name(folder: str, name: str) -> None:
    assert derive_experiment_name(Path(folder)) == name


@given(st.text(st.characters(exclude_characters="/\0")))
def test_every_folder_gives_a_valid_experiment_name(name: str) -> None:
    found = derive_experiment_name(Path("/", name))

    assert check_experiment_name(found) == found
    assert re.fullmatch(r"[\w-]+", found)
