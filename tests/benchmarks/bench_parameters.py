"""Time queries by a parameter, and the reading of the parameters of runs that an older version stored.

    python -m tests.benchmarks.bench_parameters [SIZE|HOME ...]

SIZE is how many runs a workspace that is made for it has, each with ten parameters (default: 1000, 100000 and
1000000; the last takes about 4 GB of the temporary folder and some minutes). HOME is what `MLRUN_HOME` named when
`python -m tests.benchmarks.seed` filled it. Each time is the least CPU time of several: of a page in an open workspace,
with its counts, or of a list, as a command, beyond that of `run list` without conditions.
"""

from __future__ import annotations

import shlex
import tempfile
import time
from collections.abc import Callable, Mapping
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Any

from mlrun_cli.actions.run_pages import get_run_page
from mlrun_cli.actions.runs import list_runs
from mlrun_cli.core.names import DEFAULT_RESOURCE_GROUP, DEFAULT_SUBSCRIPTION_ID, DEFAULT_WORKSPACE
from mlrun_cli.core.redaction import Redactor
from mlrun_cli.metrics.filter import MetricFilter
from mlrun_cli.runs.filter import RunFilter
from mlrun_cli.runs.order import RunOrder
from mlrun_cli.runs.parameter_filter import ParameterFilter
from mlrun_cli.store.db.sqlite.connection import SqliteDatabase
from mlrun_cli.workspace import Workspace
from mlrun_cli.workspace_locator import WorkspaceIdentity, locate_workspace
from tests.benchmarks.arguments import build_parser, parse_size_or_home
from tests.benchmarks.seed import seed_pages
from tests.benchmarks.timing import MLRUN, environment_for, measure_cpu, print_machine

_IDENTITY = WorkspaceIdentity(DEFAULT_SUBSCRIPTION_ID, DEFAULT_RESOURCE_GROUP, DEFAULT_WORKSPACE)
_EXPERIMENT = "seeded-000"
_STEPS, _STEP_RUNS = 20, 200
_ROUNDS = 5


def _where(*typed: str, experiment: str | None = None, **fields: Any) -> RunFilter:
    parameters = tuple(map(ParameterFilter.parse, typed))
    return RunFilter(experiment_name=experiment, parameters=parameters)._replace(**fields)


_PAGES: Mapping[str, tuple[RunFilter, str]] = {
    "sorted by a number": (_where(), "-parameter:lr"),
    "sorted by a text": (_where(), "parameter:optimizer"),
    "sorted by a value of few runs": (_where(), "-parameter:amp"),
    "half of the runs": (_where("lr >= 0.0003"), "-created"),
    "half of the runs, sorted": (_where("lr >= 0.0003"), "parameter:lr"),
    "a hundredth of the runs": (_where("amp = true"), "-created"),
    "a value of one run": (_where("seed = 7919"), "-created"),
    "all but one value": (_where("momentum != 0.9"), "-created"),
    "a text, sorted by a number": (_where("optimizer = adam"), "-parameter:lr"),
    "three parameters, sorted by another": (_where("lr < 0.01", "optimizer = adam", "epochs > 20"), "parameter:seed"),
    "a parameter and a metric": (
        _where("lr >= 0.01", metrics=(MetricFilter("loss", "<", 0.3),)),
        "metric:loss:last",
    ),
    "in an experiment, sorted": (_where(experiment=_EXPERIMENT), "-parameter:lr"),
    "in an experiment, filtered": (_where("lr >= 0.01", experiment=_EXPERIMENT), "-created"),
}


