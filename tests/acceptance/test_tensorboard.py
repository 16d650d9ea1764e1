"""TensorBoard event files: in the shell, in the studio, in TensorBoard itself, and from scripts."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlencode
from urllib.request import urlopen

import pytest

from tests.running import Mlrun, until
from tests.sdk.driving import drive
from tests.sdk.mlflow_environments import find_mlflow_python
from tests.studio.serving import serving

WRITER = """
import os, sys, time
from azureml._wire.event_records import EventScalar, encode_scalar, encode_version

def write(folder, scalars):
    os.makedirs(folder, exist_ok=True)
    path = os.path.join(folder, "events.out.tfevents.1.host")
    with open(path, "ab") as file:
        if not file.tell():
            file.write(encode_version(1700000000.0))
        for scalar in scalars:
            file.write(encode_scalar(EventScalar(*scalar)))

write("logs/train", [("loss", step, 1700000000.0 + step, 1 / 2**step) for step in range(5)])
write("logs/validation", [("loss", 4, 1700000005.0, 0.125)])
write("logs/train", [("loss", 2, 1700000009.0, 0.5)])
"""
STAND_IN = """#!{python}
import http.server, json, os, sys
given = dict(zip(sys.argv[1::2], sys.argv[2::2]))
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        files = [os.path.join(top, name) for top, _, names in os.walk(given["--logdir"]) for name in names]
        sizes = {{os.path.relpath(file, given["--logdir"]): os.path.getsize(file) for file in files}}
        self.send_response(200)
        self.end_headers()
        self.wfile.write(json.dumps([given["--host"], sizes]).encode())
    def log_message(self, *words):
        pass
http.server.HTTPServer((given["--host"], int(given["--port"])), Handler).serve_forever()
"""


@pytest.fixture
def mlrun(tmp_path: Path) -> Iterator[Mlrun]:
    one = Mlrun(tmp_path)
    yield one
    one.close()


@pytest.fixture
def run_id(mlrun: Mlrun) -> str:
    """A run that has written event files."""
    mlrun.script(WRITER)
    return str(mlrun.ended()["run_id"])


@pytest.fixture
def stand_in(mlrun: Mlrun) -> Path:
    """A program that is called as TensorBoard is and tells the sizes of the files that it finds."""
    folder = mlrun.folder.parent / "programs"
    folder.mkdir()
    program = folder / "tensorboard"
    program.write_text(STAND_IN.format(python=sys.executable), encoding="utf-8")
    program.chmod(0o755)
    mlrun.environment["PATH"] = f"{folder}:{mlrun.environment['PATH']}"
    return program


def test_the_scalars_of_event_files_are_shown_without_tensorboard(mlrun: Mlrun, run_id: str) -> None:
    expected = {"train/loss": [1.0, 0.5, 0.5, 0.125, 0.0625], "validation/loss": 0.125}
    assert mlrun.json("run", "metrics", "-r", run_id, "--tensorboard") == expected
    last = ("run", "metrics", "-r", run_id, "--tensorboard", "--last", "--name", "train/loss")
    assert mlrun.json(*last) == {"train/loss": 0.0625}
    failure = mlrun.fails("run", "metrics", "-r", run_id, "--tensorboard", "--name", "loss", exit_code=3)
    assert "train/loss" in failure.text
    assert mlrun.metrics(run_id) == {}


def test_the_scalars_of_event_files_are_curves_in_the_studio(mlrun: Mlrun, run_id: str) -> None:
    (key,) = mlrun.stored("SELECT run_key FROM runs")
    with serving(mlrun) as studio:
        page = studio.get(studio.urls.run(run_id, "metrics"))
        assert page.status == 200
        assert "train/loss" in page.text
        assert "validation/loss" in page.text
        for over, first in (("step", 0.0), ("time", 1700000000.0)):
            query = urlencode({"runs": key[0], "events": "train/loss", "over": over})
            figure = json.loads(studio.get(studio.urls.chart_data(query)).text)
            (series,) = figure["series"]
            assert (series["x"][0], series["y"]) == (first, [1.0, 0.5, 0.5, 0.125, 0.0625])
        none = studio.get(studio.urls.chart_data(urlencode({"runs": key[0], "events": "other"})))
        assert none.status == 404


def test_tensorboard_follows_the_event_files_of_a_run(mlrun: Mlrun, stand_in: Path) -> None:
    mlrun.script(
        WRITER
        + """
while not os.path.exists(sys.argv[1]):
    time.sleep(0.02)
