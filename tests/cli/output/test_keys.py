from __future__ import annotations

import pytest

from mlrun_cli.cli.output.keys import KeyReader, TerminalKey


@pytest.mark.parametrize("size", [1, 2, 100])
def test_keys_are_decoded_however_they_arrive(size: int) -> None:
    data = "a\x1b[A\x1bOB\x1b[5~日\x7f\r\x15\x1b[1;5C\x01é".encode()
    reader = KeyReader()
    found = [key for start in range(0, len(data), size) for key in reader.decode(data[start : start + size])]
    assert found == [
        "a", TerminalKey.UP, TerminalKey.DOWN, TerminalKey.PAGE_UP, "日", TerminalKey.BACKSPACE,
        TerminalKey.ENTER, TerminalKey.CLEAR, TerminalKey.OTHER, TerminalKey.OTHER, "é",
    ]  # fmt: skip


def test_escape_is_a_key_if_nothing_follows_it() -> None:
    reader = KeyReader()
    assert list(reader.decode(b"\x1b")) == []
    assert reader.has_partial_key
    assert list(reader.decode(b"", is_final=True)) == [TerminalKey.ESCAPE]
    assert list(reader.decode(b"\x1bx\x1b\x1b[B")) == [TerminalKey.ESCAPE, "x", TerminalKey.ESCAPE, TerminalKey.DOWN]
    assert not reader.has_partial_key
