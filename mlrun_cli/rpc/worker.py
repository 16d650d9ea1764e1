"""`python …/mlrun_cli/rpc/worker.py --workspace FOLDER --listener DESCRIPTOR RUN_ID`: the helper of a run.

Started by the run's supervisor, which hands over a listening socket; a thread for each connection answers it.
"""

from __future__ import annotations

import json
import resource
import socket
import sys
import threading
import time
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

from mlrun_cli.errors import UsageError
from mlrun_cli.rpc.context import Place
from mlrun_cli.rpc.dispatch import answer
from mlrun_cli.rpc.errors import refusal
from mlrun_cli.runtime.journal_ingest import JournalReader
from mlrun_cli.workspace import Workspace

_AGAIN_SECONDS = 0.05


def _at_most(most: int, files_each: int) -> threading.Semaphore:
    """Room for so many, or for fewer that together open a quarter of the files that this process may have open."""
    limit, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    fewer = most if limit == resource.RLIM_INFINITY else limit // 4 // files_each
    return threading.Semaphore(max(1, min(most, fewer)))


_CONNECTIONS = _at_most(1 << 16, files_each=1)
_AT_ONCE = _at_most(32, files_each=6)
"""Questions: three files of the store, and journals, documents and what is asked for one after another."""


def main(words: list[str]) -> None:
    """Answer until the process is ended."""
    _, folder, _, descriptor, run_id = words
    listener = socket.socket(fileno=int(descriptor))
    while True:
        _CONNECTIONS.acquire()
        try:
            connection, _ = listener.accept()
        except OSError:  # no more files can be open: some will be closed
            _CONNECTIONS.release()
            time.sleep(_AGAIN_SECONDS)
            continue
        threading.Thread(target=_serve, args=(connection, Path(folder), run_id), daemon=True).start()


def _serve(connection: socket.socket, folder: Path, run_id: str) -> None:
    """Answer one question, the only one of its connection: who asks nothing holds no open file of this process."""
    try:
        with connection, suppress(OSError), connection.makefile("rb") as questions:
            line = questions.readline()
            if line:
                with _AT_ONCE:
                    reply = _answered(folder, run_id, line)
                connection.sendall(reply)
    finally:
        _CONNECTIONS.release()


class _Counter:
    """A place at which one question at a time is answered, with a store of its own."""

    def __init__(self, folder: Path, run_id: str) -> None:
        self._workspace = Workspace.at(folder)
        key = self._workspace.runs.get(run_id).key
        self._reader = JournalReader(self._workspace, self._workspace.run_folder(run_id).journal, key)
        self._place = Place(
            self._workspace.home, partial(_get_owner_lock, self._workspace, run_id), asking_run_id=run_id
        )

    def answer(self, line: bytes) -> dict[str, Any]:
        """The answer to a question, which knows of all that the run's processes have written by now."""
        question = json.loads(line)
        self._reader.ingest_until_now()
        return answer(self._place, question)


_free: list[_Counter] = []
"""Those at which nobody stands, for who comes next."""


def _free_counter() -> _Counter | None:
    with suppress(IndexError):
        return _free.pop()
    return None


def _answered(folder: Path, run_id: str, line: bytes) -> bytes:
    try:
        counter = _free_counter() or _Counter(folder, run_id)
        reply = counter.answer(line)
        _free.append(counter)
    except Exception as error:  # the line is from outside, and no line may end who answers
        reply = refusal(error)
    return json.dumps(reply).encode() + b"\n"


def _get_owner_lock(own: Workspace, run_id: str, asked: Workspace) -> str:
    """Return the owner lock of the runs that the script of a run opens: that of its supervisor."""
    if asked.identity != own.identity:
        raise UsageError(
            f"A run of workspace '{own.identity.name}' opens no run in workspace '{asked.identity.name}'.",
            hint="Open it in run.experiment.workspace, or submit a script to the other one.",
        )
    return f"runs/{run_id}"


if __name__ == "__main__":
    main(sys.argv[1:])
