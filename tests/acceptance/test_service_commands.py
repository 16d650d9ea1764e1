"""`service`: queues go on after a reboot, by what the machine has for that; here by stand-ins of those programs."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.running import COMMAND, Mlrun, good_end, kill, until

# Keeps the crontab in a file beside it.
CRONTAB = """\
#!/bin/sh
case $1 in
-l) if [ -f "$0.lines" ]; then cat "$0.lines"; else echo "no crontab for me" >&2; exit 1; fi;;
-) cat >"$0.lines";;
esac
"""
# Writes down what it was told.
SYSTEMCTL = """\
#!/bin/sh
echo "$@" >>"$0.log"
"""


@pytest.fixture
def programs(mlrun: Mlrun, tmp_path: Path) -> Iterator[Path]:
    """A folder first on the PATH for stand-ins, of which systemctl says that there is no instance of the user's."""
    folder = tmp_path / "programs"
    folder.mkdir()
    mlrun.environment["PATH"] = f"{folder}:{mlrun.environment['PATH']}"
    for name in ("systemctl", "loginctl"):
        put(folder, name, "#!/bin/sh\nexit 1\n")
    yield folder


def put(folder: Path, name: str, text: str) -> Path:
    program = folder / name
    program.write_text(text, encoding="utf-8")
    program.chmod(0o755)
    return program


@pytest.fixture
def waiting(mlrun: Mlrun) -> str:
    """A run that waits, and that nobody looks after."""
    mlrun("computetarget", "create", "amlcompute", "-n", "single", "--max-nodes", "1")
    mlrun.script("import time; time.sleep(600)", "holder.py")
    mlrun.script("")
    holder, run_id = mlrun.submit("--ct", "single", "holder.py"), mlrun.submit("--ct", "single", "train.py")
    mlrun.wait_for_status(holder, "Running")
    # As a power cut does it.
    kill(*mlrun.programs("dispatcher.py"), *mlrun.programs("fork_server.py"), mlrun.supervisor(holder))
    until(lambda: not mlrun.supervisors(holder) and not mlrun.programs("dispatcher.py"))
    return run_id


def test_a_line_of_the_crontab_starts_the_queues_at_a_reboot(mlrun: Mlrun, programs: Path, waiting: str) -> None:
    crontab = put(programs, "crontab", CRONTAB)
    lines = crontab.with_name("crontab.lines")
    mine = "0 5 * * * own\n"
    lines.write_text(mine, encoding="utf-8")
    assert mlrun.json("service", "status") == {"installed": False, "kind": None, "where": None}
    planned = mlrun.json("service", "install", "--dry-run")
    assert lines.read_text() == mine
    for _ in range(2):
        installed = mlrun.json("service", "install")
        assert installed == {**planned, "dryRun": False}
    assert lines.read_text() == mine + installed["text"]
    assert mlrun.json("service", "status") == {"installed": True, "kind": "crontab", "where": "crontab -l"}

    line = installed["text"].removeprefix("@reboot ").replace("\\%", "%")
    bare = {"HOME": mlrun.environment["HOME"]}
    assert (
        good_end(subprocess.run(["/bin/sh", "-c", line], check=False, env=bare, capture_output=True, text=True)) == ""
    )
    mlrun.wait_for_status(waiting, "Completed")
    assert mlrun.json("service", "remove") == {"removed": ["crontab -l"]}
    assert lines.read_text() == mine
    assert mlrun.json("service", "remove") == {"removed": []}


def test_a_unit_of_systemd_does_where_the_user_has_an_instance(mlrun: Mlrun, programs: Path) -> None:
    crontab = put(programs, "crontab", CRONTAB)
    mlrun("service", "install")
    log = put(programs, "systemctl", SYSTEMCTL).with_name("systemctl.log")
    mlrun.environment.pop("XDG_CONFIG_HOME", None)
    mlrun.environment["PATH"] += ':/a 100% "$x"'

    told = mlrun("service", "install")

    assert "sudo loginctl enable-linger" in told.stderr
    assert crontab.with_name("crontab.lines").read_text() == ""  # which had it before
    (unit,) = (Path(mlrun.environment["HOME"]) / ".config" / "systemd" / "user").iterdir()
    calls = log.read_text().splitlines()
    assert calls[-2:] == ["--user daemon-reload", f"--user enable {unit.name}"]
    text = unit.read_text(encoding="utf-8").splitlines()
    assert f'Environment="MLRUN_HOME={mlrun.home}"' in text
    assert f'ExecStart="{COMMAND}" "service" "start" "-o" "none"' in text
    assert any(line.endswith(':/a 100%% \\"$x\\""') for line in text)
    assert mlrun.json("service", "status") == {"installed": True, "kind": "systemd", "where": str(unit)}
    assert mlrun.json("service", "remove") == {"removed": [str(unit)]}
    assert not unit.exists()
    assert log.read_text().splitlines()[-2:] == [f"--user disable {unit.name}", "--user daemon-reload"]


def test_a_machine_without_either_says_so(mlrun: Mlrun, programs: Path) -> None:
    for name in ("env", "sh"):
        (programs / name).symlink_to(f"/bin/{name}" if os.path.exists(f"/bin/{name}") else f"/usr/bin/{name}")
    mlrun.environment["PATH"] = str(programs)
    failure = mlrun.fails("service", "install", exit_code=1)
    assert (failure.code, failure.target) == ("ProgramNotFound", "crontab")
    assert "'mlrun service start'" in failure.hint
    assert shlex.quote(str(COMMAND)) in mlrun.json("service", "install", "--dry-run")["text"]
    assert mlrun.json("service", "status")["installed"] is False


def test_one_workspace_that_cannot_be_opened_keeps_no_other_from_being_started(mlrun: Mlrun, waiting: str) -> None:
    damaged = mlrun.database.parent.with_name("damaged")
    damaged.mkdir()
    (damaged / "workspace.db").write_bytes(b"no database at all" * 100)

    done = mlrun("service", "start", "--query", "[].[workspace, waiting]", "-o", "json")

    shutil.rmtree(damaged)
    assert "'damaged'" in done.stderr
    mlrun.wait_for_status(waiting, "Completed")


def test_ml_has_the_service_of_azure_which_is_refused(mlrun: Mlrun) -> None:
    failure = mlrun.fails("ml", "service", "list")
    assert (failure.code, failure.target) == ("UnsupportedCommand", "service list")
