from __future__ import annotations

import errno
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlrun_cli.core.documents.json import parse_json
from mlrun_cli.core.documents.read import read_document
from mlrun_cli.errors import InvalidFile


def write(folder: Path, content: str | bytes) -> Path:
    path = folder / "x.runconfig"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def message(path: Path) -> str:
    with pytest.raises(InvalidFile) as caught:
        read_document(path).to_plain()
    assert caught.value.file == str(path)
    assert "\n" not in caught.value.message
    return caught.value.message


@pytest.mark.parametrize(
    "content",
    [
        b"a: 1\nb:\n- x\n- y\n",
        b"a: 1\r\nb:\r\n- x\r\n- y\r\n",
        b"\xef\xbb\xbfa: 1\nb: [x, y]",
        b'\xef\xbb\xbf{"a": 1,\r\n\t"b": ["x", "y"]}',
        b"{a: 1, b: [x, y,]}",
        b"base: &b [x, y]\na: 1\nb: *b\n",
    ],
)
def test_yaml_and_json_are_told_apart_by_content(tmp_path: Path, content: bytes) -> None:
    document = read_document(write(tmp_path, content)).as_mapping()

    assert (document["a"].to_plain(), document["b"].to_plain()) == (1, ["x", "y"])


def test_a_merge_key_brings_in_what_is_not_there(tmp_path: Path) -> None:
    path = write(tmp_path, "one: &1 {a: 1, b: 1}\ntwo: &2 {b: 2, c: 2}\nall:\n  <<: [*1, *2]\n  a: 0\n")

    assert read_document(path).as_mapping()["all"].to_plain() == {"a": 0, "b": 1, "c": 2}


@pytest.mark.parametrize("content", ["- a: 1\n-\n  b:\n    - 0.10\n", '[{"a": 1},\n\n  {"b":\n [0.10]}]'])
def test_a_node_knows_its_line_its_key_path_and_its_source(tmp_path: Path, content: str) -> None:
    node = read_document(write(tmp_path, content)).as_list()[1].as_mapping()["b"].as_list()[0]

    assert (node.line, node.key_path, node.content, node.source) == (4, "[1].b[0]", 0.1, "0.10")


@pytest.mark.parametrize("text", ["0.10", "1", "true", "no", "010", "1e5", "2020-01-02", "0x10", "1_000"])
def test_text_is_what_was_written(tmp_path: Path, text: str) -> None:
    assert read_document(write(tmp_path, f"- {text}\n")).as_list()[0].as_text() == text


def test_numbers_of_json_keep_their_text(tmp_path: Path) -> None:
    path = write(tmp_path, '["0.10", 0.10, 1E+2, true, -0]')

    assert [node.as_text() for node in read_document(path).as_list()] == ["0.10", "0.10", "1E+2", "true", "-0"]


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
        max_leaves=20,
    )
)
def test_json_reads_as_the_standard_library_reads_it(value: object) -> None:
    for indent in (None, "\t"):
        assert parse_json(Path("x"), json.dumps(value, indent=indent)).to_plain() == value


@pytest.mark.parametrize(
    ("content", "line", "words"),
    [
        ("", None, "is empty"),
        (" \n\n", None, "is empty"),
        ("# only a comment\n", None, "is empty"),
        ("a: 1\nb: [1,\n", 3, "is not YAML"),
        ("a: b: c", 1, "is not YAML"),
        ("a:\n\tb: 1\n", 2, "is not YAML"),
        ("a: 1\n---\nb: 2\n", 2, "is not YAML"),
        ("a: \x01\n", 1, "is not YAML"),
        ('{"a": 1,\n "b" 2}', 2, "is not JSON"),
        ('{"a": 1', 1, "is not JSON"),
        ('{"a": 1}\n x', 2, "is not JSON"),
        ('{"a": 1}}', 1, "is not JSON"),
        ("a: 1\nb: 2\na: 3\n", 3, "a: stands twice, first in line 1"),
        ('{"x": {"a": 1,\n"a": 2}}', 2, "x.a: stands twice, first in line 1"),
        ("b: 1\na:\n  c: 1\na: 3\n", 4, "a: stands twice, first in line 2"),
        ("a:\n- 1\nb: 1\na:\n  c: 1\n  c: 2\n", 4, "a: stands twice, first in line 1"),
        ("a: >\n  x\n<<: {a: 2}\na: 3\n", 4, "a: stands twice, first in line 1"),
        ('{"a":\n{"c": 1},\n"a": 2}', 3, "a: stands twice, first in line 1"),
        ("a: !!python/object/apply:os.system [ls]", 1, "a: has the YAML tag"),
        ("a: !mine x", 1, "a: has the YAML tag '!mine'"),
        ("? [a, b]\n: 1\n", 1, "a key is not text"),
        (b"a: 1\nb: \xff\n", 2, "is not UTF-8"),
        ("a: 1\n".encode("utf-16"), 1, "is not UTF-8"),
    ],
)
def test_what_cannot_be_read_is_named_with_its_line(
    tmp_path: Path, content: str | bytes, line: int | None, words: str
) -> None:
    found = message(write(tmp_path, content))

    assert words in found
    assert (f"line {line}:" in found) if line else ("line" not in found.split("x.runconfig")[1].split(":")[0])


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("environmentVariables: API_TOKEN=hunter2", "environmentVariables: expected a mapping, found text"),
        ("password: hunter2", "password: expected a mapping, found text"),
        ("other: --token hunter2 --lr 1", "other: expected a mapping, found text (--token *** --lr 1)"),
        ("other: https://me:hunter2@h/x", "other: expected a mapping, found text (https://***@h/x)"),
        ("other: https://h/x?sv=1&sig=hunter2", "other: expected a mapping, found text (https://h/x?sv=1&sig=***)"),
        ("API_TOKEN=hunter2: x", "API_TOKEN=***: expected a mapping, found text"),
        ("{A=hunter2: 1, A=hunter2: 2}", "A=***: stands twice, first in line 1"),
        ("password: !hunter2", "password: has a YAML tag ('!'), which is not read"),
        ("password: *hunter2", "is not YAML: an alias ('*') stands for nothing"),
    ],
)
def test_an_error_quotes_no_secret(tmp_path: Path, content: str, told: str) -> None:
    with pytest.raises(InvalidFile) as caught:
        next(iter(read_document(write(tmp_path, content)).as_mapping().values())).as_mapping()

    assert caught.value.message.endswith(f"line 1: {told}")
    assert "hunter2" not in f"{caught.value.message} {caught.value.hint}"


