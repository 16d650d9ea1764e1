"""Delay of SIGINT, SIGTERM and SIGHUP while something must not be left half done."""

from __future__ import annotations

import signal


class Interruptions:
    """A context that ends with the signals as they were; those that were held back arrive then, or at `unblock`."""

    def __enter__(self) -> Interruptions:
        self._before = signal.pthread_sigmask(signal.SIG_BLOCK, ())
        return self

    def block(self) -> None:
        """Block the signals until `release`."""
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT, signal.SIGTERM, signal.SIGHUP})

    def unblock(self) -> None:
        """Unblock the signals."""
        signal.pthread_sigmask(signal.SIG_SETMASK, self._before)

    def __exit__(self, *_: object) -> None:
        self.unblock()
