"""Confirmation of irreversible actions on the terminal."""

from __future__ import annotations

import os
import select
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated

from mlrun_cli.cli.declarations import Option
from mlrun_cli.cli.global_options import GlobalOptions
from mlrun_cli.errors import ConfirmationRequired

Yes = Annotated[bool, Option("--yes", "-y", help="Do not ask for confirmation.")]
UnusedYes = Annotated[bool, Option("--yes", "-y", help="Accepted as by 'delete'; nothing is asked.")]

_ANSWERS = {"y": True, "yes": True, "n": False, "no": False, "": False}


def confirm(global_options: GlobalOptions, question: str, *, declined_message: str) -> None:
    """Ask for confirmation; unless the answer is yes, print `declined_message` and exit with code 1.

    Raises:
        UsageError: there is no terminal to ask on, or it is that of a CI job.
        SystemExit: the answer is no.
        KeyboardInterrupt: Ctrl-C was pressed, or the terminal was closed before an answer.
    """
    if not global_options.can_prompt:
        raise ConfirmationRequired(
            "This needs a confirmation, and there is nobody to ask.", hint="Add --yes to confirm."
        )
    while (is_yes := _ANSWERS.get(_read_answer(f"{question} [y/N]: ").strip().lower())) is None:
        global_options.notes.info("Answer y or n.")
    if not is_yes:
        global_options.notes.info(declined_message)
        sys.exit(1)


def confirm_on_terminal(
    global_options: GlobalOptions, question: str, *, yes: bool, declined_message: str = "Nothing was removed."
) -> None:
    """Ask for confirmation as `confirm` does, but only on a terminal and without `yes`; scripts and CI jobs go on.

    Raises:
        SystemExit: the answer is no.
        KeyboardInterrupt: Ctrl-C was pressed, or the terminal was closed before an answer.
    """
    if not yes and global_options.can_prompt:
        confirm(global_options, question, declined_message=declined_message)


def _read_answer(prompt: str) -> str:
    sys.stderr.write(prompt)
    sys.stderr.flush()
    line = ""
    try:
        with _open_signal_pipe() as arrived:
            while sys.stdin not in select.select([sys.stdin, arrived], [], [])[0]:
                pass
        line = sys.stdin.readline()
    finally:
        if not line:  # nobody has typed the end of the line
            sys.stderr.write("\n")
    if not line:
        raise KeyboardInterrupt
    return line


@contextmanager
def _open_signal_pipe() -> Iterator[int]:
    """Yield a file descriptor that becomes readable when a signal arrives, so that a wait for stdin can end early."""
    arrived, told = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)
    before = signal.set_wakeup_fd(told)
    try:
        yield arrived
    finally:
        signal.set_wakeup_fd(before)
        os.close(arrived)
        os.close(told)
