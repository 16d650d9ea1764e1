"""Progress messages on a terminal while a command waits or copies."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import TYPE_CHECKING

from mlrun_cli.core.sizes import format_size

if TYPE_CHECKING:
    from rich.status import Status

    from mlrun_cli.cli.global_options import GlobalOptions

_TIMEOUT_SECONDS = 1.0


class Spinner:
    """A spinner with a text, shown after waiting for a second and erased before other output."""

    def __init__(self, *, enabled: bool) -> None:
        self._enabled = enabled
        self._since: float | None = None
        self._status: Status | None = None

    def update(self, text: str) -> None:
        """Show or update the text beside the spinner; to be called repeatedly."""
        if not self._enabled:
            return
        moment = time.monotonic()
        self._since = self._since or moment
        if self._status is not None:
            self._status.update(f"{text} ({int(moment - self._since)} s)")
        elif moment - self._since > _TIMEOUT_SECONDS:
            self._start(text)

    def stop(self) -> None:
        """Stop the spinner and erase it."""
        self._since = None
        if self._status is not None:
            self._status.stop()
            self._status = None

    def _start(self, text: str) -> None:
        from rich.console import Console  # noqa: PLC0415

        from mlrun_cli.processes.interruptions import Interruptions  # noqa: PLC0415

        self._status = Console(stderr=True, markup=False, highlight=False).status(text)
        with Interruptions() as interruptions:
            interruptions.block()  # in its thread: signals that arrive there interrupt what the command has protected
            self._status.start()

    def __enter__(self) -> Spinner:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()


@contextmanager
def show_copy_progress(global_options: GlobalOptions, *, hidden: bool = False) -> Iterator[None]:
    """Show the number of copied bytes during the block.

    Args:
        global_options: the global options.
        hidden: whether the user has switched progress off.
    """
    from mlrun_cli.wire.copying import report_copied_bytes  # noqa: PLC0415 - it is imported by what copies, and not by all else

    total = 0

    def add_copied_bytes(byte_count: int) -> None:
        nonlocal total
        total += byte_count
        spinner.update(f"Copying: {format_size(total)}")

    with (
        Spinner(enabled=global_options.shows_progress and not hidden) as spinner,
        report_copied_bytes(add_copied_bytes),
    ):
        yield
