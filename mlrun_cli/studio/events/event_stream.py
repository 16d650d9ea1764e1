"""The stream of events for one browser, collected until the browser reads them."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Iterable
from contextlib import suppress
from threading import Lock

from mlrun_cli.core.named_tuple import NamedTuple


class Event(NamedTuple):
    """A message to a browser about changes.

    Attributes:
        topics: the topics that have changed.
        problems: a mapping from the roots of workspaces to the reasons why their stores cannot be read; an empty text
            if a store is readable again.
    """

    topics: tuple[str, ...]
    problems: dict[str, str]


class EventStream:
    """The events that a browser has not read yet.

    It is created, read and ended in the event loop; any thread may add to it.
    """

    def __init__(self) -> None:
        self.key = secrets.token_urlsafe(16)
        self._loop = asyncio.get_running_loop()
        self._is_ready = asyncio.Event()
        self._lock = Lock()
        self._topics: dict[str, None] = {}
        self._problems: dict[str, str] = {}
        self._is_ended = False

    def add_topics(self, topics: Iterable[str]) -> None:
        """Add topics that have changed, and wake up the reader."""
        with self._lock:
            self._topics.update(dict.fromkeys(topics))
        self._wake()

    def set_problem(self, workspace_root: str, message: str) -> None:
        """Set the message about a workspace's store, or clear it with an empty one, and wake up the reader."""
        with self._lock:
            self._problems[workspace_root] = message
        self._wake()

    async def wait_for_event(self, timeout_seconds: float) -> Event | None:
        """Wait for the next event and return it, or an empty event after the timeout, or None at the stream's end."""
        with suppress(TimeoutError, asyncio.TimeoutError):
            await asyncio.wait_for(self._is_ready.wait(), timeout_seconds)
        self._is_ready.clear()
        if self._is_ended:
            return None
        with self._lock:
            event = Event(tuple(self._topics), self._problems)
            self._topics, self._problems = {}, {}
        return event

    def end(self) -> None:
        """End the stream without acquiring a lock, so that signal handlers may call this."""
        self._is_ended = True
        self._wake()

    def _wake(self) -> None:
        with suppress(RuntimeError):  # the loop has been closed
            self._loop.call_soon_threadsafe(self._is_ready.set)
