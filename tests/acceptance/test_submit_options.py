"""What can be said of a new run at its submission, beside its script."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from datetime import datetime
from typing import Any

import pytest

from tests.acceptance.installed import installed
from tests.running import Mlrun, find_files_with, kill

_SCRIPT = (
    "import os, time; print(os.environ['EPOCHS'], os.environ.get('API_KEY')); time.sleep(float(os.environ['EPOCHS']))"
)


@pytest.fixture(scope="module")
def mlrun(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mlrun]:
    with installed(tmp_path_factory.mktemp("options")) as command:
        command.script(_SCRIPT)
        yield command


def test_a_run_is_described_at_its_submit(mlrun: Mlrun) -> None:
    named = [
        "--display-name",
        "base",
        "--description",
        "first",
        "--tag",
        "team=a",
        "--tag",
        "seen",
        "--property",
        "by=me",
    ]
    run_id = mlrun.submit(*named, "--env", "EPOCHS=0", "--env", "API_KEY=sesame-1", "train.py")
    mlrun.wait(run_id)

    run = mlrun.show(run_id)
    assert (run["display_name"], run["description"]) == ("base", "first")
    assert run["tags"] == {"team": "a", "seen": None}
    assert run["properties"]["by"] == "me"
    assert run["run_definition"]["environmentVariables"] == {"API_KEY": "***", "EPOCHS": "0"}
    assert mlrun.log(run_id) == "0 sesame-1\n"
    assert find_files_with("sesame-1", mlrun.home) == [mlrun.run_folder(run_id) / "artifacts/user_logs/std_log.txt"]


def test_a_blank_display_name_is_refused_and_an_empty_one_is_none(mlrun: Mlrun) -> None:
    (mlrun.folder / "steps.yml").write_text(
        "pipeline: {name: p, steps: {a: {python_script_step: {script_name: train.py, allow_reuse: false}}}}\n"
    )
    run_id = mlrun.submit("--display-name", "", "--env", "EPOCHS=0", "train.py")
    mlrun.wait(run_id)
    assert "display_name" not in mlrun.show(run_id)
    for words in (
        ("run", "submit-script", "--display-name", "  ", "train.py"),
        ("run", "submit-pipeline", "-y", "steps.yml", "--display-name", "  "),
        ("run", "sweep", "--display-name", "\u2003", "--grid", "lr=1,2", "--minimize", "loss", "train.py"),
        ("run", "update", "-r", run_id, "--display-name", "\t"),
    ):
        failure = mlrun.fails(*words, exit_code=2)
        assert (failure.code, "display name" in failure.text.lower()) == ("InvalidName", True), failure.text
    assert mlrun.json("run", "update", "-r", run_id, "--display-name", "named")["display_name"] == "named"
    assert "display_name" not in mlrun.json("run", "update", "-r", run_id, "--display-name", "")


def test_a_run_is_stopped_at_the_time_limit_of_its_submit(mlrun: Mlrun) -> None:
    run_id = mlrun.submit("--timeout", "0.6s", "--env", "EPOCHS=600", "train.py")
    mlrun.wait(run_id)

    run = mlrun.show(run_id)
    assert run["status"] == "Canceled"
    assert run["error"]["error"]["innerError"]["code"] == "TimeLimitReached"
    assert repr(run["run_definition"]["maxRunDurationSeconds"]) == "1"


def test_all_that_is_wrong_is_told_at_once(mlrun: Mlrun) -> None:
    words = ["--tag", "=1", "--property", "x", "--env", "API_KEY", "--timeout", "5", "--display-name", "\udcff"]

    failure = mlrun.fails("run", "submit-script", *words, "train.py")

    assert failure.codes == ["InvalidValue", "InvalidValue", "InvalidValue", "InvalidDuration", "InvalidName"]


def _reason(run: dict[str, Any]) -> str:
    return str(run["error"]["error"]["innerError"]["code"])


def test_a_run_starts_when_the_one_before_has_completed(mlrun: Mlrun) -> None:
    mlrun.script(
        "import os, sys, time\nwhile not os.path.exists(sys.argv[1]): time.sleep(0.01)\nsys.exit(int(sys.argv[2]))",
        "wait.py",
    )
    gate = mlrun.folder.parent / "gate"
    first = mlrun.submit("wait.py", str(gate), "0")
    second = mlrun.submit("--after", first, "wait.py", str(gate), "3")
    third = mlrun.submit("--after", "@latest", "wait.py", str(gate), "0")
    assert first in mlrun.show(second)["waiting_for"]
    assert mlrun.show(third)["status"] == "Queued"
    kill(*mlrun.programs("dispatcher.py"))
    gate.touch()

    ends = [mlrun.wait(run_id) for run_id in (first, second, third)]
    assert [run["status"] for run in ends] == ["Completed", "Failed", "Canceled"]
    assert ends[0]["end_time_utc"] <= ends[1]["start_time_utc"]
    assert _reason(ends[2]) == "PredecessorNotCompleted"
    assert "start_time_utc" not in ends[2]
    refused = mlrun.fails("run", "submit-script", "--after", second, "wait.py", exit_code=2)
    assert (refused.code, refused.target) == ("RunEnded", "--after")


def test_a_run_does_not_begin_before_its_time(mlrun: Mlrun) -> None:
    started = time.time()
    run_id = mlrun.submit("--begin", "+2s", "--env", "EPOCHS=0", "train.py")
    shown = mlrun.show(run_id)
    assert shown.get("waiting_for") or time.time() >= started + 2

    run = mlrun.wait(run_id)
    assert run["status"] == "Completed"
    assert datetime.fromisoformat(run["start_time_utc"]).timestamp() >= started + 2


@pytest.mark.parametrize("line", ["run list", "run show -r @latest", "queue list"])
def test_people_read_the_time_that_a_run_waits_for_on_the_clocks_here(mlrun: Mlrun, line: str) -> None:
    mlrun.environment.update(TZ="Asia/Kathmandu", COLUMNS="200")
    run_id = mlrun.submit("--begin", "2099-01-31T23:30", "train.py")
    assert "2099-01-31T17:45:00" in mlrun.show(run_id)["waiting_for"]

    assert " 2099-01-31 23:30" in mlrun(*line.split(), "-o", "table").stdout
    mlrun("run", "cancel", "-r", run_id)
    mlrun.environment.pop("TZ")


def test_a_run_of_high_priority_comes_before_those_that_wait_longer(mlrun: Mlrun) -> None:
    mlrun("computetarget", "create", "amlcompute", "-n", "one", "--max-nodes", "1")
    gate = mlrun.folder.parent / "gate of one"
    words = ["wait.py", str(gate), "0"]
    runs = [mlrun.submit("--ct", "one", *words)]
    mlrun.wait_for_status(runs[0], "Running")
    runs += [mlrun.submit("--ct", "one", "--priority", rank, *words) for rank in ("low", "normal", "high")]
    assert "2 runs before it" in mlrun.show(runs[1])["waiting_for"]
    gate.touch()

    starts = [mlrun.wait(run_id)["start_time_utc"] for run_id in runs]
    assert sorted(starts) == [starts[0], starts[3], starts[2], starts[1]]


def test_only_outputs_are_kept_where_that_is_asked_for(mlrun: Mlrun) -> None:
    mlrun.script(
        """
        import os

        os.makedirs("cache/deep")
        for path in ("cache/deep/x", "big.bin", "outputs/model", "logs/mine.txt"):
            open(path, "w").close()
        os.symlink("outputs/model", "link")
        """,
        "write.py",
    )
    run_id = mlrun.ended("--keep", "outputs", "write.py")["run_id"]

    names = [name for name in mlrun.json("run", "files", "-r", run_id) if not name.startswith(("system", "user"))]
    assert names == ["logs/mine.txt", "outputs/model"]
    assert sorted(os.listdir(mlrun.run_folder(run_id) / "work")) == ["logs", "outputs"]
