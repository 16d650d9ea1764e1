"""The subscription of an event stream to topics of a workspace."""

from __future__ import annotations

from mlrun_cli.studio.events.topic import Topic


class Subscription:
    """The topics of a workspace to which a stream subscribes.

    Attributes:
        topics: all subscribed topics.
        pending: new topics, which cause an event at the next poll.
        reported_problem: the last problem of the store that was reported to the stream; empty if there is none.
    """

    def __init__(self) -> None:
        self.topics: frozenset[Topic] = frozenset()
        self.pending: frozenset[Topic] = frozenset()
        self.reported_problem = ""

    def replace_topics(self, topics: frozenset[Topic]) -> None:
        """Replace the topics, and mark new ones as pending."""
        self.pending = (self.pending & topics) | (topics - self.topics)
        self.topics = topics
