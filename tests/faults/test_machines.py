from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.running import Mlrun, is_alive, kill, service_error, until

WAIT = """
    import os, time
    print("here", flush=True)
    while not os.path.exists("go"):
        time.sleep(0.01)
"""
IN_ANOTHER_NAMESPACE = ["unshare", "--pid", "--fork", "--mount-proc"]


def _running(mlrun: Mlrun) -> str:
    mlrun.script(WAIT)
    run_id = mlrun.submit()
    mlrun.wait_for_status(run_id, "Running")
    until(lambda: mlrun.log(run_id))
    return run_id


def _let_lease_run_out(mlrun: Mlrun, run_id: str) -> None:
    mlrun.stored("UPDATE runs SET lease_until = ? WHERE run_id = ?", time.time_ns() // 1000 - 1, run_id)


def _lose(mlrun: Mlrun, run_id: str) -> None:
    """Have nothing left of a run but its folder and its row, as after a power cut."""
    script, supervisor = mlrun.script_pid(run_id), mlrun.supervisor(run_id)
    kill(supervisor, script)
    until(lambda: not is_alive(supervisor) and not is_alive(script))


@pytest.mark.kill
@pytest.mark.promises("local", "the submitting machine dies")
def test_after_a_restart_of_the_machine_a_run_is_failed_and_the_owner_of_its_old_pid_is_left_alone(
    mlrun: Mlrun,
) -> None:
    run_id = _running(mlrun)
    _lose(mlrun, run_id)
    with subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"], start_new_session=True) as other:
        note = mlrun.run_folder(run_id) / "process.json"
        process = json.loads(note.read_text(encoding="utf-8"))
        process["processes"][0].update(pid=other.pid, identity=[other.pid, 12345])
        note.write_text(json.dumps(process), encoding="utf-8")
        mlrun.stored("UPDATE runs SET boot_id = 'of another boot' WHERE run_id = ?", run_id)

        record = mlrun.show(run_id)

        assert other.poll() is None
        other.kill()
    assert service_error(record, "MachineRestarted").endswith(" ran.")
    assert record["end_time_utc"] >= record["start_time_utc"]


@pytest.mark.kill
def test_after_a_restart_of_the_machine_one_look_recovers_all_runs(mlrun: Mlrun) -> None:
    run_ids = [_running(mlrun) for _ in range(3)]
    for run_id in run_ids:
        _lose(mlrun, run_id)
    mlrun.stored("UPDATE runs SET boot_id = 'of another boot'")

    mlrun.show(run_ids[0])

    assert {mlrun.wait_for_status(run_id, "Failed") for run_id in run_ids} == {"Failed"}


@pytest.mark.parametrize("is_out", [False, True])
def test_a_run_in_another_pid_namespace_is_not_judged_while_its_supervisor_lives(mlrun: Mlrun, is_out: bool) -> None:
    run_id = _running(mlrun)
    if is_out:
        _let_lease_run_out(mlrun, run_id)
    mlrun.command = [*IN_ANOTHER_NAMESPACE, *mlrun.command]

    assert mlrun.show(run_id)["status"] == "Running"
    assert is_alive(mlrun.script_pid(run_id))
    (mlrun.run_folder(run_id) / "work" / "go").touch()
    assert mlrun.wait(run_id)["status"] == "Completed"


@pytest.mark.kill
def test_a_run_lost_in_another_pid_namespace_is_failed_when_its_lease_has_run_out(mlrun: Mlrun) -> None:
    run_id = _running(mlrun)
    _lose(mlrun, run_id)
    mlrun.command = [*IN_ANOTHER_NAMESPACE, *mlrun.command]

    assert mlrun.show(run_id)["status"] == "Running"
    _let_lease_run_out(mlrun, run_id)
    assert mlrun.show(run_id)["status"] == "Failed"


@pytest.mark.kill
def test_a_namespace_that_ends_takes_its_run_along_and_the_outside_says_so_after_the_lease(
    mlrun: Mlrun, tmp_path: Path
) -> None:
    mlrun.script(WAIT)
    gate = tmp_path / "gate"
    os.mkfifo(gate)
    submit = '"$1" run submit-script --async train.py >"$2.out" && read -r line <"$2"'
    with (
        subprocess.Popen(
            [*IN_ANOTHER_NAMESPACE, "sh", "-c", submit, "sh", mlrun.command[0], gate],
            cwd=mlrun.folder,
            env=mlrun.environment,
        ) as namespace,
        gate.open("w", encoding="utf-8") as opened,
    ):
        run_id = json.loads(Path(f"{gate}.out").read_text(encoding="utf-8"))["run_id"]
        mlrun.wait_for_status(run_id, "Running")
        assert mlrun.show(run_id)["status"] == "Running"
        assert len(mlrun.supervisors(run_id)) == 1
        opened.write("\n")
    assert namespace.returncode == 0
    until(lambda: not mlrun.processes(run_id) and not mlrun.supervisors(run_id))

    assert mlrun.show(run_id)["status"] == "Running"
    _let_lease_run_out(mlrun, run_id)
    assert mlrun.show(run_id)["status"] == "Failed"


def test_a_run_of_another_host_is_not_judged_before_its_lease_has_run_out(mlrun: Mlrun) -> None:
    run_id = _running(mlrun)
    _lose(mlrun, run_id)
    mlrun.stored("UPDATE runs SET host_id = 'elsewhere', boot_id = 'of another boot' WHERE run_id = ?", run_id)

    assert mlrun.show(run_id)["status"] == "Running"
    _let_lease_run_out(mlrun, run_id)
    record = mlrun.show(run_id)
    assert service_error(record, "SupervisorDied").endswith(" ran.")


@pytest.mark.kill
def test_a_run_that_has_waited_belongs_to_the_machine_it_was_started_on_and_not_to_its_submitters(mlrun: Mlrun) -> None:
    mlrun("computetarget", "create", "amlcompute", "-n", "single", "--max-nodes", "1")
    mlrun.script(WAIT)
    command = mlrun.command
    before = mlrun.submit("--ct", "single", "train.py")
    mlrun.command = [*IN_ANOTHER_NAMESPACE, *command]
    run_id = mlrun.submit("--ct", "single", "train.py")
    mlrun.command = command
    mlrun.execute("UPDATE runs SET boot_id = 'of another boot' WHERE run_id = ?", run_id)
    until(lambda: mlrun.log(before))
    (mlrun.run_folder(before) / "work" / "go").touch()
    mlrun.wait_for_status(run_id, "Running")

    _lose(mlrun, run_id)

    record = mlrun.show(run_id)
    assert service_error(record, "SupervisorDied").endswith(" ran.")
