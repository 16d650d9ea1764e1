"""A real studio over a test's home, started, queried and stopped as a user would."""

from __future__ import annotations

import html
import http.client
import re
import signal
import ssl
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from copy import copy
from http.cookies import SimpleCookie
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlencode, urlsplit

from mlrun_cli.serving.studio_options import StudioOptions
from mlrun_cli.serving.urls import WorkspaceUrls
from tests.running import Mlrun

_TIMEOUT_SECONDS = 180.0


class Answer(NamedTuple):
    """A response of the studio."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def text(self) -> str:
        """The body as text."""
        return self.body.decode("utf-8", "replace")

    @property
    def problems(self) -> list[tuple[str, str]]:
        """The code and the first text of each error on the page, in order."""
        found = re.findall(r'data-error-code="(\w+)"[^>]*>(?:\s|<[^>]*>)*([^<]*)', self.text)
        return [(code, html.unescape(text).strip()) for code, text in found]


class Studio:
    """A running studio.

    Attributes:
        origin: where it answers.
        address: its root there, without token.
        pages: the addresses of the test's workspace.
    """

    def __init__(self, mlrun: Mlrun, **options: Any) -> None:
        self._mlrun = mlrun
        self._options = StudioOptions(str(mlrun.home), **{"port": 0, **options})
        self.start()

    def start(self) -> None:
        """Serve the studio; after a stop, serve it again at its earlier port."""
        self.process = subprocess.Popen(
            [sys.executable, "-m", "mlrun_cli.studio", self._options.to_json()],
            env=self._mlrun.environment,
            stdin=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            encoding="utf-8",
        )
        assert self.process.stderr is not None
        said = []
        for line in self.process.stderr:
            said.append(line)
            if found := re.search(r"Studio: (\S+?)\?token=(\S+)", line):
                break
        else:
            self.stop()
            raise AssertionError("".join(said))
        parts = urlsplit(found[1])
        self.token = found[2]
        self.port = parts.port or 0
        self.origin = f"{parts.scheme}://{parts.netloc}"
        self.address = f"{self.origin}{self._options.base_path}"
        self._options = self._options._replace(port=self.port)
        self.workspace_folder = self._mlrun.database.parent
        self.urls = WorkspaceUrls(self.address, *self.workspace_folder.parts[-3:])
        self.cookie = self._cookie()

    def select_workspace(self, folder: Path) -> Studio:
        """Return the same running studio with the URLs of another workspace of its home."""
        other = copy(self)
        other.workspace_folder, other.urls = folder, WorkspaceUrls(self.address, *folder.parts[-3:])
        return other

    def _cookie(self) -> str:
        answer = self.ask("GET", f"/?{urlencode({'token': self.token})}", cookie="")
        (morsel,) = SimpleCookie(answer.headers["set-cookie"]).values()
        return f"{morsel.key}={morsel.value}"

    def ask(
        self,
        method: str,
        address: str,
        *,
        fields: Mapping[str, str] | None = None,
        body: str | None = None,
        cookie: str | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """Send a request for a URL of `pages` or a path, with the cookie of a signed-in browser.

        `fields` are sent as a form of a page is, `body` as it is.
        """
        connection = self._connection()
        sent = {"Host": urlsplit(self.origin).netloc, "Cookie": self.cookie if cookie is None else cookie}
        if fields is not None:
            sent |= {"Content-Type": "application/x-www-form-urlencoded", "Origin": self.origin}
            body = urlencode(fields)
        try:
            path = address.removeprefix(self.origin)
            connection.request(method, path, body=body, headers={**sent, **(headers or {})})
            response = connection.getresponse()
            return Answer(response.status, {k.lower(): v for k, v in response.getheaders()}, response.read())
        finally:
            connection.close()

    def _connection(self) -> http.client.HTTPConnection:
        if self.origin.startswith("https:"):
            context = ssl.create_default_context(cafile=self._options.certfile)
            return http.client.HTTPSConnection("127.0.0.1", self.port, timeout=_TIMEOUT_SECONDS, context=context)
        return http.client.HTTPConnection("127.0.0.1", self.port, timeout=_TIMEOUT_SECONDS)

    def get(self, address: str) -> Answer:
        """Return the response to a GET request."""
        return self.ask("GET", address)

    def csrf_token(self) -> str:
        """Return the CSRF token of a form on one of the studio's pages."""
        word = re.search(r'name="csrf_token" value="(\w+)"', self.get(self.urls.submit_form()).text)
        assert word is not None
        return word[1]

    def post(self, address: str, **fields: str) -> Answer:
        """Return the response to a POST request, as a form of a page sends it."""
        return self.ask("POST", address, fields={"csrf_token": self.csrf_token(), **fields})

    def stop(self, number: int = signal.SIGTERM) -> int:
        """End the studio by a signal, and return its exit code."""
        self.process.send_signal(number)
        assert self.process.stderr is not None
        with self.process.stderr:
            return self.process.wait(_TIMEOUT_SECONDS)

    def close(self) -> None:
        """End the studio if it is still running."""
        if self.process.poll() is None:
            self.stop()
        elif self.process.stderr is not None:
            self.process.stderr.close()


@contextmanager
def serving(mlrun: Mlrun, **options: Any) -> Iterator[Studio]:
    """Serve a studio over a home during the block, with `options` as fields of `StudioOptions`."""
    studio = Studio(mlrun, **options)
    try:
        yield studio
    finally:
        studio.close()


@contextmanager
def started(mlrun: Mlrun, *words: str) -> Iterator[tuple[subprocess.Popen[str], str, list[str]]]:
    """`mlrun studio` with these words: the process, the address that it prints, and what it said before."""
    process = mlrun.start("studio", *words)
    assert process.stderr is not None
    said: list[str] = []
    try:
        for line in process.stderr:
            if found := re.match(r"Studio: (\S+)\n", line):
                yield process, found[1], said
                break
            said.append(line)
        else:
            raise AssertionError("".join(said))
    finally:
        if process.poll() is None:
            process.terminate()
        process.communicate(timeout=180)
