"""The hub of live updates: an event stream per browser, and a watcher per workspace with subscribers."""

from __future__ import annotations

from collections.abc import Iterable

from mlrun_cli.studio.events.event_stream import EventStream
from mlrun_cli.studio.events.topic import Topic
from mlrun_cli.studio.events.watcher import Watcher
from mlrun_cli.studio.workspace_pool import WorkspacePool

_MAX_STREAMS = 500
_MAX_TOPICS = 1000
_MAX_WATCHERS = 50


class EventHub:
    """The open event streams, and the watchers that add events to them; used only in the event loop."""

    def __init__(self, workspaces: WorkspacePool) -> None:
        self._workspaces = workspaces
        self._streams: dict[str, EventStream] = {}
        self._watchers: dict[str, Watcher] = {}
        self._is_closed = False

    def open_stream(self) -> EventStream | None:
        """Open a stream without subscriptions, or return None if too many are open or the studio is stopping."""
        if self._is_closed or len(self._streams) >= _MAX_STREAMS:
            return None
        stream = EventStream()
        self._streams[stream.key] = stream
        return stream

    def set_topics(self, stream_key: str, topic_texts: Iterable[str]) -> bool:
        """Set the topics to which a stream is subscribed, and return whether the stream exists.

        Each new topic causes an event, since it may have changed earlier. Invalid topics are ignored, as are topics
        beyond a limit that the studio's pages do not reach.
        """
        stream = self._streams.get(stream_key)
        if stream is None:
            return False
        topics_by_root: dict[str, set[Topic]] = {}
        for text in list(topic_texts)[:_MAX_TOPICS]:
            topic = Topic.parse(text)
            if topic is not None:
                topics_by_root.setdefault(topic.root, set()).add(topic)
        self._update_watchers(stream, topics_by_root)
        return True

    def close_stream(self, stream: EventStream) -> None:
        """Close a stream and remove its subscriptions."""
        self._streams.pop(stream.key, None)
        self._update_watchers(stream, {})

    def close(self) -> None:
        """End all streams and open no new ones; signal handlers may call this."""
        self._is_closed = True
        for stream in list(self._streams.values()):
            stream.end()

    def _update_watchers(self, stream: EventStream, topics_by_root: dict[str, set[Topic]]) -> None:
        """Subscribe a stream to watchers, starting missing ones and stopping those without subscribers."""
        for root, watcher in list(self._watchers.items()):
            if root not in topics_by_root and not watcher.set_topics(stream, frozenset()):
                watcher.stop()
                del self._watchers[root]
        for root, topics in topics_by_root.items():
            if root not in self._watchers and len(self._watchers) < _MAX_WATCHERS:
                watcher = self._watchers[root] = Watcher(root, next(iter(topics)).identity, self._workspaces)
                watcher.start()
            if root in self._watchers:
                self._watchers[root].set_topics(stream, frozenset(topics))
