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
        tmux.resize(60, 12)
        tmux.wait_for("2 of 2.")
        tmux.type("Enter")
        assert older in tmux.wait_for("code=0")
        tmux.run("mlrun", "run", "show", "--query", "run_id", "-o", "tsv")
        tmux.wait_for("2 of 2.")
        tmux.type("base", "completed")
        tmux.wait_for("0 of 2.")
        tmux.type("C-u", "line", "Space", "BASE")
        tmux.wait_for("1 of 2.")
        tmux.type("Enter")
        assert newer in tmux.wait_for("code=0")
        for key in ("Escape", "C-c"):
            tmux.run("mlrun", "run", "metrics")
            tmux.wait_for("2 of 2.")
            tmux.type(key)
            assert [line for line in tmux.wait_for("code=130") if "$ clear" not in line] == ["code=130", "$"]
