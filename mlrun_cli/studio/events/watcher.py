"""Looks at a workspace for all who want to know what is new in it."""

from __future__ import annotations

import os
from collections.abc import Iterable
from threading import Event, Lock, Thread
from typing import Protocol

from mlrun_cli.actions.artifacts import find_file
from mlrun_cli.errors import MlrunError, RunNotFound, WorkspaceNotFound
from mlrun_cli.runs.filter import RunFilter
from mlrun_cli.runtime.liveness import reconcile
from mlrun_cli.studio.events.topic import LOG, QUEUE, RUNS, Topic
from mlrun_cli.studio.workspace_pool import OpenWorkspaces
from mlrun_cli.workspace import Workspace
from mlrun_cli.workspace_locator import WorkspaceIdentity

_LOOK_SECONDS = 0.25
_RECONCILE_SECONDS = 1.0
_RETRY_SECONDS = 1.0


class Listener(Protocol):
    """Somebody who is told; any thread may do it."""

    def tell(self, topics: Iterable[str]) -> None:
        """There are news of these topics."""

    def tell_trouble(self, root: str, text: str) -> None:
        """The store of a workspace cannot be read; without a text it can again."""


class _Wish:
    """What one listener wants to know; `fresh` are the topics that it is to be told of after the next look."""

    def __init__(self) -> None:
        self.topics: frozenset[Topic] = frozenset()
        self.fresh: frozenset[Topic] = frozenset()
        self.knows_trouble = ""


class Watcher:
    """One reader of a workspace's store, however many listen; from `start` to `stop`.

    It looks a few times a second. As long as nobody has written, that is one question to the database, and one to
    the file system for each log. Then each topic has a *mark*, which differs whenever there are news.
    """

    def __init__(self, root: str, identity: WorkspaceIdentity, workspaces: OpenWorkspaces) -> None:
        self._root = root
        self._identity = identity
        self._workspaces = workspaces
        self._lock = Lock()
        self._wishes: dict[Listener, _Wish] = {}
        self._stopped = Event()
        self._marks: dict[Topic, object] = {}
        self._seen: object = None
        self._not_responding: frozenset[int] = frozenset()

    def start(self) -> None:
        """Begin, in threads of its own: what may have to wait for a run's recovery holds up no news."""
        for work in (self._run, self._keep_reconciling):
            Thread(target=work, name=f"{work.__name__} {self._root}", daemon=True).start()

    def stop(self) -> None:
        """End soon; nobody is told anything more."""
        self._stopped.set()

    def listen(self, listener: Listener, topics: frozenset[Topic]) -> bool:
        """Choose anew what a listener wants to know, nothing when empty; whether anybody wants anything then."""
        with self._lock:
            if topics:
                wish = self._wishes.setdefault(listener, _Wish())
                wish.fresh = (wish.fresh & topics) | (topics - wish.topics)
                wish.topics = topics
            else:
                self._wishes.pop(listener, None)
            return bool(self._wishes)

    def _run(self) -> None:
        while not self._stopped.is_set():
            try:
                with self._workspaces.lend(self._identity) as workspace:
                    self._watch(workspace)
            except Exception as error:  # whatever it is: who looks is told, and it is tried again
                self._tell_trouble(_text_of(error))
                self._stopped.wait(_RETRY_SECONDS)

    def _watch(self, workspace: Workspace) -> None:
        self._seen = None
        while True:
            if not workspace.is_in_place():
                raise WorkspaceNotFound(*reversed(self._identity))
            changed = self._look(workspace)
            self._tell(changed)
            if self._stopped.wait(_LOOK_SECONDS):
                return

    def _look(self, workspace: Workspace) -> set[Topic]:
        """The topics whose mark is another one than at the last look, or that had none."""
        with self._lock:
            topics = frozenset[Topic]().union(*(wish.topics for wish in self._wishes.values()))
        seen = (workspace.version(), self._not_responding)
        is_new, self._seen = seen != self._seen, seen
        marks: dict[Topic, object] = {}
        for topic in topics:
            if topic in self._marks and not is_new and topic.kind != LOG:
                marks[topic] = self._marks[topic]
            else:
                marks[topic] = self._mark(workspace, topic)
        changed = {topic for topic, mark in marks.items() if topic not in self._marks or self._marks[topic] != mark}
        self._marks = marks
        return changed

    def _mark(self, workspace: Workspace, topic: Topic) -> object:
        if topic.kind == RUNS:
            return self._seen
        if topic.kind == QUEUE:
            return workspace.run_pages.newest_change(), workspace.compute_targets.list(), self._not_responding
        if topic.kind == LOG:
            return _file_mark(workspace, topic)
        try:
            run = workspace.runs.get(topic.run_id)
        except RunNotFound:
            return None
        has_children = workspace.runs.list(RunFilter(parent_run_id=run.run_id, last=1))
        return (
            run._replace(lease_until=None),  # which is renewed while nothing has happened
            workspace.metrics.count(run.key),
            run.key in self._not_responding,
            workspace.run_pages.newest_change() if has_children else None,
        )

    def _tell(self, changed: set[Topic]) -> None:
        with self._lock:
            for listener, wish in self._wishes.items():
                if wish.knows_trouble:
                    wish.knows_trouble = ""
                    wish.fresh = wish.topics
                    listener.tell_trouble(self._root, "")
                # A topic that was wished for after this look waits for the next one.
                fresh = wish.fresh & self._marks.keys()
                wish.fresh -= fresh
                if told := (wish.topics & changed) | fresh:
                    listener.tell(topic.text for topic in told)

    def _tell_trouble(self, text: str) -> None:
        with self._lock:
            for listener, wish in self._wishes.items():
                if wish.knows_trouble != text:
                    wish.knows_trouble = text
                    listener.tell_trouble(self._root, text)

    def _keep_reconciling(self) -> None:
        """Have what happened to runs recorded whose supervisor is gone: nobody else may be looking."""
        while not self._stopped.wait(_RECONCILE_SECONDS):
            try:
                with self._workspaces.lend(self._identity) as workspace:
                    self._not_responding = reconcile(workspace)
            except Exception:  # noqa: S112 — who looks for news finds the same, and says so
                continue


def _file_mark(workspace: Workspace, topic: Topic) -> object:
    """Size and time of a file; None while it is not there, or is none of the run's."""
    descriptor = find_file(workspace.run_folder(topic.run_id), topic.file)
    if descriptor is None:
        return None
    try:
        found = os.fstat(descriptor)
    finally:
        os.close(descriptor)
    return found.st_ino, found.st_size, found.st_mtime_ns


def _text_of(error: Exception) -> str:
    if isinstance(error, WorkspaceNotFound):  # its hint is for those who have never seen it
        return "The workspace is not there any more: its folder has been moved or removed."
    if isinstance(error, MlrunError):
        return f"{error.message} {error.hint or ''}".strip()
    return f"The workspace cannot be read: {type(error).__name__}: {error}."