write("logs/train", [("loss", 6, 1.0, 2.0)])
"""
    )
    mark = mlrun.folder / "go"
    run_id = mlrun.submit("train.py", str(mark))
    name = "logs/train/events.out.tfevents.1.host"
    until((mlrun.run_folder(run_id) / "work" / "logs" / "validation").exists)
    monitor = mlrun.start("run", "monitor-tensorboard", "-r", run_id, "--local-directory", "kept")
    try:
        assert monitor.stdout is not None
        address = monitor.stdout.readline().strip()

        def read_size() -> int:
            with urlopen(address) as response:
                host, sizes = json.load(response)
            assert host == "127.0.0.1"
            return int(sizes.get(f"{run_id}/{name}", 0))

        before = until(read_size)
        mark.touch()
        mlrun.wait(run_id)
        until(lambda: read_size() > before)
    finally:
        monitor.send_signal(signal.SIGINT)
        _, errors = monitor.communicate(timeout=180)
    assert monitor.returncode == 0, errors
    kept = mlrun.folder / "kept" / run_id / name
    assert kept.read_bytes() == (mlrun.run_folder(run_id) / "work" / name).read_bytes()
    assert subprocess.run(["pgrep", "-f", f"{stand_in} --logdir"], check=False, capture_output=True).stdout == b""


def test_without_tensorboard_it_is_said_what_shows_the_scalars(mlrun: Mlrun, run_id: str) -> None:
    failure = mlrun.fails("run", "monitor-tensorboard", "-r", run_id, exit_code=1)
    assert failure.code == "ProgramNotFound"
    assert f"mlrun run metrics -r {run_id} --tensorboard" in failure.text


@pytest.mark.usefixtures("stand_in")
def test_a_driver_starts_tensorboard_and_exports_metrics(mlrun: Mlrun, run_id: str) -> None:
    mlrun.script(
        "from azureml.core import Run\nrun = Run.get_context()\n"
        "for n in range(3):\n    run.log('loss', n / 2)\nrun.log('text', 'a')\n"
        "run.log('huge', -10 ** 400)\nrun.log_row('row', x=1, y=2.5)\n"
        "with run.child_run() as child:\n    child.log('inner', 7)\n",
        "logged.py",
    )
    other = mlrun.ended("logged.py")["run_id"]
    drive(
        mlrun,
        f"""
        import glob, json, os
        from urllib.request import urlopen
        from azureml.core import Run
        from azureml.tensorboard import Tensorboard
        from azureml.tensorboard.export import export_to_tensorboard
        from azureml._wire.event_records import read_scalars

        ws = Workspace.from_config()
        tensorboard = Tensorboard([Run.get(ws, {run_id!r})], local_root="copies", port=6010)
        address = tensorboard.start()
        same(tensorboard.start(), address)
        host, sizes = json.load(urlopen(address))
        same((host, len(sizes)), ("127.0.0.1", 2))
        tensorboard.stop()
        refused(OSError, "", urlopen, address)
        Run.get(ws, {run_id!r}).display_name = "the ../first"
        named = Tensorboard(Run.get(ws, {run_id!r}), local_root="named", port=6010, use_display_name=True)
        named.start()
        named.stop()
        same(os.listdir("named"), ["the_first"])
        same(os.listdir("named/the_first"), [{run_id!r}])

        run = Run.get(ws, {other!r})
        export_to_tensorboard(run, "exported")
        def read(folder):
            (path,) = glob.glob(os.path.join(folder, "*tfevents*"))
            with open(path, "rb") as file:
                return [(one.tag, one.step, one.value) for one in read_scalars(file)]
        same(read("exported/" + run.id),
             [("loss", 0, 0.0), ("loss", 1, 0.5), ("loss", 2, 1.0), ("huge", 0, float("-inf")),
              ("row/x", 0, 1.0), ("row/y", 0, 2.5)])
        (child,) = run.get_children()
        same(read(os.path.join("exported", run.id, child.id)), [("inner", 0, 7.0)])
        export_to_tensorboard([run], "without", recursive=False)
        same(os.listdir("without"), [run.id])
        """,
    )


@pytest.mark.mlflow
def test_tensorboard_itself_reads_what_is_written_here(mlrun: Mlrun, run_id: str) -> None:
    python = find_mlflow_python("tensorboard")
    mlrun.environment["PATH"] = f"{Path(python).parent}:{mlrun.environment['PATH']}"
    monitor = mlrun.start("run", "monitor-tensorboard", "-r", run_id)
    try:
        assert monitor.stdout is not None
        address = monitor.stdout.readline().strip()

        def read_tags() -> object:
            with urlopen(f"{address}data/plugin/scalars/tags") as response:
                return json.load(response)

        assert until(read_tags).keys() == {f"{run_id}/logs/{name}" for name in ("train", "validation")}  # type: ignore[attr-defined]
    finally:
        monitor.send_signal(signal.SIGINT)
        monitor.communicate(timeout=180)
