"""How many files a dispatcher may have open: one for each run that it has started."""

from __future__ import annotations

import resource
from collections.abc import Iterator
from contextlib import contextmanager, suppress


class OpenFiles:
    """The limit of this process: as high as it may be, for itself alone."""

    def __init__(self) -> None:
        self._before = resource.getrlimit(resource.RLIMIT_NOFILE)

    def raise_limit(self) -> None:
        """Have as many as the system gives this user."""
        _, most = self._before
        with suppress(OSError, ValueError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))

    @contextmanager
    def as_before(self) -> Iterator[None]:
        """What is started within has the limit that this process began with: a script's is none of the dispatcher's."""
        raised = resource.getrlimit(resource.RLIMIT_NOFILE)
        with suppress(OSError, ValueError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (self._before[0], raised[1]))
        try:
            yield
        finally:
            with suppress(OSError, ValueError):
                resource.setrlimit(resource.RLIMIT_NOFILE, raised)
