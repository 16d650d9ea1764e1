"""`run cancel`: of all that filters leave, after a question, and of a script that ignores it."""

from __future__ import annotations

import pytest

from tests.acceptance.terminal import Terminal
from tests.running import COMMAND, LIVE, Mlrun, until


def test_cancel_all_takes_those_that_the_filters_leave(mlrun: Mlrun) -> None:
    mlrun.script("import time; time.sleep(600)")
    runs = [mlrun.submit() for _ in range(2)]
    other = mlrun.submit("-e", "other", "train.py")
    mlrun("run", "update", "-r", runs[0], "--add-tag", "keep=no")
    assert mlrun.fails("run", "cancel", "--all", "--where", "not los < 1").code == "InvalidFilter"
    canceled = mlrun.json("run", "cancel", "--all", "--where", "tag.keep = no", "--grace", "1s")
    assert [run["run_id"] for run in canceled] == [runs[0]]
    assert mlrun.wait(runs[0])["status"] == "Canceled"
    assert [run["run_id"] for run in mlrun.json("run", "cancel", "--all", "--last", "5")] == [runs[1]]
    assert mlrun.wait(runs[1])["status"] == "Canceled"
    assert mlrun.show(other)["status"] in LIVE
    assert [run["run_id"] for run in mlrun.json("run", "cancel", "-r", other, "-r", runs[0])] == [other, runs[0]]


def test_cancel_kills_a_script_that_ignores_it_after_the_grace(mlrun: Mlrun) -> None:
    mlrun.script("""
        import signal, time
        signal.signal(signal.SIGTERM, lambda *_: print("not now", flush=True))
        print("ready", flush=True)
        while True: time.sleep(1)
    """)
    run_id = mlrun.submit()
    until(lambda: "ready" in mlrun.log(run_id))
    mlrun("run", "cancel", "-r", run_id, "--grace", "0.3")
    run = mlrun.wait(run_id)
    assert (run["status"], run["signal"]) == ("Canceled", "SIGKILL")
    assert "not now" in mlrun.log(run_id)


@pytest.mark.parametrize(
    ("words", "answer", "exit_code"),
    [((), "y\r", 0), ((), "n\r", 1), (("--yes",), None, 0), (("-r", "@latest"), None, 0)],
)
def test_cancel_of_all_asks_on_a_terminal(
    mlrun: Mlrun, words: tuple[str, ...], answer: str | None, exit_code: int
) -> None:
    mlrun.script("import time; time.sleep(600)")
    run_id = mlrun.submit("--async", "train.py")
    chosen = words if "-r" in words else ("--all", *words)
    with Terminal(mlrun, [COMMAND, "run", "cancel", *chosen]) as terminal:
        if answer is not None:
            terminal.wait_for("Cancel 1 run of experiment 'exp' in workspace 'default'? [y/N]: ")
            terminal.type(answer)
        assert terminal.wait() == exit_code
    assert ("[y/N]" in terminal.output) is (answer is not None)
    assert ("Nothing was canceled." in terminal.output) is (exit_code == 1)
    if exit_code:
        assert mlrun.show(run_id)["status"] in LIVE
        mlrun("run", "cancel", "--all")
    mlrun.wait_for_status(run_id, "Canceled")