def test_a_python_tag_builds_nothing(tmp_path: Path) -> None:
    made = tmp_path / "made"
    content = f"a: !!python/object/apply:os.mkdir ['{made}']\nb: !!python/name:os.system x\n"

    assert "python/object/apply:os.mkdir'" in message(write(tmp_path, content))
    assert not made.exists()


def test_a_long_file_is_refused_unread(tmp_path: Path) -> None:
    path = tmp_path / "x.runconfig"
    with path.open("wb") as file:
        file.truncate(50 << 20)

    assert "1024 KiB" in message(path)


def test_an_alias_bomb_is_refused(tmp_path: Path) -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 9)}]" for i in range(1, 12)]

    assert "100000 values" in message(write(tmp_path, "\n".join(lines)))


def test_a_bomb_of_merge_keys_is_refused(tmp_path: Path) -> None:
    lines = ["a0: &a0 {x: 1}"]
    lines += [f"a{i}: &a{i} {{<<: [{', '.join([f'*a{i - 1}'] * 9)}]}}" for i in range(1, 12)]

    assert "100000 values" in message(write(tmp_path, "\n".join(lines)))


def test_a_bomb_of_long_texts_is_refused(tmp_path: Path) -> None:
    content = f"a: &a {'x' * 500_000}\nb: [{', '.join(['*a'] * 50_000)}]"

    assert "8 MiB" in message(write(tmp_path, content))


@pytest.mark.parametrize("content", ["? %s\n: [a, b]", '{"%s": [1, 2]}'])
def test_keys_without_end_are_refused(tmp_path: Path, content: str) -> None:
    assert "1000 letters" in message(write(tmp_path, content % ("x" * 2000)))


def test_as_many_merge_keys_as_a_file_has_room_for_take_no_time(tmp_path: Path) -> None:
    keys = "".join(f"  k{number}:\n" for number in range(30_000))
    document = read_document(write(tmp_path, f"some: &1\n{keys}all:\n  <<: *1\n" + "  <<: {}\n" * 35_000))

    assert len(document.as_mapping()["all"].as_mapping()) == 30_000


@pytest.mark.parametrize(
    "content",
    [
        "[" * 500_000,
        '{"a":' * 60 + "1" + "}" * 60,
        "&a [*a]",
        "- " * 5000 + "x",
        "x: " + "[" * 1000,
        "&a {a: {b: *a}}",
    ],
)
def test_deep_nesting_is_refused(tmp_path: Path, content: str) -> None:
    assert " 50 deep" in message(write(tmp_path, content))


def test_a_number_of_thousands_of_digits_is_no_traceback(tmp_path: Path) -> None:
    for content in ("a: %s", '{"a": %s}'):
        document = read_document(write(tmp_path, content % ("9" * 5000)))
        assert document.as_mapping()["a"].as_text() == "9" * 5000


@pytest.mark.parametrize("number", ["1" + ":59" * 100_000, "0x" + "f" * 5000, "1" + ":59" * 1000 + ".5"])
def test_a_number_that_only_a_machine_can_have_written_is_text(tmp_path: Path, number: str) -> None:
    node = read_document(write(tmp_path, f"a: {number}\n")).as_mapping()["a"]

    assert node.to_plain() == number
    with pytest.raises(InvalidFile) as caught:
        node.as_integer()
    assert (caught.value.line, caught.value.key_path) == (1, "a")


@pytest.mark.parametrize("content", ['a: "x\\0y"', '{"a": "x\\u0000y"}', '{"a": "\\ud800"}'])
def test_text_that_no_process_can_be_given_is_refused(tmp_path: Path, content: str) -> None:
    with pytest.raises(InvalidFile, match=r"line 1: a: holds "):
        read_document(write(tmp_path, content)).as_mapping()["a"].as_text()


def test_a_folder_a_fifo_and_a_missing_file_are_named(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo")

    assert "folder" in message(tmp_path)
    assert "regular file" in message(tmp_path / "fifo")
    assert os.strerror(errno.ENOENT) in message(tmp_path / "missing")


def test_a_file_of_another_user_is_an_error_in_words(tmp_path: Path) -> None:
    path = write(tmp_path, "a: 1\n")
    path.chmod(0)
    script = (
        "import os, sys\nfrom pathlib import Path\nfrom mlrun_cli.core.documents.read import read_document\n"
        "from mlrun_cli.errors import InvalidFile\n"
        "if os.getuid() == 0: os.setuid(65534)\n"
        "try: read_document(Path(sys.argv[1]))\nexcept InvalidFile as error: print(error)\n"
    )
    done = subprocess.run([sys.executable, "-c", script, str(path)], capture_output=True, text=True, check=True)

    assert done.stdout == f"{path}: cannot be read: Permission denied\n"
