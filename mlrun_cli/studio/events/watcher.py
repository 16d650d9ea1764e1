"""The watcher of a workspace, which detects changes to subscribed topics."""

from __future__ import annotations

import os
from threading import Event, Lock, Thread

from mlrun_cli.actions.artifacts import open_run_file
from mlrun_cli.actions.parameters import backfill_parameters
from mlrun_cli.errors import MlrunError, RunNotFound, WorkspaceNotFound
from mlrun_cli.runs.filter import RunFilter
from mlrun_cli.runtime.liveness import reconcile
from mlrun_cli.studio.events.event_stream import EventStream
from mlrun_cli.studio.events.subscription import Subscription
from mlrun_cli.studio.events.topic import LOG, QUEUE, RUNS, Topic
from mlrun_cli.studio.workspace_pool import WorkspacePool
from mlrun_cli.workspace import Workspace
from mlrun_cli.workspace_locator import WorkspaceIdentity

_POLL_SECONDS = 0.25
_FOREIGN_POLL_SECONDS = 1.0
"""The interval for a workspace that another host uses: each poll then makes several requests to a file server."""
_RECONCILE_SECONDS = 1.0
_RETRY_SECONDS = 1.0
_PAUSE_SECONDS = 0.2


class Watcher:
    """A watcher that polls a workspace's store for all subscribers, in background threads.

    Meanwhile it reads the parameters of runs that an older version stored, if there are any.

    Unless something was written, a poll queries only the store's version, and calls `fstat` for each log. After a
    write, it computes a fingerprint of each topic, which differs from the last one if the topic has changed.
    """

    def __init__(self, root: str, identity: WorkspaceIdentity, workspaces: WorkspacePool) -> None:
        self._root = root
        self._identity = identity
        self._workspaces = workspaces
        self._lock = Lock()
        self._subscriptions: dict[EventStream, Subscription] = {}
        self._stopped = Event()
        self._fingerprints: dict[Topic, object] = {}
        self._version: object = None
        self._not_responding: frozenset[int] = frozenset()

    def start(self) -> None:
        """Start the threads that poll, reconcile runs, and read older runs' parameters."""
        for target in (self._poll_and_retry, self._reconcile_periodically, self._read_parameters_of_older_runs):
            Thread(target=target, name=f"{target.__name__} {self._root}", daemon=True).start()

    def stop(self) -> None:
        """Ask the threads to stop, without waiting for them."""
        self._stopped.set()

    def set_topics(self, stream: EventStream, topics: frozenset[Topic]) -> bool:
        """Set a stream's topics, or unsubscribe it if there are none; return whether any subscribers are left."""
        with self._lock:
            if topics:
                self._subscriptions.setdefault(stream, Subscription()).replace_topics(topics)
            else:
                self._subscriptions.pop(stream, None)
            return bool(self._subscriptions)

    def _poll_and_retry(self) -> None:
        """Poll until stopped; publish each error and retry after a delay."""
        while not self._stopped.is_set():
            try:
                with self._workspaces.acquire(self._identity) as workspace:
                    self._poll(workspace)
            except Exception as error:  # any error is reported to subscribers, and retried
                self._publish_problem(_describe_error(error))
                self._stopped.wait(_RETRY_SECONDS)

    def _poll(self, workspace: Workspace) -> None:
        """Publish changed topics periodically, until stopped or until the workspace must be opened anew.

        Raises:
            WorkspaceNotFound: it no longer exists.
        """
        self._version = None
        interval = _FOREIGN_POLL_SECONDS if workspace.is_used_elsewhere else _POLL_SECONDS
        while workspace.is_current():
            self._publish(self._find_changes(workspace))
            if self._stopped.wait(interval):
                return
        if not workspace.is_used_elsewhere:
            raise WorkspaceNotFound(*reversed(self._identity))

    def _find_changes(self, workspace: Workspace) -> set[Topic]:
        """Return the subscribed topics that have changed or were added since the last poll."""
        with self._lock:
            topics = frozenset[Topic]().union(*(each.topics for each in self._subscriptions.values()))
        version = (workspace.get_data_version(), self._not_responding)
        is_new, self._version = version != self._version, version
        fingerprints: dict[Topic, object] = {}
        for topic in topics:
            if topic in self._fingerprints and not is_new and topic.kind != LOG:
                fingerprints[topic] = self._fingerprints[topic]
            else:
                fingerprints[topic] = self._compute_fingerprint(workspace, topic)
        before, self._fingerprints = self._fingerprints, fingerprints
        return {topic for topic, value in fingerprints.items() if topic not in before or before[topic] != value}

    def _compute_fingerprint(self, workspace: Workspace, topic: Topic) -> object:
        """Return a value that differs from the previous one if the data of a topic have changed."""
        if topic.kind == RUNS:
            return self._version
        if topic.kind == QUEUE:
            return workspace.run_pages.get_newest_change_key(), workspace.compute_targets.list(), self._not_responding
        if topic.kind == LOG:
            return _compute_file_fingerprint(workspace, topic)
        try:
            run = workspace.runs.get(topic.run_id)
        except RunNotFound:
            return None
        has_children = workspace.runs.list(RunFilter(parent_run_id=run.run_id, last=1))
        return (
            run._replace(lease_until=None),  # renewed while nothing happens
            workspace.metrics.count_values(run.key),
            run.key in self._not_responding,
            workspace.run_pages.get_newest_change_key() if has_children else None,
        )

    def _publish(self, changed_topics: set[Topic]) -> None:
        """Send topics that have changed, or that are new to a subscription, to the subscribed streams."""
        with self._lock:
            for stream, subscription in self._subscriptions.items():
                if subscription.reported_problem:
                    subscription.reported_problem = ""
                    subscription.pending = subscription.topics
                    stream.set_problem(self._root, "")
                # Topics to which streams subscribed after this poll wait for the next one.
                pending = subscription.pending & self._fingerprints.keys()
                subscription.pending -= pending
                if topics := (subscription.topics & changed_topics) | pending:
                    stream.add_topics(topic.text for topic in topics)

    def _publish_problem(self, message: str) -> None:
        with self._lock:
            for stream, subscription in self._subscriptions.items():
                if subscription.reported_problem != message:
                    subscription.reported_problem = message
                    stream.set_problem(self._root, message)

    def _reconcile_periodically(self) -> None:
        """Periodically record the ends of runs whose supervisors have died, in case no other process does."""
        while not self._stopped.wait(_RECONCILE_SECONDS):
            try:
                with self._workspaces.acquire(self._identity) as workspace:
                    self._not_responding = reconcile(workspace)
            except Exception:  # noqa: S112 — polling meets the same error and reports it
                continue

    def _read_parameters_of_older_runs(self) -> None:
        """Read the parameters of older runs in batches, so that other processes can write in between."""
        while not self._stopped.wait(_PAUSE_SECONDS):
            try:
                with self._workspaces.acquire(self._identity) as workspace:
                    if backfill_parameters(workspace, _PAUSE_SECONDS):
                        return
                    is_unchangeable = workspace.is_used_elsewhere
                if is_unchangeable:
                    self._stopped.wait(_FOREIGN_POLL_SECONDS)
            except Exception:  # noqa: S112 — polling meets the same error and reports it
                continue


def _compute_file_fingerprint(workspace: Workspace, topic: Topic) -> object:
    """Return the inode, size and modification time of a run's file, or None if the file does not exist."""
    descriptor = open_run_file(workspace.get_run_folder(topic.run_id), topic.file)
    if descriptor is None:
        return None
    try:
        found = os.fstat(descriptor)
    finally:
        os.close(descriptor)
    return found.st_ino, found.st_size, found.st_mtime_ns


def _describe_error(error: Exception) -> str:
    if isinstance(error, WorkspaceNotFound):  # its hint explains how to create one
        return "The workspace is unavailable: its folder is not in its place."
    if isinstance(error, MlrunError):
        return error.one_line
    return f"The workspace cannot be read: {type(error).__name__}: {error}."
