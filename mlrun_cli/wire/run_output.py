"""The header and summary printed with a run's logs, and escaping of logs for terminals."""

from typing import Iterable


def format_title(log_name: str) -> str:
    """Return the title of a log, underlined with equals signs."""
    title = f"Streaming {log_name}"
    return f"{title}\n{'=' * len(title)}\n"


def format_header(run_id: str, url: "str | None") -> str:
    """Return the header lines that show a run's id and, if there is one, its URL."""
    return f"RunId: {run_id}" if url is None else f"RunId: {run_id}\nWeb View: {url}"


def format_summary(run_id: str, url: "str | None", lines: Iterable[str]) -> str:
    """Return the summary printed below the logs: a title, the run's id and URL, and the given lines."""
    return "\n".join(["", "Execution Summary", "=================", format_header(run_id, url), *lines, ""])


def make_printable(text: str) -> str:
    r"""Return text with nonprintable characters escaped, such as the escape character as `\x1b`."""
    if text.isprintable():
        return text
    return "".join(character if character.isprintable() else _escape_character(character) for character in text)


def make_lines_printable(text: str) -> str:
    """Return text with nonprintable characters escaped, except line breaks."""
    return "\n".join(make_printable(line) for line in text.split("\n"))


def _escape_character(character: str) -> str:
    return character.encode("unicode_escape").decode("ascii")
