"""The socket on which a supervisor is asked, with askers that leave before they have their answer."""

from __future__ import annotations

import selectors
import socket
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from mlrun_cli.runs.run import SCRIPT_RUN
from mlrun_cli.runs.status import RunStatus
from mlrun_cli.runtime.journal_ingest import JournalReader
from mlrun_cli.supervisor.rpc_server import Answerer, QuestionServer
from mlrun_cli.workspace import Workspace
from mlrun_cli.workspace_locator import WorkspaceIdentity, locate_workspace

TAGS = b'{"call": "runs.tags"}\n'


class Supervisor:
    """What a supervisor does for those who ask, of a run whose tags fill a socket's buffer several times."""

    def __init__(self, workspace: Workspace) -> None:
        with workspace.transaction():
            experiment, number = workspace.experiments.take_run_number("exp")
            columns = {"run_type": SCRIPT_RUN, "user_name": "someone", "target": "local"}
            key = workspace.runs.insert(experiment, number, "exp_1", status=RunStatus.RUNNING, **columns)
            workspace.runs.set_tags(key, {"long": "x" * 1_000_000})
        folder = workspace.run_folder("exp_1")
        folder.journal.mkdir(parents=True)
        run = workspace.runs.get_by_key(key)
        reader = JournalReader(workspace, folder.journal, key)
        answerer = Answerer(workspace, run, folder, reader, lambda: None, lambda: "helper")
        self._folder = folder
        self._selector = selectors.DefaultSelector()
        self._server = QuestionServer(folder, self._selector, answerer)

    def close(self) -> None:
        self._server.close()
        self._selector.close()

    def serve(self) -> None:
        """Until nobody wants anything."""
        while events := self._selector.select(0):
            for key, mask in events:
                key.data(mask)

    def asker(self) -> socket.socket:
        """A connection, by which the tags have been asked for."""
        asker = socket.socket(socket.AF_UNIX)
        with self._folder.address_of(self._folder.socket) as address:
            asker.connect(address)
        asker.sendall(TAGS)
        self.serve()
        return asker


@pytest.fixture
def supervisor(tmp_path: Path) -> Iterator[Supervisor]:
    with (
        Workspace.open(locate_workspace(tmp_path / "home", WorkspaceIdentity("s", "g", "w")), create=True) as workspace,
        closing(Supervisor(workspace)) as opened,
    ):
        yield opened


def whole_answer(supervisor: Supervisor, asker: socket.socket) -> bytes:
    """What the asker is answered, read as long as it leaves."""
    answer = b""
    while not answer.endswith(b"\n"):
        answer += asker.recv(1 << 20)
        supervisor.serve()
    return answer


@pytest.mark.parametrize("leave", ["shutdown", "close", "drain"])
def test_who_leaves_while_the_answer_does_disturbs_nobody(supervisor: Supervisor, leave: str) -> None:
    with supervisor.asker() as stays:
        with supervisor.asker() as leaves:
            if leave == "drain":
                assert leaves.recv(1 << 20)
            if leave == "shutdown":
                leaves.shutdown(socket.SHUT_WR)
            else:
                leaves.close()
            supervisor.serve()
        assert len(whole_answer(supervisor, stays)) > 1_000_000
