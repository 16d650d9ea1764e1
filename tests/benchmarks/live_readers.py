"""Readers of live pages without a browser, which fetch a page upon events as `live.js` does."""

from __future__ import annotations

import http.client
import json
import re
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from html import unescape
from urllib.parse import urlencode

from tests.studio.serving import Studio

_FETCH_SECONDS = 0.5
_COURTESY = 4
_TOPIC = re.compile(r'data-topic="([^"]*)"')


class LiveReaders:
    """Counter of the pages that the readers have fetched."""

    def __init__(self) -> None:
        self.pages = 0
        self.is_over = False
        self._lock = threading.Lock()

    def read(self, studio: Studio, address: str) -> None:
        """Read a page live until `is_over`; ignore errors if the studio ends before that is noticed."""
        try:
            self._read(studio, address)
        except (OSError, http.client.HTTPException):
            if not self.is_over:
                raise

    def _read(self, studio: Studio, address: str) -> None:
        stream = http.client.HTTPConnection("127.0.0.1", studio.port, timeout=60)
        stream.request("GET", "/events", headers={"Cookie": studio.cookie})
        lines = stream.getresponse()
        topics = sorted({unescape(topic) for topic in _TOPIC.findall(studio.get(address).text)})
        next_fetch_at = 0.0
        while not self.is_over and (line := lines.readline()):
            if not line.startswith(b"data: "):
                continue
            told: Mapping[str, object] = json.loads(line[6:])
            if "stream" in told:
                body = urlencode([("topic", topic) for topic in topics])
                headers = {"Cookie": studio.cookie, "Content-Type": "application/x-www-form-urlencoded"}
                asking = http.client.HTTPConnection("127.0.0.1", studio.port, timeout=60)
                asking.request("POST", f"/events/{told['stream']}", body, headers)
                asking.getresponse().read()
                asking.close()
            elif told["topics"]:
                time.sleep(max(0.0, next_fetch_at - time.perf_counter()))
                began = time.perf_counter()
                studio.ask("GET", address, headers={"X-Studio-Part": "1"})
                next_fetch_at = began + max(_FETCH_SECONDS, _COURTESY * (time.perf_counter() - began))
                with self._lock:
                    self.pages += 1
        stream.close()


@contextmanager
def live_readers(studio: Studio, addresses: list[str]) -> Iterator[LiveReaders]:
    """Run one reader for each address during the block."""
    readers = LiveReaders()
    threads = [threading.Thread(target=readers.read, args=(studio, address), daemon=True) for address in addresses]
    for thread in threads:
        thread.start()
    try:
        yield readers
    finally:
        readers.is_over = True
