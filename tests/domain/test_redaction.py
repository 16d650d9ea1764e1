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
        (["TOKEN=a b", "--token=a b", "--token", "a b"], ["TOKEN=***", "--token=***", "--token", "***"]),
        (["run.sh", "--lr", "TOKEN=a b"], ["run.sh", "--lr", "TOKEN=***"]),
        (["bash", "-lc", "TOKEN=a b"], ["bash", "-lc", "TOKEN=*** b"]),
    ],
)
def test_secrets_on_a_command_line_are_hidden(arguments: list[str], shown: list[str]) -> None:
    assert Redaction().arguments(arguments) == shown


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("python train.py --password x --lr 1", "python train.py --password *** --lr 1"),
        ("python  train.py\t--token=x\n&& echo y ", "python  train.py\t--token=***\n&& echo y "),
        ("DB_PASSWORD=x A=b python train.py", "DB_PASSWORD=*** A=b python train.py"),
        ("export MY_TOKEN='a b' && x", "export MY_TOKEN=*** && x"),
        ('a --password "x \\" y" --lr 1', "a --password *** --lr 1"),
        ("a --password x\\ y --lr 1", "a --password *** --lr 1"),
        ("a '--password' 'x y' --lr 1", "a '--password' *** --lr 1"),
        ("a --password \\\n  x --lr 1", "a --password \\\n  *** --lr 1"),
        ("bash -c 'a --password \"x y\"' && b", "bash -c 'a --password *** && b"),
        ('bash -c "a --password \\"x y\\" --lr 1"', 'bash -c "a --password *** --lr 1"'),
        ("python -c \"connect(password = 'x y')\" && b", 'python -c "connect(password = *** && b'),
        ("""curl -d '{"api-key": "x y", "lr": 1}'""", """curl -d '{"api-key": *** "lr": 1}'"""),
        ("env --set=TOKEN=x y", "env --set=TOKEN=*** y"),
        ("a --password --lr 1", "a --password --lr 1"),
        ("a --password", "a --password"),
        ("a --model me/tokenizer:main --keyboard x", "a --model me/tokenizer:main --keyboard x"),
        ("curl https://me:x@y@host/a?b=c", "curl https://***@host/a?b=c"),
        ("", ""),
    ],
)
def test_secrets_in_the_text_for_a_shell_are_hidden(text: str, shown: str) -> None:
    assert Redaction().arguments(["/bin/sh", "-c", text]) == ["/bin/sh", "-c", shown]


def test_the_text_for_a_shell_hides_names_that_the_user_adds() -> None:
    assert Redaction(["pin"]).arguments(["sh", "-c", "a --pin 1 PIN=2"]) == ["sh", "-c", "a --pin *** PIN=***"]


@pytest.mark.parametrize(
    "text", ["x" * 200_000, "--token " * 20_000, '--token "' + "\\a" * 100_000, "a" + " " * 200_000]
)
def test_long_text_for_a_shell_takes_no_time(text: str) -> None:
    Redaction().arguments(["sh", "-c", text])


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("see https://me:a@b@host/x, mail@host", "see https://***@host/x, mail@host"),
        ("postgresql+psycopg://me@host/db", "postgresql+psycopg://***@host/db"),
        ("http://a/b and x@y", "http://a/b and x@y"),
    ],
)
def test_the_user_of_an_address_is_hidden_up_to_its_host(text: str, shown: str) -> None:
    assert Redaction().text(text) == shown


def test_every_text_of_a_document_is_redacted() -> None:
    address, shown = "http://u:p@h", "http://***@h"
    document = {"a": [address, 1, None, {"b": address, address: True}]}

    assert Redaction().document(document) == {"a": [shown, 1, None, {"b": shown, shown: True}]}


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
