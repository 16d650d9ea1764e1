"""`python …/mlrun_cli/answers/__main__.py --workspace FOLDER --listener DESCRIPTOR RUN_ID`: the helper of a run.

Started by the run's supervisor, which hands over a listening socket; a thread for each connection answers it.
"""

from __future__ import annotations

import json
import socket
import sys
import threading
from contextlib import suppress
from functools import partial
from pathlib import Path

from mlrun_cli.answers.desk import answer
from mlrun_cli.answers.place import Place
from mlrun_cli.answers.refusals import refusal
from mlrun_cli.errors import UsageError
from mlrun_cli.execution.journals import JournalReader
from mlrun_cli.workspace import Workspace


def main(words: list[str]) -> None:
    """Answer until the process is ended."""
    _, folder, _, descriptor, run_id = words
    listener = socket.socket(fileno=int(descriptor))
    while True:
        connection, _ = listener.accept()
        threading.Thread(target=_serve, args=(connection, Path(folder), run_id), daemon=True).start()


def _serve(connection: socket.socket, folder: Path, run_id: str) -> None:
    with connection, Workspace.at(folder) as workspace, suppress(OSError):
        reader = JournalReader(workspace, workspace.run_folder(run_id).journal, workspace.runs.get(run_id).key)
        with (
            Place(workspace.home, partial(_minder, workspace, run_id), asking_run_id=run_id) as place,
            connection.makefile("rb") as questions,
        ):
            for line in questions:
                connection.sendall(_reply(place, reader, line))


def _minder(own: Workspace, run_id: str, asked: Workspace) -> str:
    """The folder of the run that asks, whose supervisor minds what its script opens."""
    if asked.identity != own.identity:
        raise UsageError(
            f"A run of workspace '{own.identity.name}' opens no run in workspace '{asked.identity.name}'.",
            hint="Open it in run.experiment.workspace, or submit a script to the other one.",
        )
    return f"runs/{run_id}"


def _reply(place: Place, reader: JournalReader, line: bytes) -> bytes:
    try:
        question = json.loads(line)
        reader.take_in_until_now()
        reply = answer(place, question)
    except Exception as error:  # the line is from outside, and no line may end who answers
        reply = refusal(error)
    return json.dumps(reply).encode() + b"\n"


if __name__ == "__main__":
    main(sys.argv[1:])
