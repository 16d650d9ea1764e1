"""Notifications of the ends of runs: by a command, to a mail server and to a web server, each real and local."""

from __future__ import annotations

import base64
import json
import os
import shlex
import signal
import socketserver
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from email import message_from_bytes
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import pytest

from tests.running import Mlrun, until, words_of

PASSWORD = "s3cr3t-of-the-mailbox"
FAILS = """
from azureml.core import Run
for loss in (0.5, 0.25, 0.75):
    Run.get_context().log("loss", loss)
print("the last words", flush=True)
raise ValueError("no data")
"""
OPENS = """
import os, signal, sys
from azureml.core import Experiment, Workspace
experiment = Experiment(Workspace.from_config(), "exp")
run = experiment.start_logging(outputs=None, snapshot_directory=None, display_name=sys.argv[1])
run.log("loss", 0.25)
if sys.argv[1] == "completed":
    run.child_run("child").complete()
    run.complete()
    run.complete()
elif sys.argv[1] == "raised":
    raise ValueError("no data")
elif sys.argv[1] == "killed":
    run.flush()
    os.kill(os.getpid(), signal.SIGKILL)
"""


class Server(socketserver.ThreadingTCPServer):
    """A server that keeps what it gets."""

    daemon_threads = True

    def __init__(self, handler: type[socketserver.BaseRequestHandler]) -> None:
        super().__init__(("127.0.0.1", 0), handler)
        self.got: list[Any] = []
        self.answers = False

    @property
    def port(self) -> int:
        """The port that it listens on."""
        return int(self.server_address[1])


class MailHandler(socketserver.StreamRequestHandler):
    """As much of SMTP as a client needs to send a mail with a password."""

    server: Server

    def handle(self) -> None:
        """Take mails until the client leaves."""
        self._say("220 localhost")
        while line := self.rfile.readline():
            verb = line[:4].upper()
            if verb == b"DATA":
                self._say("354 go on")
                self.server.got.append(message_from_bytes(b"".join(iter(self.rfile.readline, b".\r\n"))))
            if verb == b"EHLO":
                self._say("250-localhost\r\n250 AUTH PLAIN")
            elif verb == b"AUTH":
                self.server.got.append(base64.b64decode(line.split()[-1]))
                self._say("235 welcome")
            else:
                self._say("221 bye" if verb == b"QUIT" else "250 ok")

    def _say(self, text: str) -> None:
        self.wfile.write(f"{text}\r\n".encode())


