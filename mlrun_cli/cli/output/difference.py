"""Printing of the difference between two runs: values line by line, then the patch of the source files."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator

from mlrun_cli.actions.run_difference import RunDifference
from mlrun_cli.cli.output.messages import wants_colour
from mlrun_cli.wire.run_output import make_printable

_RED, _GREEN, _CYAN, _BOLD, _PLAIN = "\033[31m", "\033[32m", "\033[36m", "\033[1m", "\033[0m"
_COLOURS = {b"-": _RED, b"+": _GREEN, b"@": _CYAN, b" ": "", b"\\": ""}


def print_difference(difference: RunDifference) -> None:
    """Print a difference to stdout; on a terminal, with colours and through a pager.

    Elsewhere the patch has the bytes of the files. No line of the other parts looks like one of a patch.
    """
    if sys.stdout.isatty():
        from mlrun_cli.cli.output.pager import print_text  # noqa: PLC0415 - only a terminal needs it

        print_text("".join(_format_for_terminal(difference, has_colour=wants_colour(sys.stdout))))
        return
    sys.stdout.write("".join(f"{line}\n" for _, line in _format_value_changes(difference)))
    sys.stdout.flush()
    for _, patch in difference.code or ():
        sys.stdout.buffer.write(patch.text)
    sys.stdout.buffer.flush()


def _format_for_terminal(difference: RunDifference, *, has_colour: bool) -> Iterator[str]:
    def add_colour(text: str, code: str) -> str:
        return f"{code}{text}{_PLAIN}\n" if has_colour and code else f"{text}\n"

    for code, text in _format_value_changes(difference):
        yield add_colour(text, code)
    for _, patch in difference.code or ():
        for header in patch.header.splitlines():
            yield add_colour(_make_printable(header), _BOLD)
        for line in patch.diff.hunks.split(b"\n")[:-1]:
            yield add_colour(_make_printable(line), _COLOURS[line[:1]])


def _make_printable(line: bytes) -> str:
    """Return a line without terminal control characters, except tabs."""
    return "\t".join(map(make_printable, line.decode("utf-8", "replace").split("\t")))


def _format_value_changes(difference: RunDifference) -> Iterator[tuple[str, str]]:
    """Yield a colour code and a line for each heading and value of all parts except the source code."""
    if not any(difference.values.values()):
        return
    yield _BOLD, f"From {difference.before} to {difference.after}"
    for part, changes in difference.values.items():
        if changes:
            yield _BOLD, f"\n{part.capitalize()}"
        for change in changes:
            for sign, code, value in (("-", _RED, change.before), ("+", _GREEN, change.after)):
                if value is not None:
                    yield code, f"{sign} {make_printable(change.name)}: {_format_value(value)}"
    if difference.code:
        yield "", ""


def _format_value(value: object) -> str:
    return make_printable(value) if isinstance(value, str) else json.dumps(value)
