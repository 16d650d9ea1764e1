"""A command line, run: the one place where an error becomes a sentence and an exit code."""

from __future__ import annotations

import codecs
import errno
import io
import os
import re
import sys
import traceback
from collections.abc import Sequence
from difflib import get_close_matches
from typing import Any, TextIO

import typer
from typer.core import TyperGroup

from mlrun_cli.cli.abbreviation import names_beginning
from mlrun_cli.cli.command import Invocation
from mlrun_cli.cli.output.messages import Notes, wants_colour
from mlrun_cli.cli.program import INTERRUPTED, Terminated
from mlrun_cli.errors import MlrunError, NotFound, StoreError, TimedOut, UsageError

BROKEN_PIPE = 141

_EXTRA_WORDS = "Got unexpected extra argument(s) ("
_NAME_THE_RUN = "Name the run with -r, as in '-r @latest'. "

_ROOM = "Make room, then try again."
_OTHER_PLACE = "Choose a place that you may write; MLRUN_HOME says where runs are kept."
_PERMISSION = "Check its permissions ('ls -ld'), or choose another place; MLRUN_HOME says where runs are kept."
_REMEDIES = {
    errno.ENOSPC: _ROOM,
    errno.EDQUOT: _ROOM,
    errno.EFBIG: "Raise the limit of this shell ('ulimit -f'), then try again.",
    errno.EROFS: _OTHER_PLACE,
    errno.EACCES: _PERMISSION,
    errno.EPERM: _PERMISSION,
    errno.EMFILE: "Raise the limit of this shell ('ulimit -n'), then try again.",
    errno.ENFILE: "Close some programs, then try again.",
    errno.ENAMETOOLONG: "Choose a shorter name.",
    errno.ELOOP: "Correct the symbolic link: it leads back to itself.",
    errno.EIO: "The disk, or the network it is on, is at fault.",
}
"""What to do about errors of the operating system, which are no bug of this program."""


def run(tree: TyperGroup, words: Sequence[str], *, program: str = "mlrun") -> int:
    """Run a command line, whatever happens, and give its exit code.

    Raises:
        Terminated: a signal has ended it.
    """
    _prepare_streams()
    invocation = Invocation()
    try:
        exit_code = _invoke(tree, words, program, invocation)
        sys.stdout.flush()
    except BrokenPipeError:
        exit_code = BROKEN_PIPE
    except Terminated:
        _leave_streams()
        raise
    except KeyboardInterrupt:
        exit_code = INTERRUPTED
    except Exception as error:  # the one error boundary
        exit_code = _report(error, invocation)
    _leave_streams()
    return exit_code


def _invoke(tree: TyperGroup, words: Sequence[str], program: str, invocation: Invocation) -> int:
    try:
        with tree.make_context(program, list(words), obj=invocation) as context:
            returned = tree.invoke(context)
            return returned if isinstance(returned, int) else 0
    except typer.Exit as asked:
        return asked.exit_code
    except typer.Abort:
        return INTERRUPTED


def _report(error: Exception, invocation: Invocation) -> int:
    """Say on stderr what went wrong, in one to three lines, and give the exit code."""
    told = _as_sentence(error)
    _name_full_disk(told)
    try:
        if invocation.debug:
            traceback.print_exception(error)
        Notes(sys.stderr, colour=wants_colour(sys.stderr)).error(told)
    except MlrunError:  # az's config file, asked about colours, is what is broken
        Notes(sys.stderr).error(told)
    except BrokenPipeError:
        pass
    return told.exit_code


def _name_full_disk(error: MlrunError) -> None:
    """Say that the disk of what this program keeps is full, where that may be why something failed."""
    from mlrun_cli.actions.workspaces import home  # noqa: PLC0415 - not on the way of what succeeds
    from mlrun_cli.core.disk_room import describe_full_disk  # noqa: PLC0415

    full = None if isinstance(error, UsageError | NotFound | TimedOut) else describe_full_disk(home())
    if full is not None and full not in f"{error.message} {error.hint}":
        error.hint = f"{full[0].upper()}{full[1:]}. {error.hint or ''}".rstrip()