class WebHandler(BaseHTTPRequestHandler):
    """A web server that accepts every document."""

    server: Server

    def do_POST(self) -> None:
        """Keep a document."""
        self.server.got.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Write nothing."""


class SilentHandler(WebHandler):
    """A web server that answers when it is told to."""

    def send_response(self, code: int, message: str | None = None) -> None:
        """Answer, or wait until the client leaves."""
        if self.server.answers:
            super().send_response(code, message)
        else:
            self.rfile.read(1)


@contextmanager
def serving(handler: type[socketserver.BaseRequestHandler]) -> Iterator[Server]:
    with Server(handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


def text_of(mail: Any) -> str:
    return "".join(
        part.get_payload(decode=True).decode() for part in mail.walk() if part.get_content_type() == "text/plain"
    )


def find_files_with(text: str, folder: Path) -> list[str]:
    done = subprocess.run(["grep", "-rla", text, str(folder)], capture_output=True, text=True, check=False)
    return [Path(path).name for path in done.stdout.splitlines()]


def test_a_command_is_told_once_of_a_run_whose_supervisor_was_killed(mlrun: Mlrun, tmp_path: Path) -> None:
    told = tmp_path / "told"
    program = tmp_path / "tell"
    program.write_text(f'#!/bin/sh\necho "$*" >> {shlex.quote(str(told))}\n', encoding="utf-8")
    program.chmod(0o755)
    assert mlrun.json("notify", "add", f"cmd:{program} rule {{run}} {{status}}", "--on", "failed,canceled")["id"] == 1
    mlrun.script("print('started', flush=True)\nimport time; time.sleep(600)")
    run_id = mlrun.submit("--notify", f"cmd:{program} own {{run}} '{{status}} {{experiment}}'", "train.py")
    until(lambda: "started" in mlrun.log(run_id))
    os.kill(mlrun.supervisor(run_id), signal.SIGKILL)
    for _ in range(2):  # the second look finds nothing to do
        assert mlrun.wait(run_id)["status"] == "Failed"
    until(lambda: told.exists() and len(told.read_text().splitlines()) >= 2)
    assert sorted(told.read_text().splitlines()) == [f"own {run_id} Failed exp", f"rule {run_id} Failed"]
    mlrun("notify", "remove", "1")
    assert mlrun.fails("notify", "remove", "1", exit_code=3).code == "NotificationNotFound"
    mlrun.script("pass")
    run_id = mlrun.ended("--notify", "cmd:sh -c 'echo no >&2; exit 7'", "train.py")["run_id"]
    warnings = until(lambda: mlrun.show(run_id).get("warnings"))
    assert len(warnings) == 1
    assert warnings[0]["message"].startswith("No notification to cmd:sh ***: ")
    assert "exit code 7" in warnings[0]["message"]
    assert mlrun.show(run_id)["status"] == "Completed"
    assert len(told.read_text().splitlines()) == 2


def test_mail_and_web_servers_get_the_text_and_nobody_the_addresses(mlrun: Mlrun) -> None:
    pytest.importorskip("apprise")
    assert mlrun.fails("notify", "add", "nowhere://x").code == "InvalidValue"
    with serving(MailHandler) as mail, serving(WebHandler) as web:
        address = f"mailto://you:{PASSWORD}@127.0.0.1:{mail.port}?from=a@example.com&to=b@example.com&mode=insecure"
        assert PASSWORD not in mlrun("notify", "add", address, "-e", "exp").stdout
        assert mlrun.json("notify", "list")[0]["address"] == "mailto://***"
        mlrun.script(FAILS)
        closed = f"json://127.0.0.1:1/{PASSWORD}"
        run_id = mlrun.submit("--notify", f"json://127.0.0.1:{web.port}/{PASSWORD}", "--notify", closed, "train.py")
        until(lambda: len(mail.got) == 2 and web.got)
        warnings = until(lambda: mlrun.show(run_id).get("warnings"))
    login, letter = mail.got
    (document,) = web.got
    assert login == f"\0you\0{PASSWORD}".encode()
    assert document["title"].startswith(f"{run_id}: Failed (exit code 1) after 0:00:0")
    assert document["title"] in letter["Subject"].replace("\n", "")
    for text in (document["message"], text_of(letter)):
        assert "ValueError: no data" in text
        assert "loss: 0.75 (min 0.25, max 0.75)" in text
        assert "  the last words" in text
    assert warnings[0]["message"].startswith("No notification to json://***")
    assert "Connection refused" in warnings[0]["message"]
    assert mlrun.show(run_id)["status"] == "Failed"
    assert find_files_with(PASSWORD, mlrun.home) == ["notifications.json"]


def test_a_web_server_gets_what_a_killed_process_was_sending(mlrun: Mlrun) -> None:
    pytest.importorskip("apprise")
    mlrun.script(FAILS)
    with serving(SilentHandler) as silent, serving(WebHandler) as web:
        for port in (silent.port, web.port):
            mlrun("notify", "add", f"json://127.0.0.1:{port}/{PASSWORD}?rto=300")
        first = mlrun.submit("train.py")
        until(lambda: silent.got and web.got)
        (notifier,) = [pid for pid in mlrun.programs("__main__.py") if "/notifier/" in " ".join(words_of(pid))]
        os.kill(notifier, signal.SIGKILL)
        assert find_files_with("the last words", mlrun.database.parent / "notification-spools")
        silent.answers = True
        second = mlrun.submit("train.py")
        until(lambda: len(silent.got) == 3 and len(web.got) >= 2)
        until(lambda: not os.listdir(mlrun.database.parent / "notification-spools"))
    titles = [document["title"].partition(":")[0] for document in silent.got]
    assert titles[0] == first and sorted(titles[1:]) == sorted([first, second])
    assert {document["title"].partition(":")[0] for document in web.got} == {first, second}
    assert "  the last words" in silent.got[1]["message"]
    assert not mlrun.show(first).get("warnings")


def test_a_web_server_gets_the_ends_of_interactive_runs_however_they_end(mlrun: Mlrun) -> None:
    pytest.importorskip("apprise")
    driver = os.fspath(mlrun.script(OPENS, "driver.py"))
    python = os.fspath(Path(mlrun.command[0]).with_name("python"))
    names = ["completed", "raised", "left open", "killed"]
    with serving(WebHandler) as web:
        mlrun("notify", "add", f"json://127.0.0.1:{web.port}/{PASSWORD}")
        for name in names:
            subprocess.run([python, driver, name], cwd=mlrun.folder, env=mlrun.environment, check=False, timeout=180)
        mlrun("run", "list")  # it sees that one was killed
        until(lambda: len(web.got) >= len(names))
        runs = {run["display_name"]: run for run in mlrun.json("run", "list", "--include-children")}
        texts = {document["title"].partition(":")[0]: document["message"] for document in web.got}
    assert len(web.got) == len(texts) == len(names)
    assert [(name, runs[name]["status"], f"Run: {runs[name]['run_id']}\n" in texts[name]) for name in names] == [
        ("completed", "Completed", True),
        ("raised", "Failed", True),
        ("left open", "Completed", True),
        ("killed", "Failed", True),
    ]
    assert "ValueError: no data" in texts["raised"]
    assert all("loss: 0.25" in text for text in texts.values())
