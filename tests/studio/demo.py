"""A workspace that looks as if people had used it.

    python -m tests.studio.demo FOLDER

makes FOLDER, which must not be there yet: `FOLDER/home` is what `MLRUN_HOME` names, `FOLDER/my folder` is attached.
Some of its runs are real ones, and two of these go on until they are cancelled; the others are put into the store.
"""

from __future__ import annotations

import argparse
import math
import random
import shutil
from pathlib import Path
from typing import NamedTuple

from mlrun_cli.actions.views import save_view
from mlrun_cli.core.redaction import Redactor
from mlrun_cli.core.time import MICROSECONDS, now
from mlrun_cli.metrics.metric import VALUE, LoggedValue
from mlrun_cli.runs.status import RunStatus
from mlrun_cli.workspace import Workspace
from mlrun_cli.workspace_locator import parse_locator
from tests.running import ENDED, Mlrun
from tests.studio.run_maker import RunMaker

SCRIPTS = Path(__file__).parents[1] / "data" / "studio" / "scripts"
HOSTILE = "<script>alert(1)</script>\"'&amp;\u202e" + "x" * 90
SWEEP, BASELINE, NIGHTLY, IMPORTED = "resnet-sweep", "cifar-baseline", "nightly-regression", "imported"

_CURVE_POINTS = 60
_DAY = 86_400 * MICROSECONDS
_OUTCOMES = (*[RunStatus.COMPLETED] * 9, RunStatus.FAILED, RunStatus.COMPLETED, RunStatus.CANCELED)


class Demo(NamedTuple):
    """The workspace, and the ids of those of its runs that are worth a page.

    Attributes:
        full: has logged one of each kind, with files of each kind.
        failed: with a traceback.
        parent: of five child runs.
        endless: runs on and prints.
        trials: of the sweep, the newest first.
    """

    mlrun: Mlrun
    full: str
    failed: str
    parent: str
    endless: str
    trials: tuple[str, ...]


def make_demo(root: Path, *, trials: int = 60) -> Demo:
    """Create the demo below an existing, empty folder.

    Args:
        root: the folder.
        trials: how many runs the sweep has.
    """
    mlrun = Mlrun(root, attach=False)
    shutil.copytree(SCRIPTS, mlrun.folder, dirs_exist_ok=True)
    _commit(mlrun)
    mlrun("folder", "attach", "-e", BASELINE)
    make = RunMaker(mlrun.database.parent)
    _make_nightly(make)
    _make_imported(make)
    swept = _make_sweep(make, trials)
    _save_views(mlrun)
    full, failed, parent, endless = _submit(mlrun)
    return Demo(mlrun, full, failed, parent, endless, swept)


def _commit(mlrun: Mlrun) -> None:
    """Make the folder a git work tree with a commit, as most are."""
    for name in ("AUTHOR", "COMMITTER"):
        mlrun.environment |= {f"GIT_{name}_NAME": "ada", f"GIT_{name}_EMAIL": "ada@example.org"}
    for words in (("init", "-q", "-b", "main"), ("add", "."), ("commit", "-q", "-m", "Baseline")):
        assert mlrun.run("git", *words).returncode == 0


def _submit(mlrun: Mlrun) -> tuple[str, str, str, str]:
    """Submit real runs: a full one, a failed one, a parent, a live one, and a queue."""
    mlrun("computetarget", "create", "amlcompute", "-n", "gpu-cluster", "--max-nodes", "1")
    submit = ("run", "submit-script", "--async", "--target")
    full = mlrun.json(*submit, "local", "train.py", "--lr", "0.05", "--augment")["run_id"]
    script = mlrun.folder / "train.py"
    script.write_text(script.read_text("utf-8").replace("sgd, momentum 0.9", "adam"), "utf-8")
    failed = mlrun.json(*submit, "local", "broken.py", "--batch-size", "512")["run_id"]
    parent = mlrun.json(*submit, "local", "folds.py")["run_id"]
    endless = mlrun.json(*submit, "gpu-cluster", "endless.py")["run_id"]
    for lr in ("0.01", "0.003"):
        mlrun.json(*submit, "gpu-cluster", "train.py", "--lr", lr)
    mlrun.json("run", "submit-script", "--async", "-e", NIGHTLY, "endless.py")
    for run_id in (full, failed, parent):
        mlrun.wait_for_status(run_id, *ENDED)
    return full, failed, parent, endless


