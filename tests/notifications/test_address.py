"""Commands as addresses of notifications: their values and their secrets."""

from __future__ import annotations

import shlex
from pathlib import Path

import pytest

from mlrun_cli.errors import InvalidValue, ProgramNotFound
from mlrun_cli.notifications.address import (
    VALUES_OF_COMMANDS,
    check_address,
    redact_address,
    redact_address_in_text,
    split_command,
)
from mlrun_cli.notifications.spool import NotificationMessage
from mlrun_cli.notifier import sending

SECRET = "xoxb-13-hunter"
VALUES = dict.fromkeys(VALUES_OF_COMMANDS, "$(echo executed)")
MESSAGE = NotificationMessage("title", "text", VALUES)


def fail_to_send(address: str) -> str:
    with pytest.raises(sending.SendingFailed) as caught:
        sending.send_message(address, MESSAGE)
    return str(caught.value)


@pytest.mark.parametrize(
    "command",
    [
        "sh -c 'echo {title}'",
        "/bin/bash -e -o pipefail -lc 'echo {text}'",
        "env A=1 zsh -c 'echo \"{name}\"' sh",
        "bash -c -x 'echo {run}'",
        "ssh host notify-send {title}",
        "python3 -c 'print(\"{status}\")'",
        "python3 -cprint({status})",
    ],
)
def test_values_within_code_are_refused(command: str) -> None:
    with pytest.raises(InvalidValue):
        split_command(f"cmd:{command}")


@pytest.mark.parametrize("command", ["'echo {run}'", f'"tell --key {SECRET}"', "'no such program' {run}"])
def test_quotes_that_make_a_command_one_word_are_refused(command: str) -> None:
    with pytest.raises(InvalidValue) as caught:
        check_address(f"cmd:{command}")
    assert "quotes" in str(caught.value.hint)
    assert SECRET not in str(caught.value)


@pytest.mark.parametrize("program", ["no-such-program", "./no-such-program", f"KEY={SECRET}", "/etc/passwd", "/tmp"])
def test_a_program_that_cannot_be_started_is_refused(program: str) -> None:
    with pytest.raises(ProgramNotFound) as caught:
        check_address(f"cmd:{program} {{run}}")
    assert SECRET not in f"{caught.value} {caught.value.hint} {caught.value.target}"


def test_a_program_may_have_spaces_in_its_name(tmp_path: Path) -> None:
    program = tmp_path / "my program"
    program.write_text("#!/bin/sh\n", encoding="utf-8")
    program.chmod(0o755)
    check_address(f"cmd:'{program}' {{run}}")


@pytest.mark.parametrize(
    ("command", "operator"),
    [
        ("echo {run} >> ~/ends", ">>"),
        (f"cat >{SECRET}", ">"),
        ("cat 2>&1", "2>&"),
        ("tell &>/dev/null", "&>"),
        ("cat < file", "<"),
        ("cat | mail me", "|"),
        ("cat && tell", "&&"),
        ("tell ; cat", ";"),
        ("tell &", "&"),
    ],
)
def test_commands_that_only_a_shell_understands_are_refused(command: str, operator: str) -> None:
    with pytest.raises(InvalidValue) as caught:
        check_address(f"cmd:{command}")
    assert caught.value.target == operator
    assert "sh -c" in str(caught.value.hint)
    assert SECRET not in f"{caught.value} {caught.value.hint}"


@pytest.mark.parametrize(
    "command",
    [
        "sh -c 'cat >> ends; tell && cat | mail me'",
        'echo \'>\' ">>" \\; --text=\'{run} > {status}\' "a \\" | b"',
        "echo <b>{run}</b> a->b x=1&y=2",
    ],
)
def test_quoted_operators_are_text(command: str) -> None:
    check_address(f"cmd:{command}")


def test_values_are_arguments_and_variables_that_no_shell_executes(tmp_path: Path) -> None:
    told = shlex.quote(str(tmp_path / "told"))
    sending.send_message(
        f"""cmd:sh -c 'echo "$MLRUN_NOTIFY_TITLE" "$1" "{{other}}" > "$2"' sh {{name}} {told}""", MESSAGE
    )
    assert (tmp_path / "told").read_text() == "$(echo executed) $(echo executed) {other}\n"


def test_secrets_of_commands_are_not_told(monkeypatch: pytest.MonkeyPatch) -> None:
    assert redact_address(f"cmd:curl -d {SECRET} https://x/{SECRET}") == "cmd:curl ***"
    assert redact_address(f"cmd:KEY={SECRET} curl") == "cmd:***"
    assert redact_address(f"cmd:curl '{SECRET}") == "cmd:***"
    assert redact_address("cmd:tell") == "cmd:tell"
    assert "exit code 7" in fail_to_send(f"cmd:sh -c 'echo $0 >&2; exit 7' {SECRET}")
    failures = [fail_to_send(f"cmd:sh -c 'echo $0 >&2; exit 7' {SECRET}"), fail_to_send(f"cmd:/nowhere/{SECRET} x")]
    monkeypatch.setattr(sending, "_TIMEOUT_SECONDS", 0.01)
    failures.append(fail_to_send(f"cmd:sleep 60 {SECRET}"))
    assert "FileNotFoundError" in failures[1]
    assert not any(SECRET in failure for failure in failures)


def test_decoded_parts_of_a_url_are_removed() -> None:
    assert redact_address_in_text("refused: p@ss:word", "json://you:p%40ss%3Aword@host") == "refused: ***"
