"""What is new, for those who listen: a stream per browser, and a watcher per workspace that somebody looks at."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Iterable
from contextlib import suppress
from threading import Lock
from typing import NamedTuple

from mlrun_cli.studio.events.topic import Topic
from mlrun_cli.studio.events.watcher import Watcher
from mlrun_cli.studio.workspace_pool import OpenWorkspaces

_MOST_STREAMS = 500
_MOST_TOPICS = 1000
_MOST_WATCHERS = 50


class Notice(NamedTuple):
    """What a browser is told at once.

    Attributes:
        topics: of which there are news.
        troubles: by the roots of workspaces, what keeps their store from being read; empty text when that is over.
    """

    topics: tuple[str, ...]
    troubles: dict[str, str]


class Stream:
    """What one browser has not been told yet.

    Made, waited for and ended in the event loop; any thread may tell it something.
    """

    def __init__(self) -> None:
        self.key = secrets.token_urlsafe(16)
        self._loop = asyncio.get_running_loop()
        self._woken = asyncio.Event()
        self._lock = Lock()
        self._topics: dict[str, None] = {}
        self._troubles: dict[str, str] = {}
        self._is_ended = False

    def tell(self, topics: Iterable[str]) -> None:
        """There are news of these topics."""
        with self._lock:
            self._topics.update(dict.fromkeys(topics))
        self._wake()

    def tell_trouble(self, root: str, text: str) -> None:
        """The store of a workspace cannot be read; without a text it can again."""
        with self._lock:
            self._troubles[root] = text
        self._wake()

    async def next(self, patience_seconds: float) -> Notice | None:
        """What is new; after a while without news an empty notice, and None when the stream has been ended."""
        with suppress(TimeoutError, asyncio.TimeoutError):
            await asyncio.wait_for(self._woken.wait(), patience_seconds)
        self._woken.clear()
        if self._is_ended:
            return None
        with self._lock:
            notice = Notice(tuple(self._topics), self._troubles)
            self._topics, self._troubles = {}, {}
        return notice

    def end(self) -> None:
        """Have it end now; takes no lock, so that a handler of signals may do it."""
        self._is_ended = True
        self._wake()

    def _wake(self) -> None:
        with suppress(RuntimeError):  # the loop has been closed
            self._loop.call_soon_threadsafe(self._woken.set)


class News:
    """The streams that are open, and the watchers that feed them; used in the event loop alone."""

    def __init__(self, open_workspaces: OpenWorkspaces) -> None:
        self._open_workspaces = open_workspaces
        self._streams: dict[str, Stream] = {}
        self._watchers: dict[str, Watcher] = {}
        self._is_closed = False

    def open(self) -> Stream | None:
        """A stream that listens to nothing yet; None when there are too many, or the studio ends."""
        if self._is_closed or len(self._streams) >= _MOST_STREAMS:
            return None
        stream = Stream()
        self._streams[stream.key] = stream
        return stream

    def listen(self, key: str, texts: Iterable[str]) -> bool:
        """Choose the topics of a stream anew; False when there is no such stream.

        Topics that it did not have before count as news once, since they may have changed before it listened. What is
        no topic is left out, and so is what goes beyond a bound that no browser reaches with its pages.
        """
        stream = self._streams.get(key)
        if stream is None:
            return False
        by_root: dict[str, set[Topic]] = {}
        for text in list(texts)[:_MOST_TOPICS]:
            topic = Topic.parse(text)
            if topic is not None:
                by_root.setdefault(topic.root, set()).add(topic)
        self._spread(stream, by_root)
        return True

    def leave(self, stream: Stream) -> None:
        """Forget a stream that nobody reads any more."""
        self._streams.pop(stream.key, None)
        self._spread(stream, {})

    def close(self) -> None:
        """End all streams, and open none any more; a handler of signals may do it."""
        self._is_closed = True
        for stream in list(self._streams.values()):
            stream.end()

    def _spread(self, stream: Stream, by_root: dict[str, set[Topic]]) -> None:
        """Tell each watcher what the stream wants of it; those that nobody wants anything of end."""
        for root, watcher in list(self._watchers.items()):
            if root not in by_root and not watcher.listen(stream, frozenset()):
                watcher.stop()
                del self._watchers[root]
        for root, topics in by_root.items():
            if root not in self._watchers and len(self._watchers) < _MOST_WATCHERS:
                watcher = self._watchers[root] = Watcher(root, next(iter(topics)).identity, self._open_workspaces)
                watcher.start()
            if root in self._watchers:
                self._watchers[root].listen(stream, frozenset(topics))
