"""Root's command in the home of another user: it goes on as that user, whose code must not run as root."""

from __future__ import annotations

import os
import pwd
import sys
from pathlib import Path

_PACKAGE = Path(__file__).parents[1]


def become_home_owner(home: Path) -> str | None:
    """Switch this process from root to the user who owns a home, and return the user's name; None if nothing changed.

    Nothing changes if root owns the home, or if the owner has no name on this system, as in a container, or may not use
    what this process needs: the interpreter, this package, the home, the current folder.
    """
    try:
        owner = pwd.getpwuid(home.stat().st_uid)
        groups = os.getgrouplist(owner.pw_name, owner.pw_gid)
    except (KeyError, OSError):
        return None
    if owner.pw_uid == 0:
        return None
    before = os.getgroups(), os.getegid()
    os.setgroups(groups)
    os.setegid(owner.pw_gid)
    os.seteuid(owner.pw_uid)
    is_usable = _is_usable(home)
    os.seteuid(0)
    if not is_usable:
        os.setegid(before[1])
        os.setgroups(before[0])
        return None
    os.setgid(owner.pw_gid)
    os.setuid(owner.pw_uid)
    return owner.pw_name


def _is_usable(home: Path) -> bool:
    needed = ((sys.executable, os.X_OK), (_PACKAGE / "__init__.py", os.R_OK), (".", os.X_OK), (home, os.W_OK | os.X_OK))
    return all(os.access(path, mode, effective_ids=True) for path, mode in needed)
