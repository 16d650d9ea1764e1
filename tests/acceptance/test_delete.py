"""What `run delete` asks, and the runs that it leaves alone."""

from __future__ import annotations

import pytest

from tests.acceptance.installed import run_count
from tests.acceptance.terminal import Terminal
from tests.running import COMMAND, Mlrun

_PARENT = "from azureml.core import Run; Run.get_context().child_run().complete()"


def test_delete_without_a_terminal_needs_yes(mlrun: Mlrun) -> None:
    mlrun.script("")
    run_id = mlrun.ended()["run_id"]
    failure = mlrun.fails("run", "delete", "-r", run_id)
    assert failure.code == "ConfirmationRequired"
    assert "--yes" in failure.text
    assert mlrun.json("run", "delete", "-r", run_id, "--yes") == [run_id]
    assert run_count(mlrun) == 0
    mlrun.fails("run", "show", "-r", run_id, exit_code=3)


def test_a_deleted_run_is_known_by_its_id_and_its_name(mlrun: Mlrun) -> None:
    mlrun.script("")
    run_id = mlrun.ended("--display-name", "my run", "train.py")["run_id"]
    mlrun("run", "delete", "-r", run_id, "--yes")
    for typed, written in ((run_id, run_id), (run_id[:-1], run_id[:-1]), ("my run", "'my run'")):
        assert f"mlrun run restore -r {written}" in mlrun.fails("run", "view", "-r", typed, exit_code=3).hint
    assert "restore" not in mlrun.fails("run", "view", "-r", "run", exit_code=3).hint

    mlrun.ended()
    beginning, _, _ = run_id.partition("_")  # the other run's id begins so too
    failure = mlrun.fails("run", "view", "-r", beginning, "-e", "other", exit_code=3)
    assert "-e" in failure.hint and "restore" not in failure.hint


def test_delete_leaves_runs_alone_that_have_not_ended(mlrun: Mlrun) -> None:
    mlrun.script("")
    mlrun.script("import time; time.sleep(600)", "sleep.py")
    ended, live = mlrun.ended()["run_id"], mlrun.submit("sleep.py")
    assert live in mlrun.fails("run", "delete", "-r", ended, "-r", live, "--yes").text
    assert run_count(mlrun) == 2
    assert mlrun.json("run", "delete", "--all", "--status", "completed", "--yes") == [ended]
    assert mlrun.json("run", "delete", "--all", "-y") == []
    assert run_count(mlrun) == 1


@pytest.mark.parametrize(
    ("answer", "exit_code", "left"),
    [("y\r", 0, 0), ("n\r", 1, 1), ("\r", 1, 1), ("what\rYES\r", 0, 0), ("\x03", 130, 1), ("\x04", 130, 1)],
)
def test_delete_asks_on_a_terminal(mlrun: Mlrun, answer: str, exit_code: int, left: int) -> None:
    mlrun.script("")
    mlrun.ended()
    with Terminal(mlrun, [COMMAND, "run", "delete", "-r", "@latest"]) as terminal:
        terminal.wait_for("Delete 1 run of experiment 'exp' in workspace 'default', restorable for 30 days? [y/N]: ")
        terminal.type(answer)
        assert terminal.wait() == exit_code
    assert ("Nothing was deleted." in terminal.output) is (exit_code == 1)
    assert run_count(mlrun) == left


def test_delete_permanently_takes_runs_that_are_in_the_trash_already(mlrun: Mlrun) -> None:
    mlrun.script("")
    first, second, third = (mlrun.ended()["run_id"] for _ in range(3))
    mlrun("run", "delete", "-r", first, "-r", second, "--yes")
    trash = mlrun.database.parent / "trash"
    assert {path.name for path in trash.iterdir()} == {first, second}

    assert mlrun.fails("run", "delete", "-r", first, "--yes", exit_code=3).code == "RunNotFound"
    assert mlrun.fails("run", "delete", "-r", first, "-e", "other", "--permanently", "-y", exit_code=3).code
    assert mlrun.json("run", "delete", "-r", third, "-r", first[:-1], "--permanently", "--yes") == [third, first]

    assert [path.name for path in trash.iterdir()] == [second]
    assert [each["run_id"] for each in mlrun.json("run", "list", "--deleted")] == [second]
    with Terminal(mlrun, [COMMAND, "run", "delete", "-r", second, "--permanently"]) as terminal:
        terminal.wait_for("Delete 1 run of experiment 'exp' in workspace 'default' for good? [y/N]: ")
        terminal.type("y\r")
        assert terminal.wait() == 0
    assert mlrun.json("run", "list", "--deleted") == []
    assert mlrun.fails("run", "delete", "-r", second, "--permanently", "--yes", exit_code=3).code == "RunNotFound"


