"""Delay of signals during steps that must be completed."""

from __future__ import annotations

import signal
from collections.abc import Collection

ENDING_SIGNALS = frozenset({signal.SIGINT, signal.SIGTERM, signal.SIGHUP})


class Interruptions:
    """A context in which signals can be blocked; they are delivered after `unblock` or at the end of the context.

    They are blocked in the calling thread; other threads are started by `start_background_thread`.
    """

    def __init__(self, signals: Collection[signal.Signals] = ENDING_SIGNALS) -> None:
        self._signals = signals

    def __enter__(self) -> Interruptions:
        self._before = signal.pthread_sigmask(signal.SIG_BLOCK, ())
        return self

    def block(self) -> None:
        """Block the signals of this context until `unblock` is called."""
        signal.pthread_sigmask(signal.SIG_BLOCK, self._signals)

    def unblock(self) -> None:
        """Unblock the signals of this context, which delivers those that have arrived."""
        signal.pthread_sigmask(signal.SIG_SETMASK, self._before)

    def have_arrived(self) -> bool:
        """Return whether blocked signals of this context are pending."""
        return not signal.sigpending().isdisjoint(self._signals)

    def __exit__(self, *_: object) -> None:
        self.unblock()
