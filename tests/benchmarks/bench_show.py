"""Time `run diff` of two snapshots of 2,000 files, and parts of a log of 2 GB, beside `python -c pass`.

    python -m tests.benchmarks.bench_show [FOLDER]

FOLDER (default: the folder for temporary files) needs room for 3 GB.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

from mlrun_cli.actions.snapshots import create_snapshot
from mlrun_cli.core.names import DEFAULT_RESOURCE_GROUP, DEFAULT_SUBSCRIPTION_ID, DEFAULT_WORKSPACE
from mlrun_cli.core.redaction import Redactor
from mlrun_cli.core.time import format_iso, now
from mlrun_cli.runs.log_times import LogTimeRecorder
from mlrun_cli.runs.run import SCRIPT_RUN
from mlrun_cli.runs.status import RunStatus
from mlrun_cli.workspace import Workspace
from mlrun_cli.workspace_locator import WorkspaceIdentity, locate_workspace
from tests.benchmarks.arguments import parse_folder
from tests.benchmarks.timing import MLRUN, environment_for, print_machine, print_row, timed

_FILES = 2000
_LOG_BYTES = 2 << 30
_PIECE_LINES = 200_000
_IDENTITY = WorkspaceIdentity(DEFAULT_SUBSCRIPTION_ID, DEFAULT_RESOURCE_GROUP, DEFAULT_WORKSPACE)


def main(parent: Path | None) -> None:
    """Create the runs, measure, print the table, and remove them."""
    with tempfile.TemporaryDirectory(dir=parent) as top:
        folder, home = Path(top), Path(top) / "home"
        with Workspace.open(locate_workspace(home, _IDENTITY), create=True, redactor=Redactor()) as workspace:
            for name, changed in (("first", 0), ("some", 20), ("all", _FILES)):
                _add_run(workspace, f"{name}_1", _make_files(folder / name, changed))
            _add_run(workspace, "rewritten_1", _make_files(folder / "rewritten", 0, function="calculate"))
            since = _write_log(workspace, "first_1")
        print_machine()
        print("| command | time | over `python -c pass` | ratio |\n|---|---|---|---|")
        lines = {
            "`run diff --code`, 2,000 files, the same": "run diff -r first_1 -r first_1 --code",
            "`run diff --code`, 20 of 2,000 files differ": "run diff -r first_1 -r some_1 --code",
            "`run diff`, 20 of 2,000 files differ": "run diff -r first_1 -r some_1",
            "`run diff --code`, all 2,000 files differ": "run diff -r first_1 -r all_1 --code",
            "`run diff`, all lines of 2,000 files differ": "run diff -r first_1 -r rewritten_1",
            "`monitor-logs --tail 20`, 2 GB": "run monitor-logs -r first_1 --tail 20",
            "`monitor-logs --tail 1000 --timestamps`, 2 GB": "run monitor-logs -r first_1 --tail 1000 --timestamps",
            "`monitor-logs --since`, 2 GB": f"run monitor-logs -r first_1 --since {since} --tail 1000",
        }
        for name, line in lines.items():
            words = [MLRUN, *line.split(), "-w", DEFAULT_WORKSPACE]
            print_row(name, timed(words, folder=folder, environment=environment_for(home)))


def _make_files(source: Path, changed: int, function: str = "compute") -> Path:
    """Create files of 100 lines, of which those with the first numbers have another line in the middle."""
    for number in range(_FILES):
        path = source / f"part{number % 40:02}" / f"{number:04}.py"
        path.parent.mkdir(parents=True, exist_ok=True)
        lines = [f"value_{line} = {function}({number}, {line})\n" for line in range(100)]
        if number < changed:
            lines[50] = "value_50 = None\n"
        path.write_text("".join(lines), encoding="utf-8")
    return source


def _add_run(workspace: Workspace, run_id: str, source: Path) -> None:
    snapshot_id = create_snapshot(workspace, source)
    with workspace.transaction():
        experiment, number = workspace.experiments.reserve_run_numbers("exp")
        key = workspace.runs.insert(
            experiment,
            number,
            run_id,
            status=RunStatus.COMPLETED,
            run_type=SCRIPT_RUN,
            user_name="me",
            target="local",
            started_at=now(),
            ended_at=now(),
        )
        workspace.runs.add_properties(key, {"ContentSnapshotId": snapshot_id})
    workspace.get_run_folder(run_id).create()


def _write_log(workspace: Workspace, run_id: str) -> str:
    """Write a log of 2 GB with the marks of its lines; return the time before the last piece."""
    folder = workspace.get_run_folder(run_id)
    recorder = LogTimeRecorder(folder)
    number, since = 0, 0
    with folder.stdout.open("w", encoding="utf-8") as log:
        while log.tell() < _LOG_BYTES:
            since = now()
            log.write("".join(f"epoch {number} step {step} loss 0.123456789\n" for step in range(_PIECE_LINES)))
            log.flush()
            recorder.record()
            number += 1
    return format_iso(since)


if __name__ == "__main__":
    main(parse_folder(__doc__))
