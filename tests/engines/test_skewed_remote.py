"""Heartbeats on a machine reached by ssh whose clock, or ours, differs from that of the file server."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.clocks import describe_wrong_clock
from tests.engines.sshd import RemoteMachine
from tests.engines.test_remote_runs import WAITING, attach
from tests.running import Mlrun, until

_READ_AGE = """
import sys
from pathlib import Path
from mlrun_cli.node.remote.run_files import ChunkBuffer, RunFiles
from mlrun_cli.runs.heartbeat import write_heartbeat
from mlrun_cli.runs.shared_folder import SharedFolder

shared = SharedFolder(Path(sys.argv[1]))
shared.create()
folder = shared.get_run_folder("run")
folder.create_for_node(Path(sys.argv[1]))
write_heartbeat(folder)
print(RunFiles(folder, {}).read(ChunkBuffer(1000))["heartbeat"]["age"])
"""


@pytest.mark.parametrize("skew", ["+10m", "-10m"])
def test_a_heartbeat_of_another_machine_is_as_old_here_although_our_clock_is_wrong(
    remote_machine: RemoteMachine, ssh_mlrun: Mlrun, skew: str
) -> None:
    ssh_mlrun.environment.update(describe_wrong_clock(skew))
    attach(ssh_mlrun, remote_machine)
    ssh_mlrun.script(WAITING)
    go = remote_machine.marks / "go"
    run_id = ssh_mlrun.submit("--ct", "box", "train.py", str(go))
    until(lambda: "line 1" in ssh_mlrun.log(run_id))

    (heartbeat,) = ssh_mlrun.home.rglob(f"{run_id}/heartbeat")
    until(heartbeat.read_bytes)
    assert abs(time.time() - heartbeat.stat().st_mtime) < 300

    go.touch()
    assert ssh_mlrun.wait(run_id)["status"] == "Completed"


def test_a_heartbeat_is_sent_with_its_age_by_the_clock_of_the_file_server(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", _READ_AGE, str(tmp_path / "shared")],
        env={**os.environ, **describe_wrong_clock("+10m")},
        capture_output=True,
        encoding="utf-8",
        check=False,
    )

    assert done.returncode == 0, done.stderr
    assert float(done.stdout) < 300
