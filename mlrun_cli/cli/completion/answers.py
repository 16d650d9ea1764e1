"""Responses to a shell that requests completions, in the protocol of Typer's completion scripts.

A shell starts the program with the words typed so far in variables. The answer must be quick, and nothing may be
printed besides it: an error is no answer.
"""

from __future__ import annotations

import os
import sys
from collections.abc import MutableMapping
from contextlib import suppress

from typer.completion import completion_init  # type: ignore[attr-defined]
from typer.core import TyperGroup

from mlrun_cli.cli.program import get_completion_variable


def answer_shell(tree: TyperGroup, program: str) -> int:
    """Print the completions for the words in the environment; return the exit code."""
    # Typer renders help texts with rich if it finds it: slow, and brackets in the names of runs are no markup.
    sys.modules["rich"] = None  # type: ignore[assignment]
    _join_option_values(os.environ)
    with open(os.devnull, "w", encoding="utf-8") as nowhere:
        sys.stderr = nowhere
        try:
            completion_init()
            tree.main(prog_name=program, complete_var=get_completion_variable(program))
        except SystemExit as end:
            exit_code = end.code if isinstance(end.code, int) else 1
        except BaseException:  # a shell would show it in the middle of the line
            exit_code = 1
        with suppress(OSError, ValueError):
            sys.stdout.flush()
    return exit_code


def _join_option_values(environment: MutableMapping[str, str]) -> None:
    """Remove the `=` that bash separates from an option and its value."""
    words = environment.get("COMP_WORDS", "").split("\n")
    try:
        current = int(environment["COMP_CWORD"])
    except (KeyError, ValueError):
        return
    kept: list[str] = []
    for number, word in enumerate(words[: current + 1]):
        is_separator = word == "=" and number > 0 and words[number - 1].startswith("--")
        if not is_separator:
            kept.append(word)
        elif number == current:
            kept.append("")
    environment["COMP_WORDS"] = "\n".join(kept)
    environment["COMP_CWORD"] = str(len(kept) - 1)
