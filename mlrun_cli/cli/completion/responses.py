"""Responses to a shell that requests completions, in the protocol of Typer's completion scripts.

A shell starts the program with the words typed so far in variables. The answer must be quick, and nothing may be
printed besides it: an error is no answer.
"""

from __future__ import annotations

import io
import os
import re
import sys
from collections.abc import MutableMapping, Sequence
from contextlib import redirect_stdout, suppress

from typer.completion import completion_init  # type: ignore[attr-defined]
from typer.core import TyperGroup

from mlrun_cli.cli.program import get_completion_variable

_ONLY_PAIR_IN_ZSH = r"""^_arguments '\*: :\(\("([^"']+=)"\)\)'"""


def print_completions(tree: TyperGroup, program: str) -> int:
    """Print completions for the command line in the shell's environment variables; return the exit code."""
    # Typer renders help texts with rich if it finds it: slow, and brackets in the names of runs are no markup.
    sys.modules["rich"] = None  # type: ignore[assignment]
    _rejoin_option_values(os.environ)
    variable = get_completion_variable(program)
    answer = io.StringIO()
    with open(os.devnull, "w", encoding="utf-8") as nowhere:
        sys.stderr = nowhere
        try:
            with redirect_stdout(answer):
                completion_init()
                tree.main(prog_name=program, complete_var=variable)
        except SystemExit as end:
            exit_code = end.code if isinstance(end.code, int) else 1
        except BaseException:  # a shell would show it in the middle of the line
            exit_code = 1
        text = answer.getvalue()
        with suppress(OSError, ValueError, KeyError):
            adapt = {"complete_bash": _escape_for_bash, "complete_zsh": _adapt_to_zsh}.get(os.environ[variable])
            sys.stdout.write(text if adapt is None else adapt(text))
            sys.stdout.flush()
    return exit_code


def _escape_for_bash(completions: str) -> str:
    """Return completions, one per line, quoted so that bash reads each of them as one word."""
    quote = _find_open_quote(os.environ["COMP_WORDS"].split("\n")[int(os.environ["COMP_CWORD"]) :])
    values = completions.splitlines()
    if quote == '"':
        values = [value for value in values if "!" not in value]  # bash would look for it in its history
    elif not quote:
        values = list(map(_escape, values))
    return "".join(f"{value}\n" for value in values)


def _adapt_to_zsh(completions: str) -> str:
    """Return completions for zsh, with apostrophes preserved and no space after a single one that ends with `=`."""
    # Typer doubles apostrophes between apostrophes, which zsh reads as none.
    with_apostrophes = completions.replace("''", r"'\''")
    return re.sub(_ONLY_PAIR_IN_ZSH, r"compadd -S '' -- '\1'", with_apostrophes)


def _find_open_quote(command_words: Sequence[str]) -> str:
    """Return the quote that is open at the end of the first word, or an empty string."""
    quote = ""
    for found in re.finditer(r"\\.|['\"]", command_words[0] if command_words else ""):
        mark = found.group()
        if not quote and mark in "'\"":
            quote = mark
        elif mark[-1] == quote and quote in {mark, "'"}:
            quote = ""
    return quote


def _escape(value: str) -> str:
    return re.sub(r"[^\w@%+=:,./-]", r"\\\g<0>", value)


def _rejoin_option_values(environ: MutableMapping[str, str]) -> None:
    """Rejoin options and values that bash has split at `=` in `COMP_WORDS`."""
    words = environ.get("COMP_WORDS", "").split("\n")
    try:
        current = int(environ["COMP_CWORD"])
    except (KeyError, ValueError):
        return
    kept: list[str] = []
    for number, word in enumerate(words[: current + 1]):
        is_separator = word == "=" and number > 0 and words[number - 1].startswith("--")
        if not is_separator:
            kept.append(word)
        elif number == current:
            kept.append("")
    environ["COMP_WORDS"] = "\n".join(kept)
    environ["COMP_CWORD"] = str(len(kept) - 1)
