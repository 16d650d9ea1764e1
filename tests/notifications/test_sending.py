"""Sending to addresses that take too long."""

from __future__ import annotations

import socket
from contextlib import closing

import pytest

from mlrun_cli.notifications.address import VALUES_OF_COMMANDS
from mlrun_cli.notifications.apprise_library import load_apprise
from mlrun_cli.notifications.spool import NotificationMessage
from mlrun_cli.notifier import sending
from tests.running import find_processes, until


@pytest.fixture(autouse=True)
def _patience(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sending, "_TIMEOUT_SECONDS", 0.3)


def build_message(run_id: str) -> NotificationMessage:
    return NotificationMessage("title", "text", dict.fromkeys(VALUES_OF_COMMANDS, run_id))


def test_a_command_is_ended_with_what_it_has_started() -> None:
    with pytest.raises(sending.SendingFailed, match="took longer"):
        sending.send_message("cmd:sh -c 'sleep 600 & wait'", build_message("endless_1"))
    until(lambda: not find_processes("MLRUN_NOTIFY_RUN", "endless_1"))


@pytest.mark.filterwarnings("ignore::DeprecationWarning:apprise")
@pytest.mark.filterwarnings("ignore:'imghdr' is deprecated")
def test_a_service_that_does_not_answer_is_waited_for_no_longer() -> None:
    pytest.importorskip("apprise")
    assert load_apprise().Apprise().add("json://127.0.0.1")  # it loads its services now
    with closing(socket.create_server(("127.0.0.1", 0))) as silent:
        address = f"json://127.0.0.1:{silent.getsockname()[1]}/secret?rto=300"
        with pytest.raises(sending.SendingFailed, match="took longer"):
            sending.send_message(address, build_message("run_1"))
