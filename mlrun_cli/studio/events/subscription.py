"""A stream's subscription to topics of one workspace."""

from __future__ import annotations

from mlrun_cli.studio.events.topic import Topic


class Subscription:
    """The topics that a stream subscribes to.

    Attributes:
        topics: all of them.
        pending: new ones, which cause an event at the next poll.
        reported_problem: the last problem of the store that the stream was told; empty when there is none.
    """

    def __init__(self) -> None:
        self.topics: frozenset[Topic] = frozenset()
        self.pending: frozenset[Topic] = frozenset()
        self.reported_problem = ""

    def replace_topics(self, topics: frozenset[Topic]) -> None:
        """Replace the topics; those that are new become pending."""
        self.pending = (self.pending & topics) | (topics - self.topics)
        self.topics = topics