_LISTS = {
    "a parameter, sorted by a metric": "--where 'lr >= 0.01' --sort loss",
    "three values, sorted by a parameter": "--where 'lr < 0.01 and optimizer = adam and loss < 0.5' --sort dropout",
    "a text or a rare value": "--where 'optimizer = adam or seed = 7919' --sort loss --descending",
    "a rare value and two more": "--where 'amp = true and momentum = 0.9 and loss < 0.1' --sort loss",
    "with columns": "--where 'loss < 0.3' --sort loss --metrics best --params differing",
    "three texts and numbers": "--where 'optimizer = adam and epochs = 10 and dropout = 0.3' --sort lr",
    "a narrow range": "--where 'loss < 0.3 and loss > 0.29999' --sort lr",
    "what no run meets": "--where 'optimizer = adam and target = gpu' --sort loss",
    "two metrics that no run has": "--where 'loss < 0.5 and accuracy < 0.5' --sort lr",
    "sorted by a value that no run has": "--where 'optimizer = adam' --sort param.nothing",
    "3 % of the runs, the last ones": "--where 'loss < 0.03' --sort accuracy",
    "30 % of the runs, the last ones": "--where 'loss < 0.3' --sort accuracy",
    "50 % of the runs, the last ones": "--where 'loss < 0.5' --sort accuracy",
    "70 % of the runs, the last ones": "--where 'loss < 0.7' --sort accuracy",
    "90 % of the runs, the last ones": "--where 'loss < 0.9' --sort accuracy",
    "a half and a quarter, the last ones": "--where 'loss < 0.5 and optimizer = adam' --sort accuracy",
    "a negation, the last ones": "--where 'not (loss > 0.3)' --sort accuracy",
    "two negations that no run meets": "--where 'not loss > 0.5 and not accuracy > 0.5'",
    "two of two, the last ones": (
        "--where '(loss < 0.1 and optimizer = adam) or (loss < 0.2 and optimizer = sgd)' --sort accuracy"
    ),
    "a text in names": "--where 'name ~ \"trial 77\"' --sort accuracy",
    "a text that no parameter has": "--where 'optimizer ~ zzz' --sort loss",
    "a value without an index": "--where 'exit_code = 1' --sort loss",
    "by duration": "--where 'loss < 0.5 and accuracy < 0.5' --sort duration",
    "words of each run, the last ones": "--search usual --where 'loss < 0.3' --sort accuracy",
}
"""Options of `run list --all-experiments`."""


def main() -> None:
    """Seed a workspace of each size and print the table."""
    parser = build_parser(__doc__)
    parser.add_argument(
        "workspaces", type=parse_size_or_home, nargs="*", default=["1000", "100000", "1000000"], metavar="SIZE|HOME"
    )
    asked = parser.parse_args()
    print_machine()
    print("| page or list of runs | CPU |\n|---|---|")
    for size in asked.workspaces:
        with tempfile.TemporaryDirectory() as top:
            home = Path(size)
            if size.isdigit():
                home = Path(top) / "home"
                seed_pages(home, int(size), long_curve=1)
            locator = locate_workspace(home.resolve(), _IDENTITY)
            with Workspace.open(locator, create=False, redactor=Redactor()) as workspace:
                _measure(workspace, size)
            _measure_commands(home, size)


def _measure(workspace: Workspace, size: str) -> None:
    for name, (which, order) in _PAGES.items():
        page = partial(get_run_page, workspace, which, RunOrder.parse(order))
        _print_row(f"{name}, {size}", _measure_call(page))
    newest = partial(list_runs, workspace, _where("lr >= 0.01", last=10))
    _print_row(f"`run list` of the newest with a parameter, {size}", _measure_call(newest))
    _read_older(workspace, size)


def _measure_call(call: Callable[[], object]) -> float:
    """Return the least CPU time of some calls in milliseconds."""
    times = []
    for _ in range(_ROUNDS):
        began = time.process_time()
        call()
        times.append(time.process_time() - began)
    return min(times) * 1000


def _measure_commands(home: Path, size: str) -> None:
    """Print how much more CPU time `run list` takes with conditions, an order and columns than without."""
    with tempfile.TemporaryDirectory() as folder:
        plain = 0.0
        for name, words in {"`run list`": "", **_LISTS}.items():
            command = [MLRUN, "run", "list", "-w", DEFAULT_WORKSPACE, "--all-experiments", *shlex.split(words)]
            least = min(measure_cpu(command, Path(folder), environment_for(home)) for _ in range(_ROUNDS))
            plain = plain or least
            _print_row(f"{name}, {size}", least - plain if words else least)


def _print_row(name: str, milliseconds: float) -> None:
    print(f"| {name} | {milliseconds:.0f} ms |", flush=True)


def _read_older(workspace: Workspace, size: str) -> None:
    """Print how fast parameters are read, of runs from which they are removed first."""
    newest = workspace.runs.list(RunFilter(include_children=True, last=_STEPS * _STEP_RUNS))
    with closing(SqliteDatabase(workspace.folder / "workspace.db")) as database, database.transaction():
        database.execute("DELETE FROM run_parameters WHERE run_key >= :first", first=newest[-1].key)
        database.execute(
            "INSERT INTO unread_runs SELECT run_key FROM runs WHERE run_key >= :first", first=newest[-1].key
        )
    began = time.perf_counter()
    while workspace.parameters.store_unread_parameters(_STEP_RUNS):
        pass
    seconds = time.perf_counter() - began
    print(f"| parameters of older runs, {size} | {len(newest) / seconds:,.0f} runs a second |", flush=True)


if __name__ == "__main__":
    main()
