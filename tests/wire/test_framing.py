from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest

from mlrun_cli.wire.framing import encode_line, open_socket_address


def test_a_line_holds_no_other_line() -> None:
    line = encode_line({"call": "a.b", "arguments": {"text": "one\ntwo\u2028\udcff"}})
    assert line.count(b"\n") == 1
    assert line.endswith(b"\n")
    assert line.isascii()


def test_a_socket_is_reached_however_deep_its_folder_lies(tmp_path: Path) -> None:
    folder = tmp_path / ("d" * 100) / ("e" * 100)
    folder.mkdir(parents=True)
    before = os.listdir("/proc/self/fd")
    with socket.socket(socket.AF_UNIX) as listener, socket.socket(socket.AF_UNIX) as client:
        with open_socket_address(os.fspath(folder), "socket") as address:
            listener.bind(address)
        listener.listen()
        with open_socket_address(os.fspath(folder), "socket") as address:
            client.connect(address)
    assert (folder / "socket").is_socket()
    assert os.listdir("/proc/self/fd") == before


def test_the_address_in_a_folder_that_is_gone_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError), open_socket_address(os.fspath(tmp_path / "gone"), "socket"):
        raise NotImplementedError
