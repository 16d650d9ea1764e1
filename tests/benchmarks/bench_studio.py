"""Time the studio's pages, compared with MLflow's server on similar runs.

    python -m tests.benchmarks.bench_studio [--mlflow PROGRAM] [--log-bytes N] [--points N] [SIZE|HOME ...]

SIZE is how many runs a workspace that is made for it has (default: 1000, 100000 and 1000000; the last takes about
2.5 GB of the temporary folder and some minutes). HOME is what `MLRUN_HOME` named when
`python -m tests.benchmarks.seed` filled it; runs are added to it. The last of them is the one in which charts, the log
(default: 2 GB) and live pages are measured. Pages are asked for by HTTP and read to their last byte, and each time is a
median of requests that take turns with `python -c pass`; charts are timed in Debian's chromium, from the navigation to
the drawn canvas.

PROGRAM is the command `mlflow` of an environment of its own. Its page is one script that asks its server: timed are the
requests for the same rows and curves, without what its browser makes of them.
"""

from __future__ import annotations

import os
import socket
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from functools import partial
from http.client import HTTPConnection, HTTPResponse
from pathlib import Path
from urllib.request import HTTPCookieProcessor, HTTPHandler, Request, build_opener

from playwright.sync_api import Browser, sync_playwright

from tests.benchmarks.arguments import build_parser, parse_positive, parse_size_or_home
from tests.benchmarks.live_readers import live_readers
from tests.benchmarks.mlflow_server import MlflowServer, mlflow_serving
from tests.benchmarks.seed import LONG_CURVE_POINTS, seed_pages
from tests.benchmarks.timing import Timed, print_machine, timed_by, timed_call
from tests.running import Mlrun, until
from tests.studio.conftest import ARGUMENTS, CHROMIUM
from tests.studio.demo_pages import browser_of
from tests.studio.run_maker import query
from tests.studio.serving import Studio, serving

EXPERIMENT = "seeded-000"
LIVE_PAGES, LIVE_RUNS, LIVE_SECONDS = 50, 8, 20
STARTS = 5

_LINE = b"2026-01-31 12:00:00 step 123456 loss 0.123456 accuracy 0.987654 lr 0.001 images/s 1234\n"
_LIVE_SCRIPT = """
import time
from azureml.core import Run

run = Run.get_context()
for step in range(100_000):
    run.log("live loss", 1 / (step + 1), step=step)
    print(f"step {step}", flush=True)
    time.sleep(0.5)
"""
_DRAWN = """() => {
    const plots = [...document.querySelectorAll("[data-plot]")];
    return plots.length > 0 && plots.every((plot) => plot.querySelector("canvas")) && performance.now();
}"""
_WEIGHT = """() => [...performance.getEntriesByType("navigation"), ...performance.getEntriesByType("resource")]
    .reduce((sum, entry) => sum + entry.transferSize, 0)"""


def main() -> None:
    """Run the measurements specified on the command line, and print the tables."""
    parser = build_parser(__doc__)
    parser.add_argument("--mlflow")
    parser.add_argument("--log-bytes", type=parse_positive, default=2 * 10**9)
    parser.add_argument("--points", type=parse_positive, default=LONG_CURVE_POINTS)
    parser.add_argument(
        "sizes", type=parse_size_or_home, nargs="*", default=["1000", "100000", "1000000"], metavar="SIZE|HOME"
    )
    asked = parser.parse_args()
    print_machine()
    print("| what | studio | of `python -c pass` | MLflow |\n|---|---|---|---|")
    for size in asked.sizes:
        with tempfile.TemporaryDirectory() as top, closing(_home(Path(top), size, asked.points)) as mlrun:
            ((count,),) = mlrun.stored("SELECT count(*) FROM runs")
            with serving(mlrun) as studio, _mlflow(asked.mlflow, Path(top), count, asked.points) as mlflow:
                _requests(f"{count:,} runs", studio, mlflow)
                if size == asked.sizes[-1]:
                    _in_browser(studio, mlflow, asked.points)
                    _log(mlrun, studio, asked.log_bytes)
                    _live(mlrun, studio)
            if size == asked.sizes[-1]:
                _print("`mlrun studio` until its first page", timed_by(lambda: _start(mlrun), runs=STARTS), None)


