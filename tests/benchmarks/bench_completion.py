"""Time the answers to a shell that completes a line, in workspaces of several sizes.

    python -m tests.benchmarks.bench_completion [RUNS ...]

RUNS (default: 10 100000) are the sizes.
"""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path

from tests.benchmarks.arguments import parse_sizes
from tests.benchmarks.seed import EXPERIMENT, run_id, seed_pages
from tests.benchmarks.timing import MLRUN, environment_for, print_machine, print_row, timed

_LINES = {
    "verbs": ["run", ""],
    "options": ["run", "list", "--"],
    "run ids": ["run", "show", "-r", ""],
    "run ids, most of the runs begin so": ["run", "show", "-r", "s"],
    "run ids, one run begins so": ["run", "show", "-r", run_id(7)],
    "ids of live runs": ["run", "cancel", "-r", ""],
    "experiments": ["run", "list", "-e", ""],
    "metrics and parameters": ["run", "list", "--sort", ""],
    "tags": ["run", "list", "--tags", ""],
}


def main(sizes: Sequence[int]) -> None:
    """Seed a workspace of each size and print the table."""
    print_machine()
    print("| completion | median | over `python -c pass` | ratio |\n|---|---|---|---|")
    for size in sizes:
        with tempfile.TemporaryDirectory() as top:
            _measure(Path(top), size)


def _measure(top: Path, size: int) -> None:
    home, folder = top / "home", top / "folder"
    folder.mkdir()
    seed_pages(home, size, long_curve=1)
    environment = environment_for(home)
    timed([MLRUN, "folder", "attach", "-e", f"{EXPERIMENT}-000"], folder=folder, environment=environment, runs=1)
    for name, words in _LINES.items():
        for shell in ("bash", "zsh"):
            variables = {
                "_MLRUN_COMPLETE": f"complete_{shell}",
                "COMP_WORDS": "\n".join(["mlrun", *words]),
                "COMP_CWORD": str(len(words)),
                "_TYPER_COMPLETE_ARGS": " ".join(["mlrun", *words]),
            }
            result = timed([MLRUN], folder=folder, environment={**environment, **variables})
            print_row(f"{name}, {shell}, {size:,} runs", result)


if __name__ == "__main__":
    main(parse_sizes(__doc__, 10, 100_000))