def _make_sweep(make: RunMaker, count: int) -> tuple[str, ...]:
    """Create trials over two parameters, with curves."""
    chance = random.Random(7)
    made = []
    for number in range(count):
        lr, depth = 10 ** chance.uniform(-4, -0.5), chance.choice([18, 34, 50])
        best = 0.95 - 0.05 * (math.log10(lr) + 2) ** 2 + depth / 2000
        begun = now() - 2 * _DAY + number * 1800 * MICROSECONDS
        run_id = make(
            SWEEP,
            display_name=f"trial {number + 1}",
            status=_OUTCOMES[number % len(_OUTCOMES)],
            created_at=begun,
            started_at=begun + 2 * MICROSECONDS,
            ended_at=begun + 900 * MICROSECONDS,
            duration_seconds=600 + 300 * chance.random(),
            user_name=chance.choice(["ada", "grace", "linus"]),
            target=chance.choice(["gpu-cluster", "local"]),
            script_name="train.py",
            definition={"script": "train.py", "arguments": ["--lr", f"{lr:.4f}", "--depth", str(depth)]},
            description="The best of the sweep so far." if number == count - 3 else None,
            tags={"depth": str(depth), "sweep": "july"} | ({"keep": None} if number % 7 == 0 else {}),
            properties={"author": "ada"},
        )
        make.log(run_id, *_curves(chance, best, begun))
        made.append(run_id)
    return tuple(reversed(made))


def _curves(chance: random.Random, best: float, begun: int) -> list[LoggedValue]:
    """Return loss and accuracy by steps, ten seconds apart."""
    logged = []
    for step in range(_CURVE_POINTS):
        done = 1 - math.exp(-4 * step / _CURVE_POINTS)
        accuracy = 0.1 + (best - 0.1) * done + chance.gauss(0, 0.008)
        moment = begun + (3 + 10 * step) * MICROSECONDS
        logged.append(LoggedValue(VALUE, "accuracy", moment, float(step), accuracy, None))
        logged.append(
            LoggedValue(VALUE, "loss", moment, float(step), 2.3 * (1 - accuracy) + chance.gauss(0, 0.02), None)
        )
    return logged


def _make_nightly(make: RunMaker) -> None:
    """Create a run for each night, some of which failed."""
    for night in range(20, 0, -1):
        status = RunStatus.FAILED if night in {4, 11} else RunStatus.COMPLETED
        begun = now() - night * _DAY
        make(
            NIGHTLY,
            status=status,
            created_at=begun,
            started_at=begun,
            ended_at=begun + 3600 * MICROSECONDS,
            duration_seconds=3500.0 + night,
            tags={"trigger": "cron"},
            metrics={"tests failed": float(12 if status is RunStatus.FAILED else 0), "seconds": 3500.0 + night},
        )


def _make_imported(make: RunMaker) -> None:
    """Create runs with names that a page must treat as text, however long they are."""
    for name in (HOSTILE, "😀" * 200, "ein sehr langer Name " * 12):
        make(
            IMPORTED,
            display_name=name,
            description=f"{name} **bold** <img src=x onerror=alert(1)> [link](javascript:alert(1))",
            user_name=name[:60],
            target=name[:80],
            tags={name: name, "w" * 200: None},
            properties={name: name * 2},
            metrics={name: 1.5, "nan": math.nan, "infinity": math.inf},
            definition={"script": "x.py", "arguments": [name, "--" + "y" * 120]},
        )


def _save_views(mlrun: Mlrun) -> None:
    views = {
        "what failed": "status=Failed",
        "best accuracy": "metric=accuracy+>+0.9&columns=status,display_name,metric:accuracy:max,duration,tags"
        "&sort=-metric:accuracy:max&chart=curve:accuracy:step&chart=scatter:loss:min:accuracy:max",
        "my week": "submitter=ada&since=7d",
    }
    with Workspace.connect(parse_locator(mlrun.database.parent), redactor=Redactor()) as workspace:
        for name, query in views.items():
            save_view(workspace, name, "runs", query, "ada")


def main() -> None:
    """Create the demo in the folder given on the command line, and print how to view it."""
    parser = argparse.ArgumentParser(prog="python -m tests.studio.demo", description="Make the demo's workspace.")
    parser.add_argument("folder", type=Path, help="a folder that is not there yet")
    root = parser.parse_args().folder.resolve()
    root.mkdir(parents=True)
    demo = make_demo(root)
    print(f"cd '{demo.mlrun.folder}' && MLRUN_HOME='{demo.mlrun.home}' mlrun studio")


if __name__ == "__main__":
    main()
