"""Delay of SIGINT, SIGTERM and SIGHUP during steps that must be completed."""

from __future__ import annotations

import signal


class Interruptions:
    """A context in which signals can be blocked; they are delivered after `unblock` or at the end of the context."""

    def __enter__(self) -> Interruptions:
        self._before = signal.pthread_sigmask(signal.SIG_BLOCK, ())
        return self

    def block(self) -> None:
        """Block the signals until `unblock`."""
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT, signal.SIGTERM, signal.SIGHUP})

    def unblock(self) -> None:
        """Unblock the signals, which delivers those that have arrived."""
        signal.pthread_sigmask(signal.SIG_SETMASK, self._before)

    def __exit__(self, *_: object) -> None:
        self.unblock()
