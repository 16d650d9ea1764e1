"""Measure the processor time of commands, and count and time what they import, by package.

    python -m tests.benchmarks.bench_imports [RUNS]

RUNS (default: 12) processes are started of each command, in turn with `python -c pass`, of which the least time counts,
with its ratio to the least of those; then as many that time their imports. Of each module the shortest time counts,
without what it imports itself. Python's own way of measuring costs some, too: the sum is more than the command needs
without it.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path

from tests.benchmarks.arguments import parse_numbers
from tests.benchmarks.timing import MLRUN, PASS, environment_for, measure_cpu, print_machine

OWN, STANDARD = "mlrun_cli", "standard library"
_BEGIN = "import time:"
_COMMANDS = {
    "--help": ["--help"],
    "run list": ["run", "list"],
    "run show": ["run", "show", "-r", "@latest"],
    "run update": ["run", "update", "-r", "@latest", "--add-tag", "seen=yes"],
    "submit-script --async": ["run", "submit-script", "--async", "train.py"],
    "submit-script": ["run", "submit-script", "train.py"],
}
_SUPERVISOR = """
from mlrun_cli.core.module_loading import suspend_garbage_collection
suspend_garbage_collection()
from mlrun_cli.core.deferred_modules import RARELY_USED_BY_PROGRAMS, defer_modules
defer_modules(RARELY_USED_BY_PROGRAMS)
from pathlib import Path
from mlrun_cli.runtime.program_start import detach_program
import mlrun_cli.supervisor.program
detach_program(Path("/workspaces/subscription/group/name"))
"""
"""What its program does until it opens the workspace."""


def main(runs: int) -> None:
    """Print a line for each command and for a supervisor."""
    print_machine()
    print("| command | CPU time | this package | Typer | others | standard library |\n|---|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as top:
        home, folder = Path(top, "home"), Path(top, "folder")
        folder.mkdir()
        (folder / "train.py").touch()
        environment = environment_for(home)
        for words in (["folder", "attach"], ["run", "submit-script", "train.py"]):
            subprocess.run([MLRUN, *words], cwd=folder, env=environment, check=True, capture_output=True)
        commands = {name: [MLRUN, *words] for name, words in _COMMANDS.items()}
        for name, words in {**commands, "a supervisor": ["-c", _SUPERVISOR]}.items():
            command = [sys.executable, *words]
            pairs = [
                (measure_cpu(command, folder, environment), measure_cpu(PASS, folder, environment)) for _ in range(runs)
            ]
            least, nothing = map(min, zip(*pairs, strict=True))
            _print_row(name, f"{least:.0f} ms ({least / nothing:.1f})", _import_times(words, folder, environment, runs))


def _print_row(name: str, cpu: str, times: Mapping[str, int]) -> None:
    packages: defaultdict[str, list[int]] = defaultdict(list)
    for module, microseconds in times.items():
        packages[_package(module)].append(microseconds)
    cells = [f"{len(found)}: {sum(found) / 1000:.0f} ms" for found in map(packages.__getitem__, _ORDER)]
    print(f"| `{name}` | {cpu} | {' | '.join(cells)} |", flush=True)


_ORDER = (OWN, "typer", "others", STANDARD)


def _package(module: str) -> str:
    top = module.partition(".")[0]
    if top in sys.stdlib_module_names or top.startswith("_") or top in {"sitecustomize", "usercustomize"}:
        return STANDARD
    return top if top in _ORDER else "others"


def _import_times(words: Sequence[str], folder: Path, environment: Mapping[str, str], runs: int) -> Mapping[str, int]:
    """Return the shortest time in microseconds of each module that a command of Python imports."""
    shortest: dict[str, int] = {}
    for _ in range(runs):
        command = [sys.executable, "-X", "importtime", *words]
        printed = subprocess.run(
            command, cwd=folder, env=environment, check=True, capture_output=True, text=True
        ).stderr
        for line in printed.splitlines():
            own, _, name = line.removeprefix(_BEGIN).split("|") if line.startswith(_BEGIN) else ("", "", "")
            if own.strip().isdigit():
                shortest[name.strip()] = min(int(own), shortest.get(name.strip(), sys.maxsize))
    return shortest


if __name__ == "__main__":
    main(*parse_numbers(__doc__, runs=12))
