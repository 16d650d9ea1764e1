"""The check of a machine before it is attached as a compute target."""

from __future__ import annotations

import json
import shutil

from mlrun_cli.core.named_tuple import NamedTuple
from mlrun_cli.errors import ProgramNotFound
from mlrun_cli.targets.errors import EngineRefused, NodeNotUsable
from mlrun_cli.targets.remote.settings import RemoteSettings
from mlrun_cli.targets.remote.ssh import Ssh

_MARK = "mlrun-check:"
# It runs in whatever Python is found there, and is told apart from what a login shell prints.
_PROBE = """\
import fcntl, json, os, shutil, sys
if sys.version_info < (3, 10):
    sys.exit(sys.executable + " is Python " + sys.version.split()[0] + "; 3.10 or later is needed")
folder = os.path.realpath(os.path.expanduser(sys.argv[1]))
try:
    os.makedirs(folder, mode=0o700, exist_ok=True)
    os.chmod(folder, 0o700)
    with open(os.path.join(folder, "check"), "w") as file:
        file.write("written")
        file.flush()
        os.fsync(file.fileno())
        fcntl.flock(file, fcntl.LOCK_EX)
    os.unlink(os.path.join(folder, "check"))
except OSError as error:
    sys.exit("the folder " + folder + " cannot be used: " + str(error))
if shutil.which("rsync") is None:
    sys.exit("rsync is not on PATH (" + os.environ.get("PATH", "") + ")")
print("mlrun-check:" + json.dumps({"folder": folder}))
"""


# As jobs do it: see `node.remote.job`.
_LOGIN_SHELL = 'if [ -x /bin/bash ]; then exec /bin/bash -l -c "$0"; fi; exec /bin/sh -c "$0"'


class CheckedMachine(NamedTuple):
    """A machine that has passed the check.

    Attributes:
        folder: the absolute path of the target's folder there.
    """

    folder: str


def check_machine(settings: RemoteSettings, folder: str) -> CheckedMachine:
    """Check the connection, Python, rsync, setup and the folder, which is created if missing; return what was found.

    Args:
        settings: the settings of the target.
        folder: the target's folder on the machine; `~` is the home there.

    Raises:
        EngineUnavailable: there is no connection; the message is ssh's.
        NodeNotUsable: the machine lacks something.
        ProgramNotFound: ssh or rsync is not installed on this machine.
    """
    for program in ("ssh", "rsync"):
        if shutil.which(program) is None:
            raise ProgramNotFound(
                f"'{program}' is not on PATH.",
                hint="Install OpenSSH's client and rsync on this machine.",
                target=program,
            )
    try:
        output = Ssh(settings).run([settings.python, "-E", "-", folder], stdin=_PROBE)
    except EngineRefused as error:
        raise NodeNotUsable(
            f"{settings.address} cannot run supervisors: {error.message}",
            hint="It needs Python 3.10 or later (name it with --python), rsync, and room in the home of the user.",
            target=settings.address,
        ) from error
    if settings.setup:
        _check_setup(settings)
    for line in output.splitlines():
        if line.startswith(_MARK):
            return CheckedMachine(json.loads(line.removeprefix(_MARK))["folder"])
    raise NodeNotUsable(
        f"{settings.address} cannot run supervisors: {settings.python} printed something else: {output[:200]!r}",
        hint="Name a Python 3.10 or later with --python.",
        target=settings.address,
    )


def _check_setup(settings: RemoteSettings) -> None:
    """Execute the setup lines of jobs on the machine.

    Raises:
        EngineUnavailable: there is no connection.
        NodeNotUsable: a line fails, or the interpreter does after them.
    """
    try:
        script = settings.build_script([settings.python, "-E", "-c", ""])
        Ssh(settings).run(["/bin/sh", "-c", _LOGIN_SHELL, script], stdin="")
    except EngineRefused as error:
        raise NodeNotUsable(
            f"{settings.address} cannot run supervisors: {error.message}",
            hint="Correct --setup.",
            target=settings.address,
        ) from error
