"""What a part of a page can live by.

- `ROOT|runs`: anything of any run of the workspace, its tags and metrics among it;
- `ROOT|queue`: what runs and waits on the compute targets;
- `ROOT|run|ID`: a run's record, tags and metrics and, where it has child runs, any status; that it was deleted;
- `ROOT|log|ID|FILE`: that a file of the run, named as in its address, has grown or changed.

`ROOT` is the address of the workspace without what stands in front of it: `str(WorkspaceUrls("", *identity))`.
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
_MOST_CHARACTERS = 16_000


class Topic(NamedTuple):
    """A topic, and what it says; `run_id` and `file` are empty where it names none."""

    text: str
    root: str
    kind: str
    run_id: str = ""
    file: str = ""

    @classmethod
    def parse(cls, text: str) -> Topic | None:
        """Parse a topic; None when no page of the studio names one like this."""
        parts = text.split("|", 3)
        if len(text) > _MOST_CHARACTERS or len(parts) < 2 or len(parts) != _PARTS.get(parts[1]):
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
        """The workspace that the root names."""
        return WorkspaceIdentity(*(unquote(part) for part in self.root.split("/")[2:]))
