"""The other machine of the tests behaves as they rely on."""

from __future__ import annotations

import subprocess
from pathlib import Path

from tests.engines.sshd import HOST_ALIAS, PORT, RemoteMachine
from tests.running import Mlrun, until


def ssh(mlrun: Mlrun, *words: str) -> subprocess.CompletedProcess[str]:
    return mlrun.run("ssh", "-o", "BatchMode=yes", "-o", "ConnectTimeout=2", *words)


def test_a_user_of_its_own_is_reached_through_ordinary_configuration(
    remote_machine: RemoteMachine, ssh_mlrun: Mlrun
) -> None:
    done = ssh(ssh_mlrun, HOST_ALIAS, "whoami; hostname; pwd; echo x > there; echo y > /tmp/there")
    assert done.stdout.split() == [remote_machine.user, remote_machine.name, f"/home/{remote_machine.user}"], (
        done.stderr
    )
    assert (remote_machine.home / "there").read_text(encoding="utf-8") == "x\n"
    assert not Path("/tmp/there").exists()
    by_address = ssh(
        ssh_mlrun,
        "-p",
        str(PORT),
        "-l",
        remote_machine.user,
        remote_machine.address,
        remote_machine.python,
        "--version",
    )
    assert by_address.stdout.startswith("Python 3."), by_address.stderr
    assert ssh(ssh_mlrun, "-l", "root", HOST_ALIAS, "true").returncode == 255


def test_a_connection_survives_sshd_and_is_cut_when_asked(remote_machine: RemoteMachine, ssh_mlrun: Mlrun) -> None:
    mark = remote_machine.marks / "go"
    waiting = f"until [ -e '{mark}' ]; do sleep 0.05; done; echo gone"
    first = subprocess.Popen(
        ["ssh", HOST_ALIAS, waiting], env=ssh_mlrun.environment, stdout=subprocess.PIPE, encoding="utf-8"
    )
    until(lambda: any(remote_machine.list_pids()))
    remote_machine.stop_sshd()
    assert "refused" in ssh(ssh_mlrun, HOST_ALIAS, "true").stderr
    mark.touch()
    assert first.communicate()[0] == "gone\n"
    remote_machine.start_sshd()
    second = subprocess.Popen(["ssh", HOST_ALIAS, "sleep 600"], env=ssh_mlrun.environment)
    until(lambda: any(remote_machine.list_pids()))
    remote_machine.cut_connections()
    assert second.wait(60) == 255
    assert ssh(ssh_mlrun, HOST_ALIAS, "true").returncode == 0


def test_a_cut_network_loses_packets_and_a_power_cut_the_processes(
    remote_machine: RemoteMachine, ssh_mlrun: Mlrun
) -> None:
    with remote_machine.without_network():
        assert ssh(ssh_mlrun, HOST_ALIAS, "true").returncode == 255
    assert ssh(ssh_mlrun, HOST_ALIAS, "setsid sleep 600 >/dev/null 2>&1 </dev/null &").returncode == 0
    assert until(remote_machine.list_pids)
    boot = remote_machine.run("cat", "/proc/sys/kernel/random/boot_id")
    remote_machine.power_off()
    assert remote_machine.list_pids() == []
    remote_machine.power_on()
    assert ssh(ssh_mlrun, HOST_ALIAS, "cat /proc/sys/kernel/random/boot_id").stdout not in {"", boot}
