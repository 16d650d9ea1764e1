"""State that a forked child process must not share with its parent."""

import os
from weakref import WeakSet


class ForkAware:
    """Base class of objects whose open files or locks must be reset in a forked child process."""

    def reset_after_fork(self) -> None:
        """Close or replace the inherited resources; called in the child before it uses any of them."""
        raise NotImplementedError


_fork_aware: "WeakSet[ForkAware]" = WeakSet()


def register_fork_aware(resource: ForkAware) -> None:
    """Register an object whose `reset_after_fork()` is called in every forked child."""
    _fork_aware.add(resource)


def _reset_registered_objects() -> None:
    for one in list(_fork_aware):
        one.reset_after_fork()


HAS_FORK_HOOKS = hasattr(os, "register_at_fork")
_process = os.getpid()


def reset_if_forked() -> None:
    """Reset the registered objects in a forked child of Python 3.6; call this before using their files or locks.

    Only Python 3.6, which has no fork hooks, needs the call; later versions do this automatically.
    """
    global _process  # noqa: PLW0603 - the process that this module's state belongs to
    if not HAS_FORK_HOOKS and _process != os.getpid():
        _reset_registered_objects()
        _process = os.getpid()


if HAS_FORK_HOOKS:
    os.register_at_fork(after_in_child=_reset_registered_objects)  # novm
