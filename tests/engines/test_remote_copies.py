"""Copies of a run's files from another machine, which is reached by ssh, that fail."""

from __future__ import annotations

import shutil
from pathlib import Path

from tests.engines.sshd import HOST_ALIAS, RemoteMachine
from tests.running import Mlrun

RSYNC = """#!/bin/sh
for word; do
    case "$word" in
        */work/outputs) exit 12 ;;
        */./work) [ -e '{failed}' ] || {{ touch '{failed}'; exit 12; }} ;;
    esac
done
exec {rsync} "$@"
"""
"""An rsync that fails to copy outputs while a script runs, and once after its end."""


def test_the_last_copy_of_the_outputs_is_repeated_if_it_has_failed(
    ssh_mlrun: Mlrun, remote_machine: RemoteMachine, tmp_path: Path
) -> None:
    attach = ("computetarget", "attach", "remote", "-n", "box", "--address", HOST_ALIAS)
    ssh_mlrun(*attach, "--python", remote_machine.python)
    rsync, failed = Path(ssh_mlrun.environment["HOME"], "bin", "rsync"), tmp_path / "failed"
    rsync.write_text(RSYNC.format(failed=failed, rsync=shutil.which("rsync")), encoding="utf-8")
    rsync.chmod(0o755)
    ssh_mlrun.script("open('outputs/model', 'w').close()")
    run = ssh_mlrun.ended("--ct", "box", "train.py")
    assert (run["status"], failed.exists()) == ("Completed", True)
    assert "outputs/model" in ssh_mlrun.json("run", "files", "-r", run["run_id"])
