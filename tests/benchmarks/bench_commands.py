"""Time the commands that query runs, in workspaces of several sizes.

    python -m tests.benchmarks.bench_commands [RUNS ...]

RUNS (default: 10 100000 1000000) are the sizes; a million runs take about 700 MB of the temporary folder.
"""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path

from tests.benchmarks.arguments import parse_sizes
from tests.benchmarks.seed import EXPERIMENT, run_id, seed
from tests.benchmarks.timing import MLRUN, environment_for, print_machine, print_row, timed


def main(sizes: Sequence[int]) -> None:
    """Seed a workspace of each size and print the table."""
    print_machine()
    print("| command | median | over `python -c pass` | ratio |\n|---|---|---|---|")
    for size in sizes:
        with tempfile.TemporaryDirectory() as top:
            _measure(Path(top), size)


def _measure(top: Path, size: int) -> None:
    home, folder = top / "home", top / "folder"
    folder.mkdir()
    seed(home, size)
    environment = environment_for(home)
    timed([MLRUN, "folder", "attach", "-e", EXPERIMENT], folder=folder, environment=environment, runs=1)
    middle = run_id(size // 2)
    commands = {
        "--help": ["--help"],
        "run list": ["run", "list"],
        "run list --status failed": ["run", "list", "--status", "failed"],
        "run list --tags model=m7": ["run", "list", "--tags", "model=m7"],
        "run list --tags model": ["run", "list", "--tags", "model"],
        "run list -o table": ["run", "list", "-o", "table"],
        "run list --query": ["run", "list", "--query", "[].run_id"],
        "run show": ["run", "show", "-r", middle],
        "run update": ["run", "update", "-r", middle, "--add-tag", "seen=yes"],
    }
    for name, words in commands.items():
        print_row(f"`{name}`, {size:,} runs", timed([MLRUN, *words], folder=folder, environment=environment))


if __name__ == "__main__":
    main(parse_sizes(__doc__, 10, 100_000, 1_000_000))
