from __future__ import annotations

import pytest

from mlrun_cli.domain.redaction import Redaction


@pytest.mark.parametrize(
    ("arguments", "shown"),
    [
        (["--password", "x", "y"], ["--password", "***", "y"]),
        (["--token=x", "--lr=1"], ["--token=***", "--lr=1"]),
        (["-key", "x"], ["-key", "***"]),
        (["--api-key", "x"], ["--api-key", "***"]),
        (["--keyboard", "x"], ["--keyboard", "x"]),
        (["DB_PASSWORD=x", "A=b"], ["DB_PASSWORD=***", "A=b"]),
        (["https://me:secret@host/x?a=b"], ["https://***@host/x?a=b"]),
        (["--password", "--lr", "1"], ["--password", "--lr", "1"]),
        (["mail@host", ""], ["mail@host", ""]),
    ],
)
def test_secrets_on_a_command_line_are_hidden(arguments: list[str], shown: list[str]) -> None:
    assert Redaction().arguments(arguments) == shown


def test_secret_variables_are_hidden_by_their_name() -> None:
    variables = {"MY_Secret_1": "a", "AWS_ACCESS_KEY_ID": "b", "URL": "http://u:p@h", "LR": "1"}

    assert Redaction().variables(variables) == {
        "MY_Secret_1": "***",
        "AWS_ACCESS_KEY_ID": "***",
        "URL": "http://***@h",
        "LR": "1",
    }


def test_the_user_can_add_names() -> None:
    redaction = Redaction.from_environment({"MLRUN_SECRET_NAMES": "license, pin"})

    assert redaction.variables({"MY_LICENSE": "a", "PIN": "b"}) == {"MY_LICENSE": "***", "PIN": "***"}
