"""Sending messages with a command or with the package Apprise."""

from __future__ import annotations

import io
import logging
import subprocess

from mlrun_cli.errors import InvalidValue
from mlrun_cli.notifications.address import COMMAND, remove_address, split_command
from mlrun_cli.notifications.apprise_library import load_apprise
from mlrun_cli.notifier.message import Message

_PATIENCE_SECONDS = 60.0
_MOST_LETTERS = 300


class SendingFailed(Exception):
    """A message could not be sent; the text gives the reason, without the address."""


def send_message(address: str, message: Message) -> None:
    """Send a message to an address.

    Raises:
        SendingFailed: it was not sent.
    """
    try:
        if address.startswith(COMMAND):
            _run_command(address, message)
        else:
            _send_by_apprise(address, message)
    except SendingFailed as error:
        text = " ".join(remove_address(str(error), address).split())
        raise SendingFailed(text[:_MOST_LETTERS] or "it was refused.") from None


def _run_command(address: str, message: Message) -> None:
    """Run the command of an address without a shell, with the message on its standard input."""
    try:
        words = [_fill_in(word, message) for word in split_command(address)]
        done = subprocess.run(
            words, input=message.text.encode(), capture_output=True, timeout=_PATIENCE_SECONDS, check=False
        )
    except (InvalidValue, OSError, ValueError, subprocess.TimeoutExpired) as error:
        raise SendingFailed(str(error)) from error
    if done.returncode:
        said = done.stderr.decode("utf-8", "replace")
        raise SendingFailed(f"the command ended with exit code {done.returncode}: {said}")


def _fill_in(word: str, message: Message) -> str:
    for name, value in message.values.items():
        word = word.replace(f"{{{name}}}", value)
    return word


def _send_by_apprise(address: str, message: Message) -> None:
    told = io.StringIO()
    handler = logging.StreamHandler(told)
    logger = logging.getLogger("apprise")
    logger.addHandler(handler)
    logger.setLevel(logging.WARNING)
    try:
        sender = load_apprise().Apprise()
        is_sent = sender.add(address) and sender.notify(title=message.title, body=message.text, body_format="text")
    except Exception as error:  # a package of strangers
        raise SendingFailed(f"{type(error).__name__}: {error}") from error
    finally:
        logger.removeHandler(handler)
    if not is_sent:
        raise SendingFailed(told.getvalue())