def _as_sentence(error: Exception) -> MlrunError:
    if isinstance(error, MlrunError):
        return error
    if isinstance(error, typer.TyperException):
        return _usage_error(error)
    from mlrun_cli.store.db.database import is_driver_error  # noqa: PLC0415 - not on the way of what succeeds

    if is_driver_error(error):
        return StoreError(f"The workspace's database cannot be used: {error}.", hint="Try again with --debug for more.")
    if isinstance(error, OSError) and error.errno in _REMEDIES:
        place = "" if error.filename is None else f": {os.fsdecode(error.filename)}"
        return MlrunError(f"{error.strerror}{place}.", hint=_REMEDIES[error.errno])
    what = " ".join(f"{type(error).__name__}: {error}".split())
    return MlrunError(f"This is a bug in mlrun-cli: {what}", hint="Please report it; --debug shows more.")


def _usage_error(error: typer.TyperException) -> UsageError:
    """What is wrong with a command line, what to do about it, and where to read on."""
    context = getattr(error, "ctx", None)
    path = "mlrun" if context is None else " ".join(filter(None, [context.command_path, context.invoked_subcommand]))
    message, advice = error.format_message(), ""
    if message.startswith("No such option"):
        option: str = getattr(error, "option_name", "")
        message = f"There is no option '{option}' in '{path}'."
        advice = _advice_on_option(context, option, getattr(error, "possibilities", None) or ())
    elif message.startswith("Missing option '--run'"):
        message, advice = "No run is named.", _NAME_THE_RUN
    elif message.startswith(_EXTRA_WORDS):
        message = f"'{message.removeprefix(_EXTRA_WORDS).removesuffix(')')}' belongs to no option."
        advice = _NAME_THE_RUN if _lacks_run(context) else ""
    message = re.sub(r"a valid int(eger)?( range)?\b", "a whole number", message)
    return UsageError(message, hint=f"{advice}See '{path} -h'.")


def _advice_on_option(context: Any, option: str, possibilities: Sequence[str]) -> str:
    """The options that may be meant, which are not alike in their dashes alone; where a script's stand."""
    meant = [each for each in possibilities if get_close_matches(option.lstrip("-"), [each.lstrip("-")])][:1]
    if option.startswith("--"):
        meant = names_beginning(context.command.get_params(context), option) or meant
    guess = f"Did you mean {' or '.join(map(repr, meant))}? " if meant else ""
    takes_script = not context.allow_interspersed_args and not isinstance(context.command, TyperGroup)
    return guess + ("Options of the script come after its name. " if takes_script else "")


def _lacks_run(context: Any) -> bool:
    """Whether the command has `-r`, and none was typed."""
    return any("-r" in each.opts and not context.params.get(each.name) for each in context.command.params)


def _prepare_streams() -> None:
    """Make the three streams usable: there, and never at a loss for a character."""
    for name in ("stdin", "stdout", "stderr"):
        if getattr(sys, name) is None:
            nowhere = os.open(os.devnull, os.O_RDWR)
            setattr(sys, name, os.fdopen(nowhere, "r" if name == "stdin" else "w", encoding="utf-8"))
    codecs.register_error("mlrun.spell", _spell)
    assert isinstance(sys.stdout, io.TextIOWrapper)
    assert isinstance(sys.stderr, io.TextIOWrapper)
    sys.stderr.reconfigure(errors="mlrun.spell")
    if isinstance(sys.stdout.buffer, io.RawIOBase):  # `python -u`: what a short write leaves would be lost
        sys.stdout = os.fdopen(sys.stdout.fileno(), "w", encoding=sys.stdout.encoding, closefd=False)
    sys.stdout.reconfigure(errors="mlrun.spell")


def _spell(error: UnicodeError) -> tuple[str, int]:
    r"""A character that the stream cannot carry as JSON spells it: `\u00e9`."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    units = error.object[error.start : error.end].encode("utf-16-be", "surrogatepass")
    return "".join(f"\\u{units[at]:02x}{units[at + 1]:02x}" for at in range(0, len(units), 2)), error.end


def _leave_streams() -> None:
    """Write what is left; what cannot be written any more must not trouble the interpreter's end."""
    for stream in (sys.stdout, sys.stderr):
        _flush_or_discard(stream)


def _flush_or_discard(stream: TextIO) -> None:
    try:
        stream.flush()
    except OSError:
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, stream.fileno())
        os.close(nowhere)
