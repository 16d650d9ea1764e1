"""Measure the CPU time of lists and pages of runs with conditions, orders and words, in an open process.

    python -m tests.benchmarks.bench_queries [--above MS] [--only TEXT] [--rounds N] [SIZE|HOME]

SIZE is the number of runs of a workspace that is created for it (default: 1000000, which takes 4 GB of the temporary
folder and some minutes). HOME is what `MLRUN_HOME` named when `python -m tests.benchmarks.seed` filled it. A list is
what `run list --all-experiments` with these options takes longer than without any, a page what the studio takes to
find and count the runs on it. Each time is the least of N (default: 3). Only lines above MS milliseconds are printed,
all by default, the slowest first, and only those with TEXT in them.
"""

from __future__ import annotations

import os
import shlex
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from mlrun_cli.actions.run_pages import get_run_page
from mlrun_cli.cli.main import run_command_line
from mlrun_cli.core.names import DEFAULT_RESOURCE_GROUP, DEFAULT_SUBSCRIPTION_ID, DEFAULT_WORKSPACE
from mlrun_cli.core.redaction import Redactor
from mlrun_cli.core.time import now
from mlrun_cli.studio.runs_table.view import RunsView
from mlrun_cli.studio.runs_table.view_filter import parse_view_filter
from mlrun_cli.workspace import Workspace
from mlrun_cli.workspace_locator import WorkspaceIdentity, locate_workspace
from tests.benchmarks.arguments import build_parser, parse_positive, parse_size_or_home
from tests.benchmarks.queries import Query, list_queries
from tests.benchmarks.seed import seed_pages
from tests.benchmarks.timing import print_machine

_IDENTITY = WorkspaceIdentity(DEFAULT_SUBSCRIPTION_ID, DEFAULT_RESOURCE_GROUP, DEFAULT_WORKSPACE)
_LIST = ("run", "list", "-w", DEFAULT_WORKSPACE, "--all-experiments")
_GOAL = 150


def main() -> None:
    """Measure the queries that the command line asks for, and print the table."""
    parser = build_parser(__doc__)
    parser.add_argument("--above", type=float, default=0)
    parser.add_argument("--only", default="")
    parser.add_argument("--rounds", type=parse_positive, default=3)
    parser.add_argument("workspace", type=parse_size_or_home, nargs="?", default="1000000", metavar="SIZE|HOME")
    asked = parser.parse_args()
    queries = [query for query in list_queries() if asked.only in str(query)]
    with tempfile.TemporaryDirectory() as top:
        home = Path(asked.workspace).resolve()
        if asked.workspace.isdigit():
            home = Path(top) / "home"
            seed_pages(home, int(asked.workspace), long_curve=1)
        os.environ["MLRUN_HOME"] = str(home)
        print_machine()
        _print_table(_measure_all(home, queries, asked.rounds), asked.above)


def _measure_all(home: Path, queries: Sequence[Query], rounds: int) -> Sequence[tuple[float, Query]]:
    """Return the milliseconds of CPU time of each query."""
    with Workspace.open(locate_workspace(home, _IDENTITY), create=False, redactor=Redactor()) as workspace:
        plain = _measure(lambda: _list_runs(""), 10)
        measured = []
        for query in queries:
            if query.page is None:
                measured.append((_measure(lambda: _list_runs(query.options), rounds) - plain, query))  # noqa: B023
            else:
                measured.append((_measure(lambda: _find_page(workspace, query.page or ""), rounds), query))  # noqa: B023
    return measured


def _list_runs(options: str) -> None:
    with _discard_output():
        exit_code = run_command_line([*_LIST, *shlex.split(options)])
    if exit_code:
        raise SystemExit(f"run list {options}: exit code {exit_code}")


def _find_page(workspace: Workspace, query: str) -> None:
    view = RunsView.parse(query)
    filters = parse_view_filter(view, None, now())
    if filters.faults:
        raise SystemExit(f"{query}: {filters.faults}")
    counts_children = view.children or filters.which.include_children
    get_run_page(
        workspace,
        filters.which,
        filters.order,
        page_number=view.page,
        size=view.size,
        counts_children=counts_children,
    )


@contextmanager
def _discard_output() -> Iterator[None]:
    streams = sys.stdout, sys.stderr
    with open(os.devnull, "w", encoding="utf-8") as out, open(os.devnull, "w", encoding="utf-8") as err:
        sys.stdout, sys.stderr = out, err
        try:
            yield
        finally:
            sys.stdout, sys.stderr = streams


def _measure(call: Callable[[], None], rounds: int) -> float:
    """Return the least CPU time of some calls in milliseconds."""
    times = []
    for _ in range(rounds):
        began = time.process_time()
        call()
        times.append(time.process_time() - began)
    return min(times) * 1000


def _print_table(measured: Sequence[tuple[float, Query]], above: float) -> None:
    print("| query | CPU |\n|---|---|")
    for milliseconds, query in sorted(measured, key=lambda each: -each[0]):
        if milliseconds > above:
            print(f"| {query} | {milliseconds:.0f} ms |")
    times = sorted(milliseconds for milliseconds, _ in measured)
    slow = sum(each > _GOAL for each in times)
    print(f"\n{len(times)} queries: median {times[len(times) // 2]:.0f} ms, {slow} above {_GOAL} ms")


if __name__ == "__main__":
    main()
