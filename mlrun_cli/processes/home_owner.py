"""Switch from root to the user who owns the home, because that user's code must not run as root."""

from __future__ import annotations

import os
import pwd
import stat
import sys
from collections.abc import Mapping, MutableMapping
from contextlib import suppress
from pathlib import Path

from mlrun_cli.core.home import HOME_VARIABLE

_PACKAGE = Path(__file__).parents[1]
_SUDO_VARIABLE = "SUDO_UID"


def find_owned_folder(home: Path, environ: Mapping[str, str]) -> Path | None:
    """Return the folder whose owner shall own a home: the home or, under sudo, its nearest existing ancestor; or None.

    Where sudo calls a command before there is a home, the user who owns the nearest existing folder above it could not
    use a home of root there, and could exchange it. A folder that everybody may write to belongs to nobody, and no
    folder is searched for through a broken link. Without sudo, as in containers, root makes a home for itself.
    """
    if os.path.lexists(home):
        return home
    if _SUDO_VARIABLE not in environ:
        return None
    parent = next((folder for folder in home.parents if os.path.lexists(folder)), None)
    with suppress(OSError):
        if parent is not None and not parent.stat().st_mode & stat.S_IWOTH:
            return parent
    return None


def switch_to_owner(folder: Path, home: Path, environ: MutableMapping[str, str]) -> str | None:
    """Switch this process from root to the user who owns a folder, and return the user's name; None if nothing changed.

    Nothing changes if root owns the folder, if the owner has no name on this system, as in a container, or may not use
    what this process needs: the interpreter, this package, the folder, the current folder; nor if root may not become
    others, as in a container without capabilities, or in a user namespace.

    Args:
        folder: the home, or the existing folder in which it is to be created.
        home: the folder of all workspaces.
        environ: the process's environment variables. As with `su`, those that name the user are changed if the owner
            may not use the folder in `HOME`, where programs keep their settings and caches.
    """
    try:
        owner = pwd.getpwuid(folder.stat().st_uid)
        groups = os.getgrouplist(owner.pw_name, owner.pw_gid)
    except (KeyError, OSError):
        return None
    if owner.pw_uid == 0 or not _try_to_switch_user(owner, groups, folder):
        return None
    if not os.access(environ.get("HOME", ""), os.R_OK | os.W_OK | os.X_OK):
        environ[HOME_VARIABLE] = str(home)  # it may depend on HOME
        environ.update(HOME=owner.pw_dir, USER=owner.pw_name, LOGNAME=owner.pw_name)
    return owner.pw_name


def _try_to_switch_user(owner: pwd.struct_passwd, groups: list[int], folder: Path) -> bool:
    """Change the user and groups of this process; return False, without changing them, if that is not possible."""
    groups_before, group_before = os.getgroups(), os.getegid()
    is_usable = False
    with suppress(OSError):
        os.setgroups(groups)
        os.setegid(owner.pw_gid)
        os.seteuid(owner.pw_uid)
        is_usable = _can_access_needed_files(folder)
        os.seteuid(0)
    if is_usable:
        os.setgid(owner.pw_gid)
        os.setuid(owner.pw_uid)
    else:
        with suppress(OSError):  # where groups cannot be set, they were not changed
            os.setegid(group_before)
            os.setgroups(groups_before)
    return is_usable


def _can_access_needed_files(folder: Path) -> bool:
    needed = (
        (sys.executable, os.X_OK),
        (_PACKAGE / "__init__.py", os.R_OK),
        (".", os.X_OK),
        (folder, os.W_OK | os.X_OK),
    )
    return all(os.access(path, mode, effective_ids=True) for path, mode in needed)
