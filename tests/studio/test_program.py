"""`mlrun studio`: how it starts, what it says, and how it ends."""

from __future__ import annotations

import os
import pty
import re
import signal
import socket
import subprocess
import sys
from contextlib import closing, suppress
from pathlib import Path

import pytest

from tests.running import Mlrun, is_alive, until
from tests.studio.serving import Studio, serving, started


def test_it_begins_with_the_workspace_that_is_attached_or_named(mlrun: Mlrun) -> None:
    mlrun("workspace", "create", "-w", "other ü", "-g", "group")
    for words, place in (((), "default/default"), (("-w", "other ü", "-g", "group"), "group/other%20%C3%BC")):
        with started(mlrun, "--port", "0", *words) as (_, address, _):
            found = re.fullmatch(rf"http://mlrun-\w+\.localhost:(\d+)/w/[0-]+/{place}/experiments\?token=\S+", address)
            assert found
            with pytest.raises(ConnectionRefusedError):  # it is served on that address alone
                socket.create_connection(("127.0.0.2", int(found[1])), timeout=10)


def test_without_an_attached_folder_it_begins_with_the_list_of_workspaces(tmp_path: Path) -> None:
    mlrun = Mlrun(tmp_path, attach=False)
    mlrun("workspace", "create", "-w", "other", "-g", "group")
    with started(mlrun, "--port", "0") as (_, address, _):
        assert re.fullmatch(r"http://mlrun-\w+\.localhost:\d+/\?token=\S+", address)


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 0)])
def test_a_signal_ends_it_without_a_word(mlrun: Mlrun, number: signal.Signals, code: int) -> None:
    with started(mlrun, "--port", "0") as (process, _, _):
        process.send_signal(number)
        assert process.communicate(timeout=180) == ("", "")
        assert process.returncode == code


def test_a_port_that_is_taken_is_said_and_the_next_one_is_used(mlrun: Mlrun) -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as other:
        taken = other.getsockname()[1]
        with started(mlrun, "--port", str(taken)) as (_, address, said):
            port = int(re.findall(r":(\d+)/", address)[0])
            assert port > taken
            assert said == [f"Port {taken} is taken; this is {port}.\n"]


def test_what_cannot_be_served_is_said(mlrun: Mlrun) -> None:
    mlrun.script("print()")
    for words, code, message in (
        (("--host", "192.0.2.77"), 2, "192.0.2.77"),
        (("--host", "no such host"), 2, "no such host"),
        (("--base-path", "a b"), 2, "--base-path"),
        (("--certfile", "nothing.pem"), 2, "nothing.pem"),
        (("--certfile", "train.py"), 2, "train.py"),
        (("--port", "70000"), 2, "--port"),
        (("-w", "nothing"), 3, "There is no workspace 'nothing'"),
    ):
        done = mlrun("studio", "--port", "0", *words, check=False, timeout=180)
        assert (done.returncode, done.stdout) == (code, ""), words
        assert message in done.stderr


def test_without_its_packages_it_says_what_to_type(mlrun: Mlrun) -> None:
    program = (
        "import importlib.util, runpy, sys; find = importlib.util.find_spec\n"
        "importlib.util.find_spec = lambda name, *rest: None if name == 'uvicorn' else find(name, *rest)\n"
        "sys.argv = ['mlrun', 'studio']; from mlrun_cli.cli.program import main; main()"
    )
    done = mlrun.run(sys.executable, "-c", program)
    assert done.returncode == 1
    assert "uvicorn" in done.stderr and "pip install 'mlrun-cli[studio]'" in done.stderr


def test_the_browser_is_opened_at_a_file_that_knows_the_token(mlrun: Mlrun, tmp_path: Path) -> None:
    opened = tmp_path / "opened"
    browser = tmp_path / "browser"
    browser.write_text(f'#!/bin/sh\nprintf %s "$1" > "{opened}.new"\nmv "{opened}.new" "{opened}"\necho noise\n')
    browser.chmod(0o755)
    mlrun.environment.pop("CI", None)
    mlrun.environment["BROWSER"] = str(browser)
    master, terminal = pty.openpty()
    words = (*mlrun.command, "studio", "--port", "0")
    process = subprocess.Popen(
        words, cwd=mlrun.folder, env=mlrun.environment, stdin=subprocess.DEVNULL, stderr=terminal, stdout=terminal
    )
    os.close(terminal)
    try:
        until(opened.exists)
        assert opened.read_text() == (mlrun.home / "studio" / "door.html").as_uri()
        assert "?token=" in (mlrun.home / "studio" / "door.html").read_text()
    finally:
        process.terminate()
        process.wait(30)
        with suppress(OSError):
            assert b"noise" not in os.read(master, 10_000)
        os.close(master)


def test_printed_addresses_lead_to_a_studio_that_is_served(mlrun: Mlrun) -> None:
    mlrun.script("print()")
    run_id = mlrun.submit()
    with serving(mlrun) as first:
        with serving(mlrun) as second:
            assert mlrun.show(run_id)["web_view"] == second.urls.run(run_id)
            with serving(mlrun) as third:
                third.stop(signal.SIGKILL)
            assert mlrun.show(run_id)["web_view"] == second.urls.run(run_id)
        assert mlrun.show(run_id)["web_view"] == first.urls.run(run_id)
        mlrun.script("no certificate", "certificate.pem")
        assert mlrun("studio", "--certfile", "certificate.pem", "--port", "0", check=False).returncode == 2
        assert mlrun.show(run_id)["web_view"] == first.urls.run(run_id)
        with serving(mlrun):
            pass
        assert len(list((mlrun.home / "studio" / "serving").iterdir())) == 1  # what the killed one left is gone too


def test_scripts_of_the_working_folder_are_not_imported(mlrun: Mlrun) -> None:
    for name in ("uvicorn", "json", "mlrun_cli", "webbrowser"):
        mlrun.script("raise SystemExit('imported')", f"{name}.py")
    with started(mlrun, "--port", "0") as (process, _, said):
        assert (process.poll(), said) == (None, [])


def test_what_it_has_started_is_reaped(mlrun: Mlrun, studio: Studio) -> None:
    mlrun.script("print()")
    fields = {"folder": str(mlrun.folder), "script": "train.py", "experiment": "exp", "do": "submit"}
    assert studio.post(studio.urls.submit_form(), **fields).status == 303
    (first,) = until(lambda: _children(studio.process.pid))
    until(lambda: not is_alive(first))
    assert studio.post(studio.urls.submit_form(), **fields).status == 303
    assert first not in _children(studio.process.pid)


def _children(pid: int) -> list[int]:
    """The processes that a process has started and has not reaped."""
    found = Path(f"/proc/{pid}/task").glob("*/children")
    return [int(child) for file in found for child in file.read_text(encoding="ascii").split()]
