"""Questions of a run on a node: requests of its script that the side of the workspace handles.

They are lines of a journal in the shared folder, one journal for each process that forwards them. The answer, a line of
the RPC protocol too, comes by the run's inbox.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from mlrun_cli.core.json_lines import append_lines
from mlrun_cli.core.named_tuple import NamedTuple
from mlrun_cli.runs.shared_folder import SharedRunFolder

FOLDER = "questions"


class Question(NamedTuple):
    """A request of a script.

    Attributes:
        question_id: its id, by which the answer is found.
        line: the request, a line of the RPC protocol without its end.
        journal_sizes: the sizes of the run's journals when it was asked; all of that is stored before the answer.
    """

    question_id: str
    line: str
    journal_sizes: Mapping[str, int]


class QuestionWriter:
    """Appends the questions of this process to a journal of its own; not for several threads at once."""

    def __init__(self, folder: SharedRunFolder) -> None:
        name = f"{os.uname().nodename}-{os.getpid()}-{os.urandom(4).hex()}.jsonl"
        self._path = folder.questions / name

    def write(self, question: Question) -> None:
        """Append a question durably.

        Raises:
            OSError: it cannot be written.
        """
        append_lines(self._path, [question._asdict()], durable=True)


def parse_question(document: Mapping[str, Any]) -> Question | None:
    """Return the question in a JSON object, or None if it is not valid."""
    try:
        sizes = {str(name): int(size) for name, size in document["journal_sizes"].items()}
        return Question(str(document["question_id"]), str(document["line"]), sizes)
    except (AttributeError, KeyError, TypeError, ValueError):
        return None