def test_restore_takes_the_newest_run_of_the_trash_and_yes(mlrun: Mlrun) -> None:
    mlrun.script("")
    first, second, third = (mlrun.ended()["run_id"] for _ in range(3))
    assert mlrun.fails("run", "restore", "-r", "@latest", exit_code=3).code == "RunNotFound"
    for run_id in (second, first):
        mlrun("run", "delete", "-r", run_id, "--yes")

    assert [each["run_id"] for each in mlrun.json("run", "restore", "-r", "@latest", "-y")] == [second]
    assert mlrun.fails("run", "restore", "-r", "@latest", "-e", "other", exit_code=3).code == "RunNotFound"
    assert [each["run_id"] for each in mlrun.json("run", "restore", "-r", "@latest")] == [first]

    assert {each["run_id"] for each in mlrun.json("run", "list")} == {first, second, third}
    mlrun("experiment", "delete", "-e", "exp", "--yes")
    mlrun("experiment", "restore", "-e", "exp", "--yes")
    assert run_count(mlrun) == 3


def test_an_empty_id_is_that_of_no_run(mlrun: Mlrun) -> None:
    """As of a shell's variable that is not set."""
    mlrun.script("from azureml.core import Run; Run.get_context().display_name = ''")
    mlrun("run", "delete", "-r", mlrun.ended()["run_id"], "--yes")
    assert mlrun.fails("run", "restore", "-r", "").code == "InvalidName"
    assert run_count(mlrun) == 0
    mlrun("run", "restore", "-r", "@latest")
    for words in (("show",), ("cancel",), ("delete", "--yes")):
        assert mlrun.fails("run", *words, "-r", "").code == "InvalidName"
    assert run_count(mlrun) == 1


def test_what_is_restored_already_is_told_from_what_never_was(mlrun: Mlrun) -> None:
    mlrun.script("")
    run_id = mlrun.ended()["run_id"]
    mlrun("experiment", "delete", "-e", "exp", "--yes")
    gone = mlrun.fails("experiment", "show", "-n", "exp", exit_code=3)
    assert "mlrun experiment restore -e exp" in gone.hint
    mlrun("experiment", "restore", "-e", "exp")
    for words, name in ((("experiment", "restore", "-e", "exp"), "exp"), (("run", "restore", "-r", run_id), run_id)):
        again = mlrun.fails(*words, exit_code=3)
        assert f"'{name}' is not deleted" in again.message
    for words in (("experiment", "restore", "-e", "other"), ("run", "restore", "-r", "other")):
        never = mlrun.fails(*words, exit_code=3)
        assert "'other' in the trash" in never.message
        assert f"mlrun {words[0]} list --deleted" in never.hint


def test_what_is_asked_counts_the_child_runs_in_the_trash_that_go_too(mlrun: Mlrun) -> None:
    mlrun.script(_PARENT)
    stored, trashed = (mlrun.ended()["run_id"] for _ in range(2))
    children = {
        run_id: mlrun.json("run", "list", "--parent-run-id", run_id)[0]["run_id"] for run_id in (stored, trashed)
    }
    for run_id in (*children.values(), trashed):
        mlrun("run", "delete", "-r", run_id, "-y")

    for run_id, child in children.items():
        with Terminal(mlrun, [COMMAND, "run", "delete", "-r", run_id, "--permanently"]) as terminal:
            terminal.wait_for("Delete 2 runs of experiment 'exp' in workspace 'default' for good? [y/N]: ")
            terminal.type("n\r")
            assert terminal.wait() == 1
        assert mlrun.json("run", "delete", "-r", run_id, "--permanently", "-y") == [run_id, child]
    assert mlrun.json("run", "list", "--deleted") == []


def test_runs_in_the_trash_are_named_with_permanently_alone_and_without_filters(mlrun: Mlrun) -> None:
    mlrun.script("")
    run_id = mlrun.ended()["run_id"]
    mlrun("run", "delete", "-r", run_id, "-y")

    words = ("run", "delete", "-r", run_id, "-y")
    assert mlrun.fails(*words, "--leave-files", exit_code=3).code == "RunNotFound"
    for filters in (["--status", "failed"], ["--last", "1"], ["--where", "lr > 1"]):
        assert mlrun.fails(*words, "--permanently", *filters).code == "ConflictingOptions"
    assert [each["run_id"] for each in mlrun.json("run", "list", "--deleted")] == [run_id]
