"""The claim of a host that builds an environment in a folder that several hosts share, such as that of a target.

Locks of a network file system cannot be trusted, so the claim is a lease like that of a home, for this environment
alone: it is renewed during the build, and is over a minute after its host is gone.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager

from mlrun_cli.core.home import get_file_system_type, is_network_file_system
from mlrun_cli.environments.folder import EnvironmentFolder
from mlrun_cli.environments.installer import print_line
from mlrun_cli.errors import HomeInUse
from mlrun_cli.processes.host_lease import hold_home, open_home, read_host

_LOOK_SECONDS = 1.0


@contextmanager
def hold_build_claim(folder: EnvironmentFolder, is_built: Callable[[], bool]) -> Iterator[bool]:
    """Wait until no other host builds an environment, and keep other hosts from that during the block.

    Yields:
        False if another host has built it meanwhile.

    Raises:
        HomeInUse: it is in a home, and another host uses that.
        StoreUnavailable: its folder cannot be written.
    """
    home = folder.path.parents[1]
    if (home / "workspaces").is_dir() or not is_network_file_system(get_file_system_type(home)):
        open_home(home)
        yield True
        return
    folder.claim.mkdir(mode=0o700, exist_ok=True)
    is_told = False
    with ExitStack() as stack:
        while True:
            try:
                stack.enter_context(hold_home(folder.claim))
                break
            except HomeInUse:
                if is_built():
                    yield False
                    return
                if not is_told:
                    print_line(f"This environment is being built on {read_host(folder.claim)}; waiting for it.")
                is_told = True
                time.sleep(_LOOK_SECONDS)
        yield True