def _home(top: Path, size: str, points: int) -> Mlrun:
    """Return a command whose workspace has the given number of runs, or is in the given home."""
    mlrun = Mlrun(top, attach=False)
    if size.isdigit():
        seed_pages(mlrun.home, int(size), long_curve=points)
    else:
        mlrun.home = Path(size).resolve()
        mlrun.environment["MLRUN_HOME"] = str(mlrun.home)
    mlrun("folder", "attach", "-e", "bench")
    return mlrun


@contextmanager
def _mlflow(program: str | None, top: Path, count: int, points: int) -> Iterator[MlflowServer | None]:
    if program is None:
        yield None
        return
    with mlflow_serving(program, top, count, points) as served:
        yield served


def _requests(what: str, studio: Studio, mlflow: MlflowServer | None) -> None:
    pages = {
        "an experiment's page": (studio.urls.experiment(EXPERIMENT), ""),
        "the page of all runs": (studio.urls.runs(), ""),
        "a filter by tag": (studio.urls.runs(query(tag="model=m7")), "tags.model = 'm7'"),
        "a filter by metric": (studio.urls.runs(query(metric="accuracy > 0.9")), "metrics.accuracy > 0.9"),
        "sorted by a parameter": (studio.urls.runs(query(sort="-parameter:lr")), None),
        "a filter by a parameter": (studio.urls.runs(query(parameter="lr >= 0.01")), None),
        "a rare value of a parameter": (studio.urls.runs(query(parameter="amp = true")), None),
        "an equal parameter, sorted by another": (
            studio.urls.runs(query(parameter="optimizer = adam", sort="parameter:lr")),
            None,
        ),
        "a search for words": (studio.urls.runs(query(search="fantastic")), None),
    }
    for name, (address, condition) in pages.items():
        other = None
        if mlflow is not None and condition is not None:
            other = timed_call(partial(mlflow.search, condition))
        _print(f"{name}, {what}", timed_call(partial(_get, studio, address)), other)


def _in_browser(studio: Studio, mlflow: MlflowServer | None, points: int) -> None:
    long = studio.urls.experiment(_experiment_of_newest(studio), query(chart="curve:long:step", size="25"))
    many = studio.urls.runs(query(chart="curve:curve:step", size="200"))
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=list(ARGUMENTS))
        for name, address, metric, count in (
            (f"a chart of {points:,} points drawn", long, "long", 1),
            ("200 overlaid curves drawn", many, "curve", 200),
        ):
            other = None
            if mlflow is not None:
                other = timed_call(partial(mlflow.curves, metric, mlflow.names[-count:]), runs=3)
            _print(name, _timed_drawing(browser, studio, address), other)
        weights = [_weight(browser, studio, studio.urls.experiment(EXPERIMENT))]
        if mlflow is not None:
            weights.append(_weight(browser, studio, f"{mlflow.address}/#/experiments/0"))
        browser.close()
    print(f"| page weight | {' | | '.join(f'{weight / 1000:.0f} kB' for weight in weights)} |", flush=True)


def _experiment_of_newest(studio: Studio) -> str:
    """Return the experiment whose newest run has the long curve."""
    text = studio.get(studio.urls.runs("size=25")).text
    return text[text.index("data-row") :].split("/experiments/", 1)[1].split('"', 1)[0]


def _timed_drawing(browser: Browser, studio: Studio, address: str) -> Timed:
    def draw() -> float:
        with browser_of(browser, studio) as context:
            page = context.new_page()
            page.goto(address)
            return float(page.wait_for_function(_DRAWN, timeout=120_000).json_value())

    return timed_by(draw, runs=5)


def _weight(browser: Browser, studio: Studio, address: str) -> int:
    with browser_of(browser, studio) as context:
        page = context.new_page()
        page.goto(address)
        page.wait_for_timeout(3000)
        return int(page.evaluate(_WEIGHT))


