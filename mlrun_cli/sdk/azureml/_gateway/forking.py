"""What a child made by `fork` must not share with its parent."""

import os
from weakref import WeakSet


class Forgetful:
    """Holds something of this process alone, an open file or a lock, and lets go of it in a child."""

    def forget(self) -> None:
        """Close what came from the parent and begin afresh; called in the child, before it uses anything of it."""
        raise NotImplementedError


_forgetful: "WeakSet[Forgetful]" = WeakSet()


def forget_in_children(one: Forgetful) -> None:
    """Have `one.forget()` called in every child."""
    _forgetful.add(one)


def _forget_all() -> None:
    for one in list(_forgetful):
        one.forget()


_TELLS_OF_FORKS = hasattr(os, "register_at_fork")
_process = os.getpid()


def forget_if_forked() -> None:
    """Forget, in a child, what came from its parent: to be called before anything is used, and before its locks.

    It is for Python 3.6, which tells nobody of a fork; later ones have done it by then.
    """
    global _process  # noqa: PLW0603 - the process that this module's state belongs to
    if not _TELLS_OF_FORKS and _process != os.getpid():
        _forget_all()
        _process = os.getpid()


if _TELLS_OF_FORKS:
    os.register_at_fork(after_in_child=_forget_all)  # novm
