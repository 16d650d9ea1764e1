"""The RPC server of a supervisor, with clients that leave before they have their response."""

from __future__ import annotations

import selectors
import socket
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from mlrun_cli.core.redaction import Redactor
from mlrun_cli.environments.environment import EnvironmentPlan
from mlrun_cli.runs.run import SCRIPT_RUN
from mlrun_cli.runs.status import RunStatus
from mlrun_cli.runs.submission import Secrets, Submission
from mlrun_cli.runtime.journal_ingest import JournalReader
from mlrun_cli.supervisor.rpc_server import RpcServer, RunRequestHandler
from mlrun_cli.supervisor.supervised_run import SupervisedRun
from mlrun_cli.workspace import Workspace
from mlrun_cli.workspace_locator import WorkspaceIdentity, locate_workspace

TAGS = b'{"call": "runs.tags"}\n'


class Supervisor:
    """The RPC server of a run whose tags fill a socket's buffer several times."""

    def __init__(self, workspace: Workspace) -> None:
        with workspace.transaction():
            experiment, number = workspace.experiments.reserve_run_numbers("exp")
            columns = {"run_type": SCRIPT_RUN, "user_name": "someone", "target": "local"}
            key = workspace.runs.insert(experiment, number, "exp_1", status=RunStatus.RUNNING, **columns)
            workspace.runs.set_tags(key, {"long": "x" * 1_000_000})
        folder = workspace.get_run_folder("exp_1")
        folder.journal.mkdir(parents=True)
        submission = Submission("exp_1", "exp", "w", "g", "s", "", False, (), EnvironmentPlan("python"), "")
        run = SupervisedRun(workspace, submission, Secrets({}, (), {}), folder)
        reader = JournalReader(workspace, folder.journal, key)
        handler = RunRequestHandler(run, reader, lambda: None, lambda: "helper")
        self._folder = folder
        self._selector = selectors.DefaultSelector()
        self._server = RpcServer(folder, self._selector, handler)

    def close(self) -> None:
        self._server.close()
        self._selector.close()

    def serve(self) -> None:
        """Serve until no client waits."""
        while events := self._selector.select(0):
            for key, mask in events:
                key.data(mask)

    def connect(self) -> socket.socket:
        """Connect, and request the tags."""
        client = socket.socket(socket.AF_UNIX)
        with self._folder.open_socket_address(self._folder.socket) as address:
            client.connect(address)
        client.sendall(TAGS)
        self.serve()
        return client


@pytest.fixture
def supervisor(tmp_path: Path) -> Iterator[Supervisor]:
    with (
        Workspace.open(
            locate_workspace(tmp_path / "home", WorkspaceIdentity("s", "g", "w")), create=True, redactor=Redactor()
        ) as workspace,
        closing(Supervisor(workspace)) as opened,
    ):
        yield opened


def read_response(supervisor: Supervisor, client: socket.socket) -> bytes:
    """Read a response to its end."""
    response = b""
    while not response.endswith(b"\n"):
        response += client.recv(1 << 20)
        supervisor.serve()
    return response


@pytest.mark.parametrize("leave", ["shutdown", "close", "drain"])
def test_a_client_that_leaves_during_its_response_disturbs_nobody(supervisor: Supervisor, leave: str) -> None:
    with supervisor.connect() as stays:
        with supervisor.connect() as leaves:
            if leave == "drain":
                assert leaves.recv(1 << 20)
            if leave == "shutdown":
                leaves.shutdown(socket.SHUT_WR)
            else:
                leaves.close()
            supervisor.serve()
        assert len(read_response(supervisor, stays)) > 1_000_000
