"""Sending messages with a command or with the package Apprise."""

from __future__ import annotations

import io
import logging
import os
import re
import signal
import subprocess
import threading
from contextlib import suppress
from contextvars import ContextVar

from mlrun_cli.errors import InvalidValue
from mlrun_cli.notifications.address import COMMAND, build_variable_name, redact_address_in_text, split_command
from mlrun_cli.notifications.apprise_library import load_apprise
from mlrun_cli.notifications.spool import NotificationMessage

_TIMEOUT_SECONDS = 60.0
_TOOK_TOO_LONG = f"it took longer than {_TIMEOUT_SECONDS:g} s."
_MAX_LETTERS = 300
_MAX_LETTERS_OF_VARIABLE = 30_000
"""Linux takes 128 KiB for one variable."""
_FAILURES: ContextVar[io.StringIO | None] = ContextVar("failures", default=None)
"""What Apprise logs of one message goes here; it passes its caller's context to the threads that log."""
_EXCEPTION = re.compile(r"[\w./ -]*\bexception: *", re.IGNORECASE)
_CAUSE = re.compile(r".*\(Caused by \w+\((?:['\"](?:<[^>]*>|\w+\([^)]*\)): )?(.*?)['\"]?\)\)$", re.DOTALL)
_REPLY_OF_SERVER = re.compile(r"\((\d{3}), b(['\"])(.*?)\2\)")


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


class _FailureHandler(logging.StreamHandler[io.StringIO]):
    """A handler that keeps warnings about one message, and the exceptions behind them, which are logged as details."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Return True for a warning or an exception of this handler's message."""
        is_reason = record.levelno >= logging.WARNING or _EXCEPTION.match(record.getMessage()) is not None
        return is_reason and _FAILURES.get() is self.stream

    def format(self, record: logging.LogRecord) -> str:
        """Return the text without names of classes and objects."""
        text = (
            _EXCEPTION.sub("", record.getMessage(), count=1)
            if record.levelno < logging.WARNING
            else record.getMessage()
        )
        return _REPLY_OF_SERVER.sub(r"\1 \3", _CAUSE.sub(r"\1", text))


def _send_with_apprise(address: str, message: NotificationMessage) -> None:
    """Send a message with Apprise in another thread, which is abandoned after a timeout."""
    failures: list[str] = []

    def send() -> None:
        told = io.StringIO()
        _FAILURES.set(told)
        handler = _FailureHandler(told)
        logger = logging.getLogger("apprise")
        logger.addHandler(handler)
        logger.setLevel(logging.DEBUG)
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
