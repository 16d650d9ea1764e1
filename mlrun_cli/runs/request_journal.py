"""Requests of a script on a node, forwarded to the collector on the workspace's machine.

They are lines of a journal in the shared folder, one journal for each process that forwards them. The response, a line
of the RPC protocol too, comes by the run's inbox.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from mlrun_cli.core.json_lines import append_lines
from mlrun_cli.core.named_tuple import NamedTuple
from mlrun_cli.runs.shared_folder import SharedRunFolder

FOLDER = "questions"
"""The name of their folder, which older nodes and collectors know."""


class ForwardedRequest(NamedTuple):
    """A request of a script.

    Attributes:
        request_id: its id, by which the response is found.
        line: the request, a line of the RPC protocol without its end.
        journal_sizes: the sizes of the run's journals when it was sent; all of that is stored before the response.
    """

    request_id: str
    line: str
    journal_sizes: Mapping[str, int]


class RequestWriter:
    """A writer of this process's requests to its own journal; not thread-safe."""

    def __init__(self, folder: SharedRunFolder) -> None:
        name = f"{os.uname().nodename}-{os.getpid()}-{os.urandom(4).hex()}.jsonl"
        self._path = folder.requests / name

    def write(self, request: ForwardedRequest) -> None:
        """Append a request durably.

        Raises:
            OSError: it cannot be written.
        """
        append_lines(
            self._path,
            [{"question_id": request.request_id, "line": request.line, "journal_sizes": request.journal_sizes}],
            durable=True,
        )


def parse_forwarded_request(document: Mapping[str, Any]) -> ForwardedRequest | None:
    """Return the request from a JSON object, or None if it is invalid."""
    try:
        sizes = {str(name): int(size) for name, size in document["journal_sizes"].items()}
        return ForwardedRequest(str(document["question_id"]), str(document["line"]), sizes)
    except (AttributeError, KeyError, TypeError, ValueError):
        return None
