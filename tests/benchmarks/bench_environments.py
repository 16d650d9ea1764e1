"""Time runconfigs and environments: parsing, `show`, cached environments, and builds.

    python -m tests.benchmarks.bench_environments [RUNS]

RUNS (default: 100) are submitted at once and ask for one new environment. Packages come from the package index that pip
and uv are set up for.
"""

from __future__ import annotations

import json
import os
import shutil
import statistics
import subprocess
import sys
import sysconfig
import tempfile
import time
import timeit
import venv
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from mlrun_cli.runconfigs.runconfig import read_runconfig
from tests.benchmarks.arguments import parse_numbers
from tests.benchmarks.timing import MLRUN, Timed, environment_for, print_machine, print_row, timed

CONDA = "dependencies:\n- pip:\n  - {requirement}\n"
RUNCONFIG = {
    "script": "train.py",
    "environment": {"python": {"userManagedDependencies": False, "condaDependenciesFile": "conda.yml"}},
}
FULL = "from azureml.core import RunConfiguration; RunConfiguration().save('.', 'full.runconfig')"
SCRIPT = "import time\nprint(f'began {time.time()}')\n"


def main(count: int) -> None:
    """Measure and print the tables."""
    print_machine()
    with tempfile.TemporaryDirectory() as top:
        folder, environment = Path(top) / "folder", environment_for(Path(top) / "home")
        folder.mkdir()
        environment["PATH"] = f"{Path(sys.executable).parent}:{environment['PATH']}"
        environment["UV_CACHE_DIR"] = f"{top}/uv"
        environment["PIP_CACHE_DIR"] = f"{top}/pip"
        (folder / "train.py").write_text(SCRIPT, encoding="utf-8")
        (folder / "train.runconfig").write_text(json.dumps(RUNCONFIG), encoding="utf-8")
        _ask_for(folder, "six==1.16.0")
        subprocess.run([MLRUN, "folder", "attach"], cwd=folder, env=environment, check=True, capture_output=True)
        _commands(folder, environment)
        print("\n| from submit to the script's first line, an environment of one package | seconds |\n|---|---|")
        _built_by("uv", [MLRUN], folder, environment)
        _built_by("pip", _mlrun_without_uv(Path(top)), folder, {**environment, "PATH": os.defpath})
        _many(folder, environment, count)


def _commands(folder: Path, environment: dict[str, str]) -> None:
    _call(folder, environment, sys.executable, "-c", FULL)
    spans = timeit.repeat(lambda: read_runconfig(folder / ".azureml" / "full.runconfig"), repeat=101, number=1)
    print(f"loading a runconfig with all of its keys: {statistics.median(spans) * 1000:.1f} ms\n")
    print("| command | median | over `python -c pass` | ratio |\n|---|---|---|---|")
    print_row("`runconfig show train`", _timed(folder, environment, "runconfig", "show", "train"))
    words = ("run", "submit-script", "-c", "train", "--dry-run")
    print_row("`submit-script -c train --dry-run`", _timed(folder, environment, *words))


def _built_by(name: str, mlrun: list[str], folder: Path, environment: dict[str, str]) -> None:
    cold = _first_line(mlrun, folder, environment)
    print(f"| built by {name}, nothing in its cache | {cold:.2f} |", flush=True)
    kept = statistics.median(_first_line(mlrun, folder, environment) for _ in range(5))
    print(f"| built by {name} before, and kept by mlrun | {kept:.2f} |", flush=True)
    shutil.rmtree(Path(environment["MLRUN_HOME"]) / "environments")
    print(f"| built by {name}, with its cache | {_first_line(mlrun, folder, environment):.2f} |", flush=True)


def _mlrun_without_uv(top: Path) -> list[str]:
    """Return the command of an interpreter without uv beside it."""
    builder = venv.EnvBuilder(with_pip=True)
    builder.create(top / "venv")
    python = top / "venv" / "bin" / "python"
    (packages,) = (top / "venv").glob("lib/python*/site-packages")
    installed = sysconfig.get_path("purelib")
    (packages / "mlrun.pth").write_text(f"import site; site.addsitedir({installed!r})\n", encoding="utf-8")
    return [str(python), "-c", "from mlrun_cli.cli.program import main; main()"]


def _many(folder: Path, environment: dict[str, str], count: int) -> None:
    _ask_for(folder, "six==1.15.0")
    before = _built(environment)
    started = time.perf_counter()
    words = [MLRUN, "run", "submit-script", "-c", "train", "--async"]
    with ThreadPoolExecutor(16) as pool:
        ids = list(pool.map(lambda _: json.loads(_call(folder, environment, *words))["run_id"], range(count)))
    _call(folder, environment, MLRUN, "run", "wait", "-o", "none", *(word for each in ids for word in ("-r", each)))
    took = time.perf_counter() - started
    print(f"| {count} submitted at once, all ended | {took:.1f} |")
    print(f"\nenvironments made for the {count}: {len(_built(environment) - before)}")


def _built(environment: dict[str, str]) -> set[str]:
    folder = Path(environment["MLRUN_HOME"]) / "environments"
    return {entry.name for entry in folder.iterdir() if entry.is_dir()}


def _ask_for(folder: Path, requirement: str) -> None:
    (folder / "conda.yml").write_text(CONDA.format(requirement=requirement), encoding="utf-8")


def _first_line(mlrun: list[str], folder: Path, environment: dict[str, str]) -> float:
    started = time.time()
    words = [*mlrun, "run", "submit-script", "-c", "train", "-o", "none"]
    done = subprocess.run(words, cwd=folder, env=environment, check=True, capture_output=True, text=True)
    (line,) = [line for line in done.stderr.splitlines() if line.startswith("began ")]
    return float(line.split()[1]) - started


def _timed(folder: Path, environment: dict[str, str], *words: str) -> Timed:
    return timed([MLRUN, *words], folder=folder, environment=environment)


def _call(folder: Path, environment: dict[str, str], *words: str) -> str:
    return subprocess.run(words, cwd=folder, env=environment, check=True, capture_output=True, text=True).stdout


if __name__ == "__main__":
    main(*parse_numbers(__doc__, runs=100))
