"""The commands of "A day's tasks" in the help topic on moving are run as they stand."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.running import Mlrun

PAGE = Path(__file__).parents[2] / "mlrun_cli" / "docs" / "moving.md"
README = Path(__file__).parents[2] / "README.md"


@pytest.fixture
def mlrun(tmp_path: Path) -> Iterator[Mlrun]:
    one = Mlrun(tmp_path)
    yield one
    one.close()


def list_tasks() -> dict[str, str]:
    section = PAGE.read_text(encoding="utf-8").split("## A day's tasks\n")[1].split("\n## ")[0]
    return dict(re.findall(r"^\| ([^|]+) \| `([^`]+)`\. ", section, re.MULTILINE))


def test_each_task_of_a_day_is_a_command(mlrun: Mlrun) -> None:
    readme = README.read_text(encoding="utf-8")
    script = re.search(r"cat > train\.py <<'EOF'\n(.*?)^EOF\n", readme, re.MULTILINE | re.DOTALL)
    assert script is not None
    mlrun.script(script[1] + "if options.lr > 0.5:\n    raise SystemExit('diverged')\n")
    tasks = list_tasks()
    known: dict[str, str] = {}

    def do(task: str) -> str:
        line = re.sub(r"\bID\d?\b", lambda match: known[match[0]], tasks.pop(task))
        done = mlrun.run("bash", "-c", line)
        assert done.returncode == 0, done.stderr
        return done.stdout

    known["ID"] = known["ID1"] = json.loads(do("run, with a tag"))["run_id"]
    sweep = json.loads(do("a grid"))["run_id"]
    assert mlrun.ended("train.py", "--lr", "0.9")["status"] == "Failed"
    compared = do("compare in the terminal")
    assert re.search(r"\blr\b.*\bloss\b", compared.splitlines()[0]) and len(compared.splitlines()) == 7, compared
    (best,) = json.loads(do("the best"))
    children = mlrun.json("run", "list", "--parent-run-id", sweep, "--metrics", "loss")
    assert len(children) == 3
    everything = [mlrun.json("run", "metrics", "-r", known["ID"], "--last"), *(run["metrics"] for run in children)]
    assert best["metrics"]["loss"] == min(metrics["loss"] for metrics in everything)
    assert json.loads(do("register its model"))["name"] == "line"
    again = json.loads(do("repeat with another value"))
    known["ID2"] = again["run_id"]
    assert again["tags"] == {"team": "vision", "rerun_of": known["ID"]}
    assert do("what differs in the code") == ""
    do("share")
    assert (mlrun.folder / "run.html").stat().st_size > 1000
    do("notes")
    assert mlrun.show(known["ID"])["description"] == "learns too fast"
    rows = list(csv.DictReader(io.StringIO(do("CSV"))))
    assert sorted(row["parameters.lr"] for row in rows) == ["", "0.05", "0.1", "0.2", "0.4", "0.8", "0.9"]
    assert all(float(row["metrics.loss"]) >= 0 for row in rows if row["run_id"] != sweep)
    assert len(do("all experiments").splitlines()) == 5
    repeated = mlrun.run("bash", "-c", tasks.pop("all failed again").replace("testexperiment", "exp"))
    assert repeated.returncode == 1, "lr=0.9 diverges again"
    do("delete what failed")
    assert {run["status"] for run in json.loads(mlrun("run", "list").stdout)} == {"Completed"}
    assert tasks == {}
