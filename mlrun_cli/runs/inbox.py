"""The inbox of a run on a node: messages from the workspace's machine, in a file in the shared folder.

Any process of the workspace's machine may append, one after another; the supervisor on the node reads.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mlrun_cli.core.json_lines import append_lines, read_json_lines
from mlrun_cli.core.locks import acquire_lock
from mlrun_cli.core.named_tuple import NamedTuple
from mlrun_cli.runs.folder import RunFolder
from mlrun_cli.runs.script_end import StopReason
from mlrun_cli.runs.shared_folder import SharedRunFolder


class CancelMessage(NamedTuple):
    """A request to cancel the run, or to let it fail with an error."""

    grace_seconds: float | None
    failed_with: Mapping[str, Any] | None = None


class StopMessage(NamedTuple):
    """A request to stop the script for a reason other than a cancel."""

    reason: StopReason


class ResponseMessage(NamedTuple):
    """The response to a request of the run, as a line of the RPC protocol."""

    request_id: str
    line: str


Message = CancelMessage | StopMessage | ResponseMessage


def send_message(folder: RunFolder, shared_folder: SharedRunFolder, message: Message) -> None:
    """Durably append a message to the inbox of a run.

    Args:
        folder: the run's folder in the workspace, which holds the lock of the inbox's writers.
        shared_folder: its folder in the shared folder.
        message: the message.

    Raises:
        OSError: it cannot be written.
    """
    lock = acquire_lock(folder.path / "inbox.lock", fcntl.LOCK_EX)
    try:
        append_lines(shared_folder.inbox, [_to_json(message)], durable=True)
    finally:
        os.close(lock)


class InboxReader:
    """A reader of an inbox that returns each message once."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._offset = 0

    def read_new_messages(self) -> list[Message]:
        """Return the messages that have arrived since the last call, except unknown ones.

        Raises:
            OSError: the inbox cannot be read.
        """
        documents, self._offset = read_json_lines(self._path, self._offset)
        return [message for document in documents if (message := _from_json(document)) is not None]


def _to_json(message: Message) -> dict[str, Any]:
    if isinstance(message, CancelMessage):
        return {"cancel": message._asdict()}
    if isinstance(message, StopMessage):
        return {"stop": message.reason.value}
    return {"answer": message.request_id, "line": message.line}


def _from_json(document: Mapping[str, Any]) -> Message | None:
    if "cancel" in document:
        cancel = document["cancel"]
        return CancelMessage(cancel.get("grace_seconds"), cancel.get("failed_with"))
    if "stop" in document:
        return StopMessage(StopReason(document["stop"]))
    if "answer" in document:
        return ResponseMessage(str(document["answer"]), str(document["line"]))
    return None
