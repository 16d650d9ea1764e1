"""What a child made by `fork` must not share with its parent."""

import os
from weakref import WeakSet


class Forgetful:
    """Holds something of this process alone, an open file or a lock, and lets go of it in a child."""

    def forget(self) -> None:
        """Close what came from the parent and begin afresh; called in the child, which has one thread."""
        raise NotImplementedError


_forgetful: "WeakSet[Forgetful]" = WeakSet()


def forget_in_children(one: Forgetful) -> None:
    """Have `one.forget()` called in every child."""
    _forgetful.add(one)


def _forget_all() -> None:
    for one in list(_forgetful):
        one.forget()


os.register_at_fork(after_in_child=_forget_all)
