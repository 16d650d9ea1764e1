"""Jobs that end before their supervisors start."""

from __future__ import annotations

import json

import pytest

from tests.engines.pool import PoolEngine
from tests.engines.sshd import HOST_ALIAS, RemoteMachine
from tests.running import Mlrun, service_error

_COMPLAINT = "no module 'cuda'"
_SETUP = f'echo "{_COMPLAINT}" >&2; false'


def test_a_job_that_fails_before_its_supervisor_starts_says_why(pool: PoolEngine) -> None:
    # What follows is `sh -c … LOG COMMAND`.
    pool.set_option("prefix", json.dumps(["sh", "-c", f'{{ {_SETUP}; }} 2>>"$3"']))
    pool.mlrun.script("")
    message = service_error(pool.mlrun.wait(pool.mlrun.submit("--ct", "pool", "train.py")), "SupervisorDied")
    assert _COMPLAINT in message
    assert str(pool.shared) not in message


@pytest.mark.usefixtures("slurm")
def test_a_setup_that_fails_on_a_node_is_told(slurm_mlrun: Mlrun) -> None:
    attach = ("computetarget", "attach", "slurm", "-n", "slurm", "--setup", _SETUP)
    place = ("--shared-folder", str(slurm_mlrun.folder.parent / "shared"))
    failure = slurm_mlrun.fails(*attach, *place, exit_code=1)
    assert failure.code == "NodeNotUsable"
    assert _COMPLAINT in failure.message
    assert "--setup" in failure.hint
    slurm_mlrun(*attach, *place, "--no-check")
    slurm_mlrun.script("")
    record = slurm_mlrun.wait(slurm_mlrun.submit("--ct", "slurm", "train.py"))
    assert _COMPLAINT in service_error(record, "SupervisorDied")


def test_a_setup_that_fails_on_another_machine_is_told(ssh_mlrun: Mlrun, remote_machine: RemoteMachine) -> None:
    mark = remote_machine.marks / "ready"
    setup = f"test -e '{mark}' || {{ {_SETUP}; }}"
    attach = ("computetarget", "attach", "remote", "-n", "box", "--address", HOST_ALIAS, "--setup", setup)
    failure = ssh_mlrun.fails(*attach, "--python", remote_machine.python, exit_code=1)
    assert failure.code == "NodeNotUsable"
    assert _COMPLAINT in failure.message
    assert ssh_mlrun.json("computetarget", "list") == []
    mark.touch()
    ssh_mlrun(*attach, "--python", remote_machine.python)
    mark.unlink()
    ssh_mlrun.script("")
    record = ssh_mlrun.wait(ssh_mlrun.submit("--ct", "box", "train.py"))
    assert _COMPLAINT in service_error(record, "SupervisorDied")
