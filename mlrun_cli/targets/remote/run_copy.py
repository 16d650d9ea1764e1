"""Background copies by rsync of a run's working folder and uploaded files."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from enum import Enum

from mlrun_cli.runs.shared_folder import SharedFolder
from mlrun_cli.targets.remote.settings import RemoteSettings
from mlrun_cli.targets.remote.ssh import Ssh, read_error_output

_OPTIONS = ("--recursive", "--links", "--safe-links", "--times", "--perms", "--chmod=u+rwX,go-rwx", "--relative")
# An uploaded file is kept, and those that a driver has uploaded here are not there.
_DELETING = ("--delete", "--filter=protect uploads/**", "--partial-dir=.rsync-partial")


class CopyKind(Enum):
    """The kind of a copy."""

    LIVE = "live"
    """The outputs while the script runs."""
    FINAL = "final"
    """All that the script has left, after its end."""
    WORK = "work"
    """All files that the script has now, for a request that names some of them."""
    RETURN = "return"
    """What such a request has written into the mirror, for the script."""


_NAMES = {
    CopyKind.LIVE: ("work/outputs", "work/logs", "uploads"),
    CopyKind.FINAL: ("work", "uploads"),
    CopyKind.WORK: ("work", "uploads"),
    CopyKind.RETURN: ("work",),
}


class RunCopy:
    """An rsync process that copies files of one run.

    Attributes:
        kind: what is copied.
        tree: the fingerprint of the outputs that was known when it started.
    """

    def __init__(
        self, ssh: Ssh, settings: RemoteSettings, mirror: SharedFolder, run_id: str, kind: CopyKind, tree: str
    ) -> None:
        """Start the copy.

        Raises:
            OSError: the folder for incomplete files cannot be created.
            ProgramNotFound: rsync is not installed.
        """
        self.kind = kind
        self.tree = tree
        self._said = tempfile.TemporaryFile()  # noqa: SIM115 - open as long as the process lives
        try:
            self._process = ssh.start_copy(_build_arguments(ssh, settings, mirror, run_id, kind), self._said)
        except BaseException:
            self._said.close()
            raise

    def poll(self) -> int | None:
        """Return the exit code of rsync, or None if it has not ended."""
        return self._process.poll()

    def record_exits(self, exit_codes: Mapping[int, int]) -> None:
        """Record the end of rsync if it is among the reaped processes; once it is reaped, `Popen` takes it for 0."""
        if self._process.returncode is None:
            self._process.returncode = exit_codes.get(self._process.pid)

    def read_error_output(self) -> str:
        """Return the error output of rsync, and close the file that contains it."""
        words = read_error_output(self._said)
        self._said.close()
        return words

    def kill(self) -> None:
        """Kill the rsync process."""
        self._process.kill()
        self._process.wait()
        self._said.close()


def _build_arguments(
    ssh: Ssh, settings: RemoteSettings, mirror: SharedFolder, run_id: str, kind: CopyKind
) -> Sequence[str]:
    here, there = f"{mirror.get_run_folder(run_id).path}/", f"{settings.folder}/runs/{run_id}/"
    first, *others = _NAMES[kind]
    if kind is CopyKind.RETURN:
        return [*_OPTIONS, "--update", f"{here}./{first}", ssh.build_location(there)]
    incoming = mirror.path / "incoming"
    incoming.mkdir(mode=0o700, exist_ok=True)
    sources = [ssh.build_location(f"{there}./{first}"), *(f":{there}./{name}" for name in others)]
    # What another request has written into the mirror is not there yet, or newer than what is.
    how = ("--update",) if kind is CopyKind.WORK else _DELETING
    return [*_OPTIONS, *how, "--ignore-missing-args", f"--temp-dir={incoming}", *sources, here]
