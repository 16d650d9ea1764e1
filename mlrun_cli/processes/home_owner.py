"""Root's command in the home of another user: it goes on as that user, whose code must not run as root."""

from __future__ import annotations

import os
import pwd
import sys
from collections.abc import MutableMapping
from contextlib import suppress
from pathlib import Path

from mlrun_cli.core.home import HOME_VARIABLE

_PACKAGE = Path(__file__).parents[1]


def become_home_owner(home: Path, environ: MutableMapping[str, str]) -> str | None:
    """Switch this process from root to the user who owns a home, and return the user's name; None if nothing changed.

    Nothing changes if root owns the home, if the owner has no name on this system, as in a container, or may not use
    what this process needs: the interpreter, this package, the home, the current folder; nor if root may not become
    others, as in a container without capabilities, or in a user namespace.

    Args:
        home: the folder of all workspaces.
        environ: the process's environment variables. As with `su`, those that name the user are changed if the owner
            may not use the folder in `HOME`, where programs keep their settings and caches.
    """
    try:
        owner = pwd.getpwuid(home.stat().st_uid)
        groups = os.getgrouplist(owner.pw_name, owner.pw_gid)
    except (KeyError, OSError):
        return None
    if owner.pw_uid == 0 or not _try_to_become(owner, groups, home):
        return None
    if not os.access(environ.get("HOME", ""), os.R_OK | os.W_OK | os.X_OK):
        environ[HOME_VARIABLE] = str(home)  # it may depend on HOME
        environ.update(HOME=owner.pw_dir, USER=owner.pw_name, LOGNAME=owner.pw_name)
    return owner.pw_name


def _try_to_become(owner: pwd.struct_passwd, groups: list[int], home: Path) -> bool:
    """Change the user and groups of this process, and return whether it has; what is not possible changes nothing."""
    groups_before, group_before = os.getgroups(), os.getegid()
    is_usable = False
    with suppress(OSError):
        os.setgroups(groups)
        os.setegid(owner.pw_gid)
        os.seteuid(owner.pw_uid)
        is_usable = _is_usable(home)
        os.seteuid(0)
    if is_usable:
        os.setgid(owner.pw_gid)
        os.setuid(owner.pw_uid)
    else:
        with suppress(OSError):  # where groups cannot be set, they were not changed
            os.setegid(group_before)
            os.setgroups(groups_before)
    return is_usable


def _is_usable(home: Path) -> bool:
    needed = ((sys.executable, os.X_OK), (_PACKAGE / "__init__.py", os.R_OK), (".", os.X_OK), (home, os.W_OK | os.X_OK))
    return all(os.access(path, mode, effective_ids=True) for path, mode in needed)
