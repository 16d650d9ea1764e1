"""Reporting of exceptions to the user on stderr, as text, or as JSON if `MLRUN_ERROR_FORMAT` is `json`."""

from __future__ import annotations

import errno
import os
import sys
import traceback

from mlrun_cli.cli.output.messages import Messages, wants_colour
from mlrun_cli.errors import InternalError, MlrunError, NotFound, OperatingSystemError, StoreError, TimedOut, UsageError

FORMAT_VARIABLE = "MLRUN_ERROR_FORMAT"

_FORMATS = ("text", "json")
_ROOM = "Make room, then try again."
_OTHER_PLACE = "Choose a place that you may write to; MLRUN_HOME says where runs are kept."
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
    errno.EIO: "The disk, or the network it is on, has failed.",
}
"""Hints for errors of the operating system, which are not bugs in this program."""


def report_error(exception: Exception, *, debug: bool) -> int:
    """Print an exception to stderr, as one to three lines of text or one line of JSON, and return the exit code.

    Args:
        exception: the exception that was raised.
        debug: whether to print its traceback and error code too.
    """
    error = to_mlrun_error(exception)
    _add_full_disk_hint(error)
    error_format = os.environ.get(FORMAT_VARIABLE) or "text"
    try:
        if debug:
            traceback.print_exception(exception)
        messages = Messages(sys.stderr, colour=_wants_colour())
        if error_format == "json":
            messages.json_error(error)
            return error.exit_code
        messages.error(error)
        if debug:
            messages.info(f"Error code: {error.code}. Exit code: {error.exit_code}.")
        if error_format not in _FORMATS:
            messages.warning(f"{FORMAT_VARIABLE} is '{error_format}'. Use {' or '.join(_FORMATS)}.")
    except BrokenPipeError:
        pass
    return error.exit_code


def to_mlrun_error(exception: Exception) -> MlrunError:
    """Convert an exception to the MlrunError to show for it."""
    if isinstance(exception, MlrunError):
        return exception
    from mlrun_cli.store.db.database import is_driver_error  # noqa: PLC0415 - not on the way of what succeeds

    if is_driver_error(exception):
        return StoreError(f"The workspace's database cannot be used: {exception}.", hint="Add --debug for more.")
    if isinstance(exception, OSError) and exception.errno in _REMEDIES:
        file = None if exception.filename is None else os.fsdecode(exception.filename)
        what = f"{exception.strerror}." if file is None else f"{exception.strerror}: {file}."
        return OperatingSystemError(what, hint=_REMEDIES[exception.errno], target=file)
    what = " ".join(f"{type(exception).__name__}: {exception}".split())
    return InternalError(f"This is a bug in mlrun-cli: {what}", hint="Please report it; --debug shows more.")


def _add_full_disk_hint(error: MlrunError) -> None:
    """Add to an error's hint that the home folder's disk is full, if that may be the cause."""
    from mlrun_cli.actions.workspaces import get_home  # noqa: PLC0415 - not on the way of what succeeds
    from mlrun_cli.core.disk_space import describe_full_disk  # noqa: PLC0415

    full = None if isinstance(error, UsageError | NotFound | TimedOut) else describe_full_disk(get_home())
    if full is not None and full not in f"{error.message} {error.hint}":
        error.hint = f"{full[0].upper()}{full[1:]}. {error.hint or ''}".rstrip()


def _wants_colour() -> bool:
    try:
        return wants_colour(sys.stderr)
    except MlrunError:  # az's config file, asked about colours, cannot be read
        return False
