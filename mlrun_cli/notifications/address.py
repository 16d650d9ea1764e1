"""Addresses of notifications: `cmd:` with a command line, or a URL that Apprise understands."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import sys
from collections.abc import Iterator, Sequence
from importlib.util import find_spec
from urllib.parse import unquote

from mlrun_cli.core.redaction import REDACTED
from mlrun_cli.errors import InvalidValue, ProgramNotFound

COMMAND = "cmd:"
VALUES_OF_COMMANDS = ("run", "name", "experiment", "status", "duration", "title", "text")
"""The names of the values that a command gets, as `{run}` in its words and as a variable."""

_LEAST_LETTERS = 4
_CODE_OPTIONS = (
    (r"[a-z]*sh|su|runuser|python[\d.]*", r"-[A-Za-z]*c|--(session-)?command"),
    (r"perl|ruby|node|php", r"-[A-Za-z]*[eEr]|--eval"),
)
_QUOTED_TEXT = re.compile(r"""\\.|'[^']*'|"(\\.|[^"\\])*\"""", re.DOTALL)
_SHELL_OPERATOR = re.compile(r"([|&;<]|\|\||&&|\|&|;;|<<[-<]?)|((\d*|&)>[>&|]?).*")
"""A whole word; words such as `<b>` and addresses with `&` are left alone."""


def check_address(address: str) -> None:
    """Raise unless notifications can be sent to an address; errors do not contain the secrets of the address.

    Raises:
        InvalidValue: it is neither a command nor a URL of a known service, or a command that only a shell understands.
        ProgramNotFound: it needs a package that is not installed, or starts a program that does not exist.
    """
    if address.startswith(COMMAND):
        program = split_command(address)[0]
        _check_quotation(program)
        _check_shell_operators(address.removeprefix(COMMAND))
        _check_program(program)
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
    """Return the words of the command in a `cmd:` address.

    Raises:
        InvalidValue: it has no words, a quotation without an end, or values within code for a shell.
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
    for word in _iterate_code_words(words):
        found = re.search(rf"\{{({'|'.join(VALUES_OF_COMMANDS)})\}}", word)
        if found is not None:
            raise InvalidValue(
                f"{found[0]} is within code, where its text would be executed.",
                hint=f'Write "${build_variable_name(found[1])}" there, a variable that the command gets.',
                target=found[0],
            )
    return words


def _check_quotation(program: str) -> None:
    """Raise if the program of a command has spaces and does not exist: the quotes of a shell were kept."""
    if " " in program.strip() and shutil.which(program) is None:
        raise InvalidValue(
            "cmd: starts a program, and none has the first word, which has spaces, as its name.",
            hint="Leave out the quotes within the address: they make the command one word.",
            target=COMMAND,
        )


def _check_program(program: str) -> None:
    """Raise if the program of a command does not exist, or may not be executed."""
    if shutil.which(program) is None:
        shown = redact_address(f"{COMMAND}{shlex.quote(program)}").removeprefix(COMMAND)
        raise ProgramNotFound(
            f"cmd: starts a program, and there is no program '{shown}'.",
            hint="Install it, or write the path of a file that may be executed.",
            target=COMMAND,
        )


def _check_shell_operators(command: str) -> None:
    """Raise if a word of a command would be an operator of a shell, such as `>>`, and is not quoted."""
    for word in _QUOTED_TEXT.sub("_", command).split():
        if (found := _SHELL_OPERATOR.fullmatch(word)) is not None:
            operator = found[1] or found[2]
            raise InvalidValue(
                f"cmd: starts a program without a shell, which would get '{operator}' as an argument.",
                hint=f"Use cmd:sh -c 'COMMAND', with \"${build_variable_name('run')}\" for {{run}}; quote plain text.",
                target=operator,
            )


def build_variable_name(field_name: str) -> str:
    """Return the name of the environment variable that passes a field of the message to a command."""
    return f"MLRUN_NOTIFY_{field_name.upper()}"


def _iterate_code_words(command: Sequence[str]) -> Iterator[str]:
    """Yield the words of a command that a shell or another interpreter executes as code, as after `sh -c`."""
    for place, word in enumerate(command):
        program, after = os.path.basename(word), command[place + 1 :]
        if program == "ssh":  # the shell there gets all words, joined
            yield from after
        for interpreter, option in _CODE_OPTIONS:
            options = [index for index, each in enumerate(after) if re.match(option, each)]
            if options and re.fullmatch(interpreter, program):
                ends = (index for index in range(options[0], len(after)) if not after[index].startswith("-"))
                yield from after[options[0] : next(ends, len(after)) + 1]


def redact_address(address: str) -> str:
    """Return an address without secrets: only the program of a command, or only the scheme of a URL."""
    if address.startswith(COMMAND):
        return f"{COMMAND}{_redact_command(address.removeprefix(COMMAND))}"
    scheme, separator, _ = address.partition("://")
    return f"{scheme}://{REDACTED}" if separator else REDACTED


def _redact_command(command: str) -> str:
    try:
        program, *arguments = shlex.split(command)
    except ValueError:
        return REDACTED
    if "=" in program or "://" in program:  # it is none
        return REDACTED
    return f"{program} {REDACTED}" if arguments else program


def redact_address_in_text(text: str, address: str) -> str:
    """Return text in which the parts of an address of four or more characters, URL-decoded or not, are redacted."""
    quoted = re.split(r"[:/@?&=,;\s\"']+", address.partition(":")[2])
    parts = {part for each in quoted for part in (each, unquote(each)) if len(part) >= _LEAST_LETTERS}
    for part in sorted(parts, key=len, reverse=True):
        text = text.replace(part, REDACTED)
    return text