def _log(mlrun: Mlrun, studio: Studio, size: int) -> None:
    mlrun.script("print('begun')", "prints.py")
    run_id = mlrun.submit("prints.py")
    mlrun.wait(run_id)
    path = mlrun.run_folder(run_id) / "artifacts" / "user_logs" / "std_log.txt"
    block = _LINE * (2**24 // len(_LINE))
    with path.open("wb") as file:
        for _ in range(max(1, size // len(block))):
            file.write(block)
    address, name = studio.urls.run(run_id, "logs"), f"a log of {path.stat().st_size / 1e9:.2g} GB"
    before = _memory(studio)
    _print(f"the end of {name}", timed_call(partial(_get, studio, address)), None)
    middle = f"{studio.urls.file(run_id, 'logs', 'user_logs/std_log.txt')}?from={size // 2}"
    _print(f"the middle of {name}", timed_call(partial(_get, studio, middle)), None)
    print(f"| memory of the server, more after {name} | {_memory(studio) - before:.1f} MB | | |", flush=True)
    path.unlink()


def _live(mlrun: Mlrun, studio: Studio) -> None:
    mlrun.script(_LIVE_SCRIPT, "live.py")
    ids = [mlrun.submit("live.py") for _ in range(LIVE_RUNS)]
    for run_id in ids:
        mlrun.wait_for_status(run_id, "Running")
    addresses = [studio.urls.experiment("bench"), *(studio.urls.run(run_id, "metrics") for run_id in ids)]
    with live_readers(studio, [addresses[place % len(addresses)] for place in range(LIVE_PAGES)]) as readers:
        until(lambda: readers.pages >= LIVE_PAGES)
        pages, cpu, began = readers.pages, _cpu(studio), time.perf_counter()
        time.sleep(LIVE_SECONDS)
        span = time.perf_counter() - began
        share, rate = (_cpu(studio) - cpu) / span, (readers.pages - pages) / span
        print(
            f"| {LIVE_PAGES} open live pages on {LIVE_RUNS} running runs, {rate:.0f} pages a second"
            f" | {share:.0%} of a core, {_memory(studio):.0f} MB | | |",
            flush=True,
        )
    mlrun("run", "cancel", *(word for run_id in ids for word in ("-r", run_id)))


def _start(mlrun: Mlrun) -> float:
    """Return the milliseconds from the start of the command to the end of the first page."""
    began = time.perf_counter()
    served = mlrun.start("studio", "--no-browser", "--port", "0")
    assert served.stderr is not None
    line = next(line for line in served.stderr if "token=" in line)
    browser = build_opener(HTTPCookieProcessor(), _LoopbackHandler())
    with browser.open(line.split("Studio: ", 1)[1].strip()) as answer:
        answer.read()
    span = time.perf_counter() - began
    served.terminate()
    served.communicate()
    return span * 1000


class _LoopbackHandler(HTTPHandler):
    """Opens URLs of this machine by its loopback address, as browsers do: not every resolver knows `*.localhost`."""

    def http_open(self, req: Request) -> HTTPResponse:
        return self.do_open(_LoopbackConnection, req)


class _LoopbackConnection(HTTPConnection):
    def connect(self) -> None:
        self.sock = socket.create_connection(("127.0.0.1", self.port))


def _get(studio: Studio, address: str) -> None:
    answer = studio.get(address)
    assert answer.status == 200, answer.text[:2000]


def _print(name: str, ours: Timed, theirs: Timed | None) -> None:
    other = "" if theirs is None else f"{theirs.command:.0f} ms"
    print(f"| {name} | {ours.command:.0f} ms | {ours.ratio:.1f} | {other} |", flush=True)


def _memory(studio: Studio) -> float:
    """Return the memory of the server's process in MB."""
    status = Path(f"/proc/{studio.process.pid}/status").read_text("ascii")
    return int(status.split("VmRSS:", 1)[1].split()[0]) / 1000


def _cpu(studio: Studio) -> float:
    """Return the processor time of the server's process in seconds."""
    fields = Path(f"/proc/{studio.process.pid}/stat").read_text("ascii").rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


if __name__ == "__main__":
    main()
