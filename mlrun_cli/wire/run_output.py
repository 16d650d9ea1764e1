"""Texts around the logs of a run that somebody follows, and logs made safe for a terminal."""

from typing import Iterable


def format_title(log_name: str) -> str:
    """Return the title of a log, with a line of its own below it."""
    title = f"Streaming {log_name}"
    return f"{title}\n{'=' * len(title)}\n"


def format_head(run_id: str, url: str) -> str:
    """Return the lines above the logs."""
    return f"RunId: {run_id}\nWeb View: {url}"


def format_summary(run_id: str, url: str, lines: Iterable[str]) -> str:
    """Return the lines below the logs: a title, the run, and how it ended."""
    return "\n".join(["", "Execution Summary", "=================", format_head(run_id, url), *lines, ""])


def make_printable(text: str) -> str:
    r"""Escape control characters of terminals: the escape character becomes the four characters `\x1b`."""
    if text.isprintable():
        return text
    return "".join(character if character.isprintable() else _spell_out(character) for character in text)


def make_lines_printable(text: str) -> str:
    """Escape control characters of terminals, except line breaks."""
    return "\n".join(make_printable(line) for line in text.split("\n"))


def _spell_out(character: str) -> str:
    return character.encode("unicode_escape").decode("ascii")
