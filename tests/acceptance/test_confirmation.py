"""Commands that delete, detach or unregister something ask on a terminal, and nowhere else."""

from __future__ import annotations

import pytest

from tests.acceptance.terminal import Terminal
from tests.running import COMMAND, Mlrun

CASES = [
    (["model", "register", "-n", "cars", "-p", "data.csv"], ["model", "delete", "-i", "cars"], ["model", "list"]),
    (
        ["computetarget", "create", "amlcompute", "-n", "cpus", "--max-nodes", "1"],
        ["computetarget", "delete", "-n", "cpus"],
        ["computetarget", "list"],
    ),
    (
        ["computetarget", "create", "amlcompute", "-n", "cpus", "--max-nodes", "1"],
        ["computetarget", "detach", "-n", "cpus", "--force"],
        ["computetarget", "list"],
    ),
    (
        ["dataset", "register", "-n", "cars", "-p", "data.csv"],
        ["dataset", "unregister", "-n", "cars"],
        ["dataset", "list"],
    ),
    (["datastore", "attach-local", "cars", "."], ["datastore", "detach", "-n", "cars"], ["datastore", "list"]),
    (["notify", "add", "cmd:true"], ["notify", "remove", "1"], ["notify", "list"]),
]


@pytest.mark.parametrize(("make", "remove", "show"), CASES, ids=[" ".join(case[1][:2]) for case in CASES])
def test_what_is_removed_is_asked_about_on_a_terminal_alone(
    mlrun: Mlrun, make: list[str], remove: list[str], show: list[str]
) -> None:
    (mlrun.folder / "data.csv").write_text("a,b\n1,2\n", encoding="utf-8")
    before = mlrun.json(*show)

    def run_on_terminal(*words: str, answer: str = "") -> int:
        with Terminal(mlrun, [COMMAND, *remove, *words]) as terminal:
            if answer:
                terminal.wait_for("? [y/N]: ")
                terminal.type(answer)
            exit_code = terminal.wait()
            assert ("[y/N]" in terminal.output) is bool(answer)
            return exit_code

    mlrun(*make)
    assert run_on_terminal(answer="n\r") == 1
    assert mlrun.json(*show) != before
    assert run_on_terminal(answer="y\r") == 0
    assert mlrun.json(*show) == before
    mlrun(*make)
    assert run_on_terminal("-y") == 0
    mlrun(*make)
    mlrun(*remove)
    assert mlrun.json(*show) == before


def test_nothing_is_asked_on_the_terminal_of_a_ci_job(mlrun: Mlrun) -> None:
    mlrun("notify", "add", "cmd:true")
    with Terminal(mlrun, ["env", "CI=true", COMMAND, "notify", "remove", "1"]) as terminal:
        assert terminal.wait() == 0
        assert "[y/N]" not in terminal.output
    assert mlrun.json("notify", "list") == []
    mlrun.script("")
    run_id = mlrun.ended()["run_id"]
    with Terminal(mlrun, ["env", "TF_BUILD=True", COMMAND, "run", "delete", "-r", run_id]) as terminal:
        assert terminal.wait() == 2
        assert "--yes" in terminal.output


def test_pruning_environments_is_asked_about_if_there_are_any(mlrun: Mlrun) -> None:
    words = ["environment", "prune", "--older-than", "0s"]
    with Terminal(mlrun, [COMMAND, *words]) as terminal:
        assert terminal.wait() == 0
        assert "[y/N]" not in terminal.output
    abandoned = mlrun.home / "environments" / ("0" * 64)
    abandoned.mkdir(parents=True)
    with Terminal(mlrun, [COMMAND, *words]) as terminal:
        terminal.wait_for("? [y/N]: ")
        terminal.type("n\r")
        assert terminal.wait() == 1
    assert abandoned.exists()
    with Terminal(mlrun, [COMMAND, *words, "-y"]) as terminal:
        assert terminal.wait() == 0
    assert not abandoned.exists()


def test_environments_are_scanned_once_unless_there_is_a_question(mlrun: Mlrun) -> None:
    folder = mlrun.folder / "observer"
    folder.mkdir()
    hook = """import os, sys
def observe(event, arguments):
    if event == "os.scandir" and str(arguments[0]).endswith("/environments/" + "0" * 64):
        os.write(observed, b"scan\\n")
observed = os.open(os.environ["OBSERVED"], os.O_WRONLY | os.O_CREAT | os.O_APPEND)
sys.addaudithook(observe)
"""
    (folder / "sitecustomize.py").write_text(hook, encoding="utf-8")
    mlrun.environment.update(PYTHONPATH=str(folder), OBSERVED=str(folder / "observed"))
    for words in (["--dry-run"], ["-y"], []):
        abandoned = mlrun.home / "environments" / ("0" * 64)
        abandoned.mkdir(parents=True, exist_ok=True)
        (folder / "observed").write_bytes(b"")
        assert mlrun.json("environment", "prune", *words)["environments"] == [abandoned.name]
        assert (folder / "observed").read_text(encoding="utf-8").splitlines() == ["scan"]
        assert abandoned.exists() is (words == ["--dry-run"])
