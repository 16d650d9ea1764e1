"""Addresses of notifications: `cmd:` with a command line, or a URL that Apprise understands."""

from __future__ import annotations

import re
import shlex
import sys
from importlib.util import find_spec

from mlrun_cli.core.redaction import REDACTED, Redaction
from mlrun_cli.errors import InvalidValue, ProgramNotFound

COMMAND = "cmd:"
_LEAST_LETTERS = 4


def check_address(address: str) -> None:
    """Check that notifications can be sent to an address; errors do not contain the address.

    Raises:
        InvalidValue: it is neither a command nor a URL of a known service.
        ProgramNotFound: it needs a package that is not installed.
    """
    if address.startswith(COMMAND):
        split_command(address)
        return
    scheme, separator, _ = address.partition("://")
    if not separator or not re.fullmatch(r"[A-Za-z][A-Za-z0-9+.-]*", scheme):
        raise InvalidValue(
            "This is not an address for notifications.",
            hint="Use cmd:'COMMAND', or a URL such as mailto://… or slack://….",
            target=redact_address(address),
        )
    if find_spec("apprise") is None:
        raise ProgramNotFound(
            f"Notifications to {redact_address(address)} need the package apprise, which is not installed.",
            hint=f"Install it: {sys.executable} -m pip install 'mlrun-cli[notify]'; or use cmd:'COMMAND'.",
            target="mlrun-cli[notify]",
        )
    from mlrun_cli.notifications.apprise_library import load_apprise  # noqa: PLC0415 - start-up

    if not load_apprise().Apprise().add(address):
        raise InvalidValue(
            f"{redact_address(address)} is not an address that Apprise understands.",
            hint="Its services and their URLs: https://github.com/caronc/apprise/wiki",
            target=redact_address(address),
        )


def split_command(address: str) -> list[str]:
    """Return the words of a `cmd:` address.

    Raises:
        InvalidValue: it has no words, or a quotation without an end.
    """
    try:
        words = shlex.split(address.removeprefix(COMMAND))
    except ValueError:
        words = []
    if not words:
        raise InvalidValue(
            "cmd: has no command, or a quotation in it has no end.",
            hint="Write it as cmd:'notify-send {run} {status}'.",
            target=COMMAND,
        )
    return words


def redact_address(address: str) -> str:
    """Return an address without secrets: a redacted command, or only the scheme of a URL."""
    if address.startswith(COMMAND):
        return Redaction().redact_value(address)
    scheme, separator, _ = address.partition("://")
    return f"{scheme}://{REDACTED}" if separator else REDACTED


def remove_address(text: str, address: str) -> str:
    """Return a text with all parts of an address redacted."""
    parts = {part for part in re.split(r"[:/@?&=,]+", address.partition(":")[2]) if len(part) >= _LEAST_LETTERS}
    for part in sorted(parts, key=len, reverse=True):
        text = text.replace(part, REDACTED)
    return text
