"""The reasons for which real local servers refuse messages."""

from __future__ import annotations

import re
import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler

import pytest

from mlrun_cli.notifications.address import VALUES_OF_COMMANDS
from mlrun_cli.notifications.spool import NotificationMessage
from mlrun_cli.notifier import sending

pytest.importorskip("apprise")
pytestmark = [
    pytest.mark.filterwarnings("ignore::DeprecationWarning:apprise"),
    pytest.mark.filterwarnings("ignore:'imghdr' is deprecated"),
]

SECRET = "s3cr3t-word"
MESSAGE = NotificationMessage("title", "text", dict.fromkeys(VALUES_OF_COMMANDS, "value"))


class WebHandler(BaseHTTPRequestHandler):
    """A web server that refuses documents with the status that the path ends with."""

    def do_POST(self) -> None:
        """Refuse a document, and repeat where it was sent."""
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(int(self.path.rpartition("/")[2]))
        self.end_headers()
        self.wfile.write(self.path.encode())

    def log_message(self, *_: object) -> None:
        """Write nothing."""


class MailHandler(socketserver.StreamRequestHandler):
    """A mail server that knows no receiver, and refuses the password when the user is named `stranger`."""

    def handle(self) -> None:
        """Answer until the client leaves."""
        self._say("220 localhost")
        for line in self.rfile:
            verb = line[:4].upper()
            if verb == b"EHLO":
                self._say("250-localhost\r\n250 AUTH LOGIN")
            elif verb == b"AUTH":
                is_stranger = b"c3RyYW5nZXI=" in line  # in Base64
                self._say("535 5.7.8 Authentication failed" if is_stranger else "235 welcome")
            else:
                self._say("550 no such mailbox" if verb == b"RCPT" else "250 ok")

    def _say(self, text: str) -> None:
        self.wfile.write(f"{text}\r\n".encode())


@contextmanager
def serving(handler: type[socketserver.BaseRequestHandler]) -> Iterator[int]:
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), handler) as server:
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server.server_address[1]
        server.shutdown()


def fail_to_send(address: str) -> str:
    with pytest.raises(sending.SendingFailed) as caught:
        sending.send_message(address, MESSAGE)
    assert SECRET not in str(caught.value)
    return str(caught.value)


def test_the_answer_of_a_web_server_is_told() -> None:
    with serving(WebHandler) as port:
        answers = [fail_to_send(f"json://you:{SECRET}@127.0.0.1:{port}/{SECRET}/{status}") for status in (404, 500)]
    assert ["404" in answers[0], "500" in answers[1]] == [True, True]
    refused = fail_to_send(f"json://you:{SECRET}@127.0.0.1:1/{SECRET}")
    assert "Connection refused" in refused
    assert not re.search(r"HTTPConnection|Caused by|object at", refused)


def test_the_answer_of_a_mail_server_is_told() -> None:
    query = "from=a@example.com&to=b@example.com&mode=insecure"
    with serving(MailHandler) as port:
        assert "535 5.7.8 Authentication failed" in fail_to_send(f"mailto://stranger:{SECRET}@127.0.0.1:{port}?{query}")
        assert "550 no such mailbox" in fail_to_send(f"mailto://you:{SECRET}@127.0.0.1:{port}?{query}")
    assert "Connection refused" in fail_to_send(f"mailto://you:{SECRET}@127.0.0.1:1?{query}")


def test_reasons_of_messages_that_are_sent_at_once_are_not_mixed() -> None:
    answers: dict[int, str] = {}
    with serving(WebHandler) as port:

        def send(status: int) -> None:
            answers[status] = fail_to_send(f"json://127.0.0.1:{port}/{status}")

        threads = [threading.Thread(target=send, args=[status]) for status in (401, 404, 500, 503) * 2]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert [status for status in answers if re.findall(r"\b[45]\d\d\b", answers[status]) != [str(status)]] == []
