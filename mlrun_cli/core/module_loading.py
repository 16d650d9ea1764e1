"""The loading of all modules of a program at its start."""

from __future__ import annotations

import gc


def suspend_garbage_collection() -> None:
    """Suspend garbage collection until `runtime.program_start.detach_program`, since modules are never freed.

    Only the Python implementation of `datetime` is, 0.2 MB that the one in C replaces, and is collected before there
    are many other objects.
    """
    gc.disable()
    import datetime  # noqa: F401, PLC0415

    gc.collect()
