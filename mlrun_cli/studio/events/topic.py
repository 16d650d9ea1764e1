"""Topics: the data that parts of a page can subscribe to.

- `ROOT|runs`: all runs of the workspace, including their tags and metrics;
- `ROOT|queue`: the compute targets with their running and waiting runs;
- `ROOT|run|ID`: a run's record, tags and metrics and, if it has child runs, the status of any run; its deletion;
- `ROOT|log|ID|FILE`: the content of a file of a run, whose name is quoted as in its URL.

`ROOT` is the path of the workspace in URLs, without the base path: `str(WorkspaceUrls("", *identity))`.
"""

from __future__ import annotations

from urllib.parse import unquote

from mlrun_cli.core.named_tuple import NamedTuple
from mlrun_cli.core.names import check_resource_group, check_run_id, check_subscription_id, check_workspace_name
from mlrun_cli.errors import UsageError
from mlrun_cli.serving.urls import WorkspaceUrls, unquote_path
from mlrun_cli.workspace_locator import WorkspaceIdentity

RUNS, QUEUE, RUN, LOG = "runs", "queue", "run", "log"

_PARTS = {RUNS: 2, QUEUE: 2, RUN: 3, LOG: 4}
_MAX_CHARACTERS = 16_000


class Topic(NamedTuple):
    """A topic and its parts; `run_id` and `file` are empty for topics without them."""

    text: str
    root: str
    kind: str
    run_id: str = ""
    file: str = ""

    @classmethod
    def parse(cls, text: str) -> Topic | None:
        """Parse a topic, or return None if it is not valid."""
        parts = text.split("|", 3)
        if len(text) > _MAX_CHARACTERS or len(parts) < 2 or len(parts) != _PARTS.get(parts[1]):
            return None
        topic = cls(text, *parts)
        topic = topic._replace(file=unquote_path(topic.file))
        try:
            identity = topic.identity
            check_subscription_id(identity.subscription_id)
            check_resource_group(identity.resource_group)
            check_workspace_name(identity.name)
            if topic.run_id:
                check_run_id(topic.run_id)
        except (TypeError, UsageError):
            return None
        return topic if str(WorkspaceUrls("", *identity)) == topic.root else None

    @property
    def identity(self) -> WorkspaceIdentity:
        """The identity of the workspace, parsed from the root."""
        return WorkspaceIdentity(*(unquote(part) for part in self.root.split("/")[2:]))
