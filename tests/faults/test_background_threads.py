"""The threads of processes whose main thread delays signals, which would get these if they did not block them."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from mlrun_cli.wire.background_threads import HANDLED_SIGNALS
from tests.running import Mlrun, kill, until

_HOLDER = """
import sys
from pathlib import Path
from mlrun_cli.processes.host_lease import hold_home

with hold_home(Path(sys.argv[1])):
    print("holds", flush=True)
    sys.stdin.read()
"""


def read_blocked(pid: int) -> dict[bool, list[int]]:
    """Return the masks of blocked signals of the threads of a process: by True that of the main one."""
    found: dict[bool, list[int]] = {True: [], False: []}
    for task in Path(f"/proc/{pid}/task").iterdir():
        lines = (task / "status").read_text(encoding="utf-8").splitlines()
        (mask,) = (line.split()[1] for line in lines if line.startswith("SigBlk:"))
        found[int(task.name) == pid].append(int(mask, 16))
    return found


def blocks_signals(mask: int) -> bool:
    return all(mask >> (number - 1) & 1 for number in HANDLED_SIGNALS)


def test_the_thread_that_keeps_a_home_blocks_signals(tmp_path: Path) -> None:
    (tmp_path / "home" / "hosts").mkdir(parents=True, mode=0o700)
    words = [sys.executable, "-c", _HOLDER, str(tmp_path / "home")]
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, encoding="utf-8") as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "holds\n"
        blocked = read_blocked(process.pid)
        process.communicate()
    assert blocked[True] == [0]
    assert list(map(blocks_signals, blocked[False])) == [True]


def test_the_thread_that_copies_standard_input_blocks_signals(mlrun: Mlrun) -> None:
    gate = mlrun.folder / "gate"
    mlrun.script(f"import os, sys, time\nwhile not os.path.exists({str(gate)!r}):\n    time.sleep(0.05)\n")
    reading, writing = os.pipe()
    process = subprocess.Popen(
        [*mlrun.command, "run", "submit-script", "--stdin", "train.py"],
        cwd=mlrun.folder,
        env=mlrun.environment,
        stdin=reading,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    os.close(reading)
    try:
        blocked = until(lambda: read_blocked(process.pid)[False])
        gate.touch()
        assert process.wait() == 0
    finally:
        kill(process.pid)
        os.close(writing)
    assert list(map(blocks_signals, blocked)) == [True]
