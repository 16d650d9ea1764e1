"""Sending messages with a command or with the package Apprise."""

from __future__ import annotations

import io
import logging
import os
import signal
import subprocess
import threading
from contextlib import suppress

from mlrun_cli.errors import InvalidValue
from mlrun_cli.notifications.address import COMMAND, build_variable_name, redact_address_in_text, split_command
from mlrun_cli.notifications.apprise_library import load_apprise
from mlrun_cli.notifications.spool import NotificationMessage

_TIMEOUT_SECONDS = 60.0
_TOOK_TOO_LONG = f"it took longer than {_TIMEOUT_SECONDS:g} s."
_MAX_LETTERS = 300
_MAX_LETTERS_OF_VARIABLE = 30_000
"""Linux takes 128 KiB for one variable."""


class SendingFailed(Exception):
    """A message could not be sent; the text gives the reason, without the address."""


def send_message(address: str, message: NotificationMessage) -> None:
    """Send a message by the command in an address or, if the address is a URL, with Apprise.

    Raises:
        SendingFailed: it was not sent.
    """
    try:
        if address.startswith(COMMAND):
            _run_command(address, message)
        else:
            _send_with_apprise(address, message)
    except SendingFailed as error:
        raise SendingFailed(" ".join(str(error).split())[:_MAX_LETTERS] or "it was refused.") from None


def _run_command(address: str, message: NotificationMessage) -> None:
    """Run the command of an address without a shell, with the message on its standard input.

    What it prints may contain its arguments, so only its exit code is told.
    """
    variables = {build_variable_name(name): value[:_MAX_LETTERS_OF_VARIABLE] for name, value in message.values.items()}
    try:
        words = [_fill_placeholders(word, message) for word in split_command(address)]
        process = subprocess.Popen(
            words,
            env={**os.environ, **variables},
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
    except InvalidValue as error:
        raise SendingFailed(str(error)) from error
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None)
        raise SendingFailed(f"{type(error).__name__}{f': {reason}' if reason else ''}.") from error
    try:
        process.communicate(message.text.encode(), timeout=_TIMEOUT_SECONDS)
    except subprocess.TimeoutExpired as error:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)  # what it has started, too
        process.wait()
        raise SendingFailed(_TOOK_TOO_LONG) from error
    if process.returncode:
        raise SendingFailed(f"the command ended with exit code {process.returncode}.")


def _fill_placeholders(argument: str, message: NotificationMessage) -> str:
    """Return a command's argument with placeholders such as `{run}` replaced with the message's values."""
    for name, value in message.values.items():
        argument = argument.replace(f"{{{name}}}", value)
    return argument


def _send_with_apprise(address: str, message: NotificationMessage) -> None:
    """Send a message with Apprise in another thread, which is abandoned after a timeout."""
    failures: list[str] = []

    def send() -> None:
        told = io.StringIO()
        handler = logging.StreamHandler(told)
        thread = threading.get_ident()
        handler.addFilter(lambda record: record.thread == thread)
        logger = logging.getLogger("apprise")
        logger.addHandler(handler)
        logger.setLevel(logging.WARNING)
        try:
            sender = load_apprise().Apprise()
            if not (sender.add(address) and sender.notify(title=message.title, body=message.text, body_format="text")):
                failures.append(told.getvalue())
        except Exception as error:  # a package of strangers
            failures.append(f"{type(error).__name__}: {error}")
        finally:
            logger.removeHandler(handler)

    sending = threading.Thread(target=send, daemon=True)
    sending.start()
    sending.join(_TIMEOUT_SECONDS)
    if sending.is_alive():
        raise SendingFailed(_TOOK_TOO_LONG)
    if failures:
        raise SendingFailed(redact_address_in_text(failures[0], address))
