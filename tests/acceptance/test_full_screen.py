"""What is shown on a whole terminal: the picker, `run list --watch` and the pager."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.acceptance.installed import installed
from tests.acceptance.tmux import Tmux
from tests.running import Mlrun, until

pytestmark = pytest.mark.skipif(shutil.which("tmux") is None, reason="needs tmux")

WAIT = "import os, time\nwhile not os.path.exists(os.environ['GO']): time.sleep(0.02)"


@pytest.fixture(scope="module")
def mlrun(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mlrun]:
    root = tmp_path_factory.mktemp("screen")
    with installed(root) as mlrun:
        mlrun.environment["GO"] = str(root / "go")
        mlrun.script("")
        mlrun.script(WAIT, "wait.py")
        mlrun.submit("train.py")
        mlrun("run", "update", "-r", mlrun.submit("train.py"), "--display-name", "baseline")
        until(lambda: all(run["status"] == "Completed" for run in mlrun.json("run", "list")))
        yield mlrun


def test_a_run_is_picked_by_arrow_keys_and_typing(mlrun: Mlrun, tmp_path: Path) -> None:
    older, newer = (run["run_id"] for run in reversed(mlrun.json("run", "list")))
    with Tmux(mlrun, tmp_path / "socket") as tmux:
        tmux.run("mlrun", "run", "show", "--query", "run_id", "-o", "tsv")
        shown = tmux.wait_for("Choose a run:")
        assert [older in line for line in shown[2:4]] == [False, True]
        assert shown[2].startswith("> ✓ Completed  baseline")
        tmux.type("Down")
        tmux.wait_for("> ✓ Completed            ")
        tmux.resize(40, 12)
        tmux.wait_for("2 of 2. Enter: choose; Esc: leave.")
        tmux.resize(80, 12)
        tmux.wait_for("type: filter; Enter: choose; Esc: leave.")
        tmux.type("Enter")
        assert older in tmux.wait_for_end(0)
        tmux.run("mlrun", "run", "show", "--query", "run_id", "-o", "tsv")
        tmux.wait_for("2 of 2.")
        tmux.type("base", "completed")
        tmux.wait_for("0 of 2.")
        tmux.type("C-u", "line", "Space", "BASE")
        tmux.wait_for("1 of 2.")
        tmux.type("Enter")
        assert newer in tmux.wait_for_end(0)
        for key in ("Escape", "C-c"):
            tmux.run("mlrun", "run", "metrics")
            tmux.wait_for("2 of 2.")
            tmux.type(key)
            assert tmux.wait_for_end(130) == []
        tmux.run("env", "CI=false", "mlrun", "run", "metrics")
        tmux.wait_for("2 of 2.")
        tmux.type("C-c")
        tmux.wait_for_end(130)
        tmux.run("env", "TF_BUILD=True", "mlrun", "run", "metrics")
        tmux.wait_for_end(2)
        tmux.run("mlrun", "run", "rerun", "--dry-run", "--query", "script", "-o", "tsv")
        tmux.wait_for("Choose a run:")
        tmux.type("Enter")
        assert "train.py" in tmux.wait_for_end(0)


def test_two_runs_are_picked_one_after_the_other_where_two_are_needed(mlrun: Mlrun, tmp_path: Path) -> None:
    older, newer = (run["run_id"] for run in reversed(mlrun.json("run", "list")))
    with Tmux(mlrun, tmp_path / "socket", columns=160) as tmux:
        for verb, query in (("diff", "[before, after]"), ("compare", "[?name=='display_name'] | [0].values | keys(@)")):
            tmux.run("mlrun", "run", verb, "--query", query, "-o", "tsv")
            tmux.wait_for("Choose the first run:")
            tmux.type("Down", "Enter")
            tmux.wait_for("Choose the second run:")
            tmux.type("Enter")
            shown = tmux.wait_for_end(0)
            assert [line for line in shown if not line.startswith("Run: ")] == [older, newer]
            tmux.run("mlrun", "run", verb, "-r", older)
            tmux.wait_for_end(2)


def test_a_watched_list_changes_in_place_until_all_of_its_runs_have_ended(mlrun: Mlrun, tmp_path: Path) -> None:
    go = Path(mlrun.environment["GO"])
    run_id = mlrun.submit("wait.py")
    mlrun("run", "update", "-r", run_id, "--display-name", "waiting")
    with Tmux(mlrun, tmp_path / "socket") as tmux:
        tmux.run("mlrun", "run", "list", "--watch")
        shown = tmux.wait_for("● Running    waiting")
        assert (shown[0].split()[:3], shown[-1]) == (["Status", "Name", "Run"], "2 of 3 ended. Ctrl-C leaves.")
        tmux.resize(50, 5)
        assert [line for line in tmux.wait_for("1 more below.") if len(line) > 50] == []
        tmux.type("keys are not shown")
        tmux.resize(100, 24)
        tmux.wait_for("✓ Completed  baseline")
        tmux.type("C-c")
        left = tmux.wait_for_end(130)
        assert any(line.startswith("● Running") for line in left)
        assert not any("keys" in line or "Ctrl-C" in line for line in left)
        tmux.run("mlrun", "run", "list", "--watch", "-o", "table", "--last", "2")
        tmux.wait_for("1 of 2 ended.")
        go.touch()
        assert [line.split()[1] for line in tmux.wait_for_end(0) if line.startswith("✓")] == ["Completed"] * 2
        # Where no person looks, stdout has the result alone.
        tmux.run("sh", "-c", "mlrun run list --watch --last 1 --query '[].status' -o tsv 2>errors")
        assert "Completed" in tmux.wait_for_end(0)
        assert f"{run_id} (waiting): Completed" in (mlrun.folder / "errors").read_text()
        # A run that has ended does not leave the list, though the filter is for others.
        go.unlink()
        live = mlrun.submit("wait.py")
        tmux.run("mlrun", "run", "list", "--active", "--watch")
        tmux.wait_for("0 of 1 ended.")
        go.touch()
        assert [line.split()[2] for line in tmux.wait_for_end(0) if line.startswith("✓")] == [live]


def test_live_runs_below_the_terminal_are_counted(mlrun: Mlrun, tmp_path: Path) -> None:
    go = Path(mlrun.environment["GO"])
    go.unlink(missing_ok=True)
    live = [mlrun.submit("wait.py") for _ in range(3)]
    with Tmux(mlrun, tmp_path / "socket", lines=6) as tmux:
        tmux.run("mlrun", "top")
        shown = tmux.wait_for("2 more below.")
        assert (shown[0].split()[0], [run_id for run_id in live if any(run_id in line for line in shown)]) == (
            "3",
            live[-1:],
        )
        tmux.resize(80, 8)
        tmux.wait_for(live[0])
        tmux.type("q")
        tmux.wait_for_end(0)
    go.touch()
    for run_id in live:
        mlrun.wait(run_id)


def test_a_long_list_is_paged(mlrun: Mlrun, tmp_path: Path) -> None:
    mlrun.environment["PAGER"] = "less"
    with Tmux(mlrun, tmp_path / "socket", lines=3) as tmux:
        tmux.run("mlrun", "run", "list", "-o", "table")
        tmux.wait_for("Status")
        tmux.type("/baseline", "Enter")
        tmux.wait_for("baseline")
        tmux.type("q")
        tmux.wait_for_end(0)
        tmux.run("sh", "-c", "mlrun run list -o table --no-pager --last 1")
        tmux.wait_for_end(0)


def test_a_sweep_shows_its_runs_in_place_and_then_the_best_one_last(mlrun: Mlrun, tmp_path: Path) -> None:
    mlrun.script(
        "import os, sys, time\nfrom azureml.core import Run\nlr = float(sys.argv[2])\n"
        "Run.get_context().log('rmse', lr)\n"
        "while not os.path.exists(os.environ['OPEN']): time.sleep(0.02)\n",
        "swept.py",
    )
    mlrun.environment["OPEN"] = str(tmp_path / "open")
    words = (
        "mlrun",
        "run",
        "sweep",
        "--grid",
        "lr=0.5,0.25,0.75",
        "--concurrent",
        "3",
        "--minimize",
        "rmse",
        "swept.py",
    )
    with Tmux(mlrun, tmp_path / "socket") as tmux:
        tmux.run(*words[:3], "-o", "none", *words[3:])
        tmux.wait_for("0 of 3 runs ended, 3 live. Ctrl-C leaves.")
        tmux.type("C-c")
        assert any("monitor-logs" in line for line in tmux.wait_for_end(130))
        tmux.run(*words)
        assert tmux.wait_for("0 of 3 runs ended, 3 live")[0].split() == [
            "Status",
            "Run",
            "lr",
            "rmse",
            "Values",
            "Duration",
        ]
        (tmp_path / "open").touch()
        lines = tmux.wait_for_end(0)
        assert "Child runs: 3 completed" in lines
        (best,) = [line for line in lines if line.startswith("Best run: ")]
        assert best.endswith("_1: rmse = 0.25 with lr = 0.25")
        assert any(line.startswith("View it: ") for line in lines)
        shown = [line.split()[:5] for line in lines if line.startswith("✓")]
        assert [(line[1], line[3]) for line in shown] == [
            ("Completed", "0.75"),
            ("Completed", "0.5"),
            ("Completed", "0.25"),
        ]
