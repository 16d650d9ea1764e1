"""A submitted run, from the point of view of the submitting process."""

from __future__ import annotations

from collections.abc import Callable

from mlrun_cli.core.named_tuple import NamedTuple
from mlrun_cli.core.owned_file import OwnedFile
from mlrun_cli.core.redaction import Redactor
from mlrun_cli.runs.run import Run
from mlrun_cli.runs.script_input import ScriptInput

Progress = Callable[[int, int], None]
"""A function that is called with the numbers of files and bytes of the snapshot that are done."""


class Submitted(NamedTuple):
    """A submitted run.

    Attributes:
        run: the run as recorded.
        notes: lines for stderr.
        details: lines about the runconfig, environment and snapshot, for `--verbose`.
        stream_lock: the lock of a run that ends with its stream; held until the stream has ended normally.
        script_input: the standard input of the script, if it has one; filled by the process that streams the run.
        redactor: the redactor of the script's secrets, if there is one, for what is published of the run's log.
    """

    run: Run
    notes: tuple[str, ...]
    details: tuple[str, ...]
    stream_lock: OwnedFile | None = None
    script_input: ScriptInput | None = None
    redactor: Redactor | None = None
