"""Every verb of `run` with its options, on runs of real scripts."""

from __future__ import annotations

import errno
import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.acceptance.installed import bash, installed, said
from tests.running import COMMAND, LIVE, Mlrun

MINIMAL = ["RunId", "RunType", "Status", "StartTime", "EndTime", "Target", "Tags"]

TRAIN = """
import os, sys
from azureml.core import Run

run = Run.get_context()
for loss in (0.5, 0.25, 0.125):
    run.log("loss", loss)
run.log("name of it", "text")
run.log_row("row", x=1, y=2)
os.makedirs("outputs/deep", exist_ok=True)
open("outputs/deep/model.bin", "wb").write(bytes(range(256)))
os.makedirs("logs", exist_ok=True)
open("logs/mine.txt", "w").write("a log of mine")
print("printed")
sys.exit(int(sys.argv[1]))
"""


class Past:
    """A workspace with runs that have ended: two Completed, one Failed, one Canceled, one in another experiment."""

    def __init__(self, mlrun: Mlrun) -> None:
        self.mlrun = mlrun
        mlrun.script(TRAIN)
        mlrun.script("import time; time.sleep(600)", "sleep.py")
        self.completed = self._submit("train.py", "0")
        self.tagged = self._submit("train.py", "0")
        mlrun("run", "update", "-r", self.tagged, "--add-tag", "quality=fantastic run", "--add-tag", "seen")
        self.failed = self._submit("train.py", "3")
        mlrun("run", "update", "-r", self.failed, "--add-tag", "quality=poor")
        self.canceled = self._submit("sleep.py")
        mlrun.wait_for_status(self.canceled, "Running")
        mlrun("run", "cancel", "-r", self.canceled, "--grace", "0")
        mlrun("run", "wait", "-r", self.canceled, check=False)
        self.elsewhere = self._submit("-e", "elsewhere", "train.py", "0")

    def _submit(self, *words: str) -> str:
        run_id = self.mlrun.submit(*words)
        if "sleep.py" not in words:
            self.mlrun("run", "wait", "-r", run_id, check=False)
        return run_id

    def ids(self, *words: str) -> list[str]:
        """What `run list` finds."""
        return [run["run_id"] for run in self.mlrun.json("run", "list", *words)]


@pytest.fixture(scope="module")
def past(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Past]:
    with installed(tmp_path_factory.mktemp("past")) as mlrun:
        yield Past(mlrun)


def test_list_is_of_the_attached_experiment_newest_first(past: Past) -> None:
    assert past.ids() == [past.canceled, past.failed, past.tagged, past.completed]
    assert past.ids("-e", "elsewhere") == [past.elsewhere]
    assert past.ids("--last", "2") == [past.canceled, past.failed]


def test_list_by_status_in_any_letter_case_and_comma_lists(past: Past) -> None:
    assert past.ids("--status", "COMPLETED") == [past.tagged, past.completed]
    assert past.ids("--status", "failed,canceled") == [past.canceled, past.failed]
    assert past.ids("--status", "failed", "--status", "Completed", "--last", "1") == [past.failed]
    for status in ("Provisioning", "Paused", "Pausing", "Unapproved", "Queued", "NotResponding", "CancelRequested"):
        assert past.ids("--status", status) == []


def test_list_by_tags_bare_and_with_value_all_of_which_must_hold(past: Past) -> None:
    assert past.ids("--tags", "quality") == [past.failed, past.tagged]
    assert past.ids("--tags", "quality=fantastic run") == [past.tagged]
    assert past.ids("--tags", "quality", "--tags", "seen") == [past.tagged]
    assert past.ids("--tags", "quality=poor", "--tags", "seen") == []


def test_list_by_words_and_by_time(past: Past) -> None:
    assert past.ids("--search", "FANTASTIC run") == [past.tagged]
    assert past.ids("--search", "nothing of this kind") == []
    assert past.ids("--status", "active") == []
    assert past.ids("--since", "1h", "--until", "2100-01-01", "--last", "1") == [past.canceled]
    assert past.ids("--until", "1w") == []


def test_list_by_conditions_in_an_order_with_columns(past: Past) -> None:
    assert past.ids("--where", "max(loss) >= 0.5 and arg1 != 3 and not tag.seen") == [past.completed]
    assert past.ids("--where", "experiment in (elsewhere)", "--where", "loss < 1") == [past.elsewhere]
    assert past.ids("--all-experiments", "--sort", "arg1", "--descending", "--last", "1") == [past.failed]
    assert past.ids("--sort", "created", "--last", "1") == [past.completed]
    assert past.ids("--active") == []
    warned = past.mlrun("run", "list", "--where", "los < 1", "--sort", "los").stderr
    assert warned.count("'los'") == 1

    (failed,) = past.mlrun.json(
        "run", "list", "--where", "status = failed", "--metrics", "max(loss)", "--params", "all"
    )
    assert (failed["metrics"], failed["parameters"]) == ({"max(loss)": 0.5}, {"arg1": 3})


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (["--where", "status = faild"], "InvalidFilter"),
        (["--sort", "a b"], "InvalidFilter"),
        (["--sort=-loss"], "InvalidFilter"),
        (["--metrics", "tag.a"], "InvalidFilter"),
        (["--descending"], "MissingOption"),
        (["--minimal", "--params", "all"], "ConflictingOptions"),
        (["--active", "--status", "failed"], "ConflictingOptions"),
        (["--deleted", "--include-children"], "ConflictingOptions"),
        (["--all-experiments", "-e", "elsewhere"], "ConflictingOptions"),
    ],
)
def test_a_list_says_which_of_its_options_is_wrong(past: Past, words: list[str], code: str) -> None:
    assert past.mlrun.fails("run", "list", *words).code == code


def test_list_by_target_and_parent(past: Past) -> None:
    assert len(past.ids("--compute-target-name", "local")) == 4
    assert past.ids("--compute-target-name", "gpu") == []
    assert past.ids("--parent-run-id", past.completed) == []
    assert past.ids("--pipeline-run-id", past.completed) == []


def test_a_list_that_is_cut_says_so(mlrun: Mlrun) -> None:
    mlrun.script(
        """
        import sys
        from azureml.core import Experiment, Workspace
        experiment = Experiment(Workspace.from_config(), "many")
        for _ in range(int(sys.argv[1])):
            experiment.start_logging(snapshot_directory=None).complete()
        """
    )
    for count, is_cut in ((10, False), (1, True)):
        mlrun.run(str(COMMAND.with_name("python")), "train.py", str(count))
        listed = mlrun("run", "list", "-e", "many", "-o", "table")
        assert (len(listed.stdout.splitlines()), "--last N" in listed.stderr) == (11, is_cut)
        for words in (("-o", "json"), ("-o", "table", "--last", "10")):
            assert "--last N" not in mlrun("run", "list", "-e", "many", *words).stderr


def test_a_parent_is_named_as_any_run_is_by_its_id_its_beginning_or_latest(mlrun: Mlrun) -> None:
    mlrun.script("from azureml.core import Run; Run.get_context().child_run('c').complete()")
    mlrun.submit("-e", "elsewhere", "train.py")
    parent = mlrun.json("run", "submit-script", "train.py")["run_id"]
    for words in ((parent,), (parent[:-1],), ("@latest",), ("@latest", "-e", "exp")):
        for option in ("--parent-run-id", "--pipeline-run-id"):
            (child,) = mlrun.json("run", "list", option, *words)
            assert child["parent_run_id"] == parent
    listed = mlrun.json("run", "list", "--include-children")
    assert [(run["run_id"], run.get("parent_run_id")) for run in listed] == [
        (child["run_id"], parent),
        (parent, None),
    ]
    for words in (("@latest", "-e", "nowhere"), ("nobody",)):
        mlrun.fails("run", "list", "--parent-run-id", *words, exit_code=3)
    assert mlrun.json("run", "delete", "--all", "--yes", "--parent-run-id", "@latest") == [child["run_id"]]


def test_list_minimal_has_azures_keys_in_azures_order(past: Past) -> None:
    # JSON is sorted as az sorts it; the order shows where it is not.
    table = past.mlrun("run", "list", "--minimal", "-o", "table", "--query", "[]").stdout
    assert table.splitlines()[0].split() == [name for name in MINIMAL if name != "Tags"]
    rows = past.mlrun.json("run", "list", "--minimal", "--last", "1")
    assert sorted(rows[0]) == sorted(MINIMAL)
    assert rows[0]["Status"] == "Canceled"


def test_show_takes_an_id_its_beginning_and_latest(past: Past) -> None:
    whole = past.mlrun.show(past.tagged)
    assert whole["run_id"] == past.tagged
    assert whole["tags"] == {"quality": "fantastic run", "seen": None}
    assert whole["run_definition"]["script"] == "train.py"
    assert past.mlrun.show(past.tagged[:-2]) == whole
    assert past.mlrun.show("@latest")["run_id"] == past.canceled
    assert past.mlrun.json("run", "show", "-r", "@latest", "-e", "elsewhere")["run_id"] == past.elsewhere
    assert "'exp'" in past.mlrun.fails("run", "show", "-r", past.tagged, "-e", "elsewhere", exit_code=3).text


def test_records_have_azures_keys_and_no_nulls(past: Past) -> None:
    run = past.mlrun.show(past.completed)
    assert set(run) >= {
        "run_id", "run_number", "root_run_id", "experiment_id", "_experiment_name", "run_uuid", "root_run_uuid",
        "status", "created_utc", "start_time_utc", "end_time_utc", "created_by", "user_id", "hidden", "run_type",
        "script_name", "target", "tags", "properties", "run_definition", "data_container_id",
    }  # fmt: skip
    assert None not in run.values()
    assert run["data_container_id"] == f"dcid.{past.completed}"
    assert (run["run_type"], run["run_number"], run["exit_code"]) == ("azureml.scriptrun", 1, 0)
    assert run["created_utc"].endswith("Z")
    failed = past.mlrun.show(past.failed)
    assert failed["error"]["error"]["code"] == "UserError"
    assert failed["exit_code"] == 3


def test_wait_exits_by_the_outcome_of_all(past: Past) -> None:
    both = past.mlrun("run", "wait", "-r", past.completed, "-r", past.tagged)
    assert [run["run_id"] for run in json.loads(both.stdout)] == [past.completed, past.tagged]
    one_failed = past.mlrun("run", "wait", "-r", past.completed, "-r", past.failed, check=False)
    assert one_failed.returncode == 1
    assert "printed" in one_failed.stderr
    assert "exit code 3" in one_failed.stderr
    assert "std_log.txt" in one_failed.stderr


def test_wait_exits_with_124_when_time_runs_out_and_the_run_goes_on(mlrun: Mlrun) -> None:
    mlrun.script("import time; time.sleep(600)")
    run_id = mlrun.submit()
    told = mlrun.fails("run", "wait", "-r", run_id, "--timeout", "0.2s", exit_code=124)
    assert run_id in told.text
    assert mlrun.show(run_id)["status"] in LIVE


def test_verbs_that_show_and_change_take_each_of_several_runs(past: Past) -> None:
    both = ("-r", past.completed, "-r", past.tagged)
    assert [run["run_id"] for run in past.mlrun.json("run", "show", *both)] == [past.completed, past.tagged]
    assert past.mlrun.json("run", "show", *both, "-r", past.completed, "--query", "length(@)") == 2
    for verb, words in (("metrics", ("--last",)), ("files", ())):
        each = {run_id: past.mlrun.json("run", verb, "-r", run_id, *words) for run_id in (past.completed, past.tagged)}
        assert past.mlrun.json("run", verb, *both, *words) == each
    updated = past.mlrun.json("run", "update", *both, "--add-tag", "of=both")
    assert [(run["run_id"], run["tags"]["of"]) for run in updated] == [(past.completed, "both"), (past.tagged, "both")]
    past.mlrun("run", "update", *both, "--remove-tag", "of")
    assert past.mlrun("run", "update", "-r", past.tagged, *both, "--add-tag", "new=1").stderr == ""
    assert past.mlrun("run", "update", *both, "--remove-tag", "new", "--add-tag", "one").stderr == ""
    past.mlrun("run", "update", "-r", past.completed, "--remove-tag", "one")
    done = past.mlrun("run", "update", *both, "--remove-tag", "one", "--remove-tag", "seeen")
    (warning,) = said(done)
    assert "'seeen'" in warning and "seen" in warning.replace("seeen", "")
    assert said(past.mlrun("run", "update", "-r", past.completed, "--remove-tag", "seen"))


@pytest.mark.parametrize("verb", ["monitor-logs", "download", "download-logs", "open"])
def test_verbs_of_one_run_refuse_a_second_one(past: Past, verb: str, tmp_path: Path) -> None:
    where = ("-d", str(tmp_path / "out")) if verb.startswith("download") else ()
    told = past.mlrun.fails("run", verb, "-r", past.completed, *where, "--run", past.tagged)
    assert told.code == "ConflictingOptions"
    assert told.target == "--run"
    assert f"'{past.completed}' and '{past.tagged}'" in told.text
    assert not (tmp_path / "out").exists()


def test_all_of_several_runs_are_changed_or_none(past: Past) -> None:
    past.mlrun("run", "update", "-r", past.tagged, "--add-properties", "size=1")
    both = ("-r", past.completed, "-r", past.tagged)
    words = ("--add-tag", "new", "--add-properties", "size=2")
    assert "'size'" in past.mlrun.fails("run", "update", *both, *words).text
    assert [(run["tags"], run["properties"].get("size")) for run in past.mlrun.json("run", "show", *both)] == [
        ({}, None),
        ({"quality": "fantastic run", "seen": None}, "1"),
    ]


def test_metrics_by_name_and_last(past: Past) -> None:
    assert past.mlrun.metrics(past.completed) == {
        "loss": [0.5, 0.25, 0.125],
        "name of it": "text",
        "row": {"x": 1, "y": 2},
    }
    only = ("run", "metrics", "-r", past.completed, "--name", "loss")
    assert past.mlrun.json(*only) == {"loss": [0.5, 0.25, 0.125]}
    assert past.mlrun.json(*only, "--last") == {"loss": 0.125}
    assert past.mlrun(*only, "--last", "--query", "loss", "-o", "tsv").stdout == "0.125\n"
    assert "'loss'" in past.mlrun.fails(*only[:-1], "los", exit_code=3).text


def test_at_most_ten_metrics_are_named_each_on_one_line(mlrun: Mlrun) -> None:
    mlrun.script("""
        from azureml.core import Run
        for number in range(22):
            Run.get_context().log(f"loss\\n\\x1b[31m{number}", 1)
    """)
    mlrun.ended()
    told = mlrun.fails("run", "metrics", "-r", "@latest", "--name", "los", exit_code=3)
    assert told.code == "MetricNotFound"
    assert len(told.text.splitlines()) == 2
    assert told.text.count(r"loss\n\x1b[31m") == 10
    assert told.text.endswith("… and 12 more.")


def test_files_are_the_logs_and_what_the_script_wrote(past: Past) -> None:
    files = past.mlrun.json("run", "files", "-r", past.completed)
    assert {"logs/mine.txt", "outputs/deep/model.bin", "user_logs/std_log.txt"} <= set(files)
    assert "train.py" not in files
    assert files == sorted(files)


def test_download_takes_files_folders_or_all(past: Past, tmp_path: Path) -> None:
    def download(*words: str) -> list[str]:
        folder = tmp_path / "a b" / str(len(words))
        written = past.mlrun.json("run", "download", "-r", past.completed, *words, "-d", str(folder))
        return [os.path.relpath(path, folder) for path in written]

    assert download("outputs", "logs/mine.txt") == ["outputs/deep/model.bin", "logs/mine.txt"]
    assert (tmp_path / "a b" / "2" / "outputs" / "deep" / "model.bin").read_bytes() == bytes(range(256))
    assert download() == past.mlrun.json("run", "files", "-r", past.completed)
    told = past.mlrun.fails("run", "download", "-r", past.completed, "../lock", "-d", str(tmp_path), exit_code=3)
    assert told.code == "RunFileNotFound"
    assert "../lock" in told.text


def test_a_file_that_is_not_there_is_answered_with_a_line_that_works_when_it_is_pasted(mlrun: Mlrun) -> None:
    mlrun.script("")
    mlrun("folder", "attach", "--path", "../else where", "-w", "my ws", "-g", "group", "-e", "it's")
    mlrun.script("", "../else where/train.py")
    there = ("--path", "../else where")
    mlrun("run", "submit-script", *there, "train.py")
    told = mlrun.fails("run", "download", *there, "-r", "@latest", "zz", "-d", "new", exit_code=3)
    assert told.code == "RunFileNotFound"
    listed = bash(mlrun, told.text.partition("See: ")[2])
    assert "user_logs/std_log.txt" in json.loads(listed.stdout)


def test_download_to_where_nothing_can_be_written_says_so(past: Past, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for verb in ("download", "download-logs"):
        told = past.mlrun.fails("run", verb, "-r", past.completed, "-d", str(tmp_path / "file"), exit_code=1)
        assert told.code == "FileNotWritable"
        assert str(told.target).startswith(str(tmp_path / "file"))


def test_download_logs_brings_every_log(past: Past, tmp_path: Path) -> None:
    past.mlrun("run", "download-logs", "-r", past.completed, "-d", str(tmp_path / "logs"))
    assert (tmp_path / "logs" / "user_logs" / "std_log.txt").read_text(encoding="utf-8") == "printed\n"
    assert (tmp_path / "logs" / "logs" / "mine.txt").read_text(encoding="utf-8") == "a log of mine"


def test_monitor_logs_of_an_ended_run_prints_its_whole_log_and_exits_by_its_outcome(past: Past) -> None:
    done = past.mlrun("run", "monitor-logs", "-r", past.completed)
    assert (done.stdout, done.stderr) == ("printed\n", "")
    failed = past.mlrun("run", "monitor-logs", "-r", past.failed, check=False)
    assert (failed.returncode, failed.stdout) == (1, "printed\n")
    assert "exit code 3" in failed.stderr
    words = ("--since", "1h", "--timestamps", "--tail", "5", "--node", "0")
    stamped = past.mlrun("run", "monitor-logs", "-r", past.completed, *words).stdout
    printed_at, _, text = stamped.partition("Z ")
    record = past.mlrun.show(past.completed)
    assert record["start_time_utc"][:19] <= printed_at <= record["end_time_utc"][:19]
    assert text == "printed\n"
    told = past.mlrun("run", "monitor-logs", "-r", past.failed, "--failed", check=False)
    assert (told.returncode, told.stdout.splitlines()[0]) == (1, "printed")
    assert past.mlrun.fails("run", "monitor-logs", "-r", past.failed, "--failed", "--tail", "1").code == (
        "ConflictingOptions"
    )


def test_compared_runs_are_headed_by_their_names_if_these_differ(mlrun: Mlrun) -> None:
    mlrun.script("print()")
    runs = [mlrun.submit("--display-name", name, "train.py", name) for name in ("base line", "twice", "twice")]
    words = [word for run_id in runs for word in ("-r", run_id)]
    table = mlrun("run", "compare", *words, "-o", "md").stdout
    headings = [heading.strip() for heading in table.splitlines()[0].split("|")]
    assert headings[1:-1] == ["Section", "Name", "base line", *runs[1:]]


def test_compared_runs_are_columns_in_the_order_given(mlrun: Mlrun) -> None:
    mlrun.script("print()")
    runs = [mlrun.submit("train.py", name) for name in ("one", "two", "three")]
    for order in (runs, runs[::-1]):
        words = [word for run_id in order for word in ("-r", run_id)]
        header = mlrun("run", "compare", *words, "-o", "csv").stdout.splitlines()[0].split(",")
        assert header == ["section", "name", "differs", *(f"values.{run_id}" for run_id in order)]


def test_a_submit_shows_the_page_of_its_run_as_a_table(mlrun: Mlrun) -> None:
    mlrun.script("print('printed')")
    submitted = mlrun("run", "submit-script", "-o", "table", "train.py").stdout
    run_id = mlrun.json("run", "list")[0]["run_id"]
    shown = mlrun("run", "show", "-r", run_id, "-o", "table").stdout
    assert submitted.splitlines()[:2] == shown.splitlines()[:2]


def test_options_after_a_script_that_refuses_them_are_explained(mlrun: Mlrun) -> None:
    mlrun.script(
        "import argparse\nparser = argparse.ArgumentParser()\nparser.add_argument('--lr')\nparser.parse_args()"
    )
    refused = mlrun("run", "submit-script", "train.py", "--lr", "1", "--async", "--no-such", check=False)
    assert "passed to it, also --async, which submit-script has too. Write it before train.py" in refused.stderr
    other = mlrun("run", "submit-script", "train.py", "--no-such", check=False)
    assert other.returncode == 1 and "submit-script has too" not in other.stderr
    assert (
        "submit-script has too" not in mlrun("run", "submit-script", "train.py", "--lr", "--async", check=False).stderr
    )


def test_options_after_a_script_that_takes_anything_are_named_at_the_submit(mlrun: Mlrun) -> None:
    mlrun.script("print()")
    sweep = ("sweep", "--grid", "lr=1,2", "--minimize", "loss")
    for verb in (("submit-script",), sweep):
        told = mlrun("run", *verb, "--dry-run", "train.py", "--tag", "x", "-o", "none")
        assert told.stdout
        assert "also -o. Write it before train.py" in told.stderr
        assert mlrun("run", *verb, "--dry-run", "train.py", "-o", "model.pkl").stderr == ""


def test_two_runs_are_compared_and_the_code_is_had_back(past: Past, tmp_path: Path) -> None:
    both = ("-r", past.completed, "-r", past.failed)
    rows = past.mlrun.json("run", "compare", *both, "--query", "[?section=='parameters']")
    assert [(row["name"], row["values"]) for row in rows] == [("arg1", {past.completed: 0, past.failed: 3})]
    table = past.mlrun("run", "compare", *both, "-o", "table").stdout.splitlines()
    headings = table[0].split()
    assert headings[:2] == ["Section", "Name"]
    for heading, run_id in zip(headings[2:], (past.completed, past.failed), strict=True):
        assert run_id.endswith(heading.lstrip("…")), table[0]
    assert past.mlrun("run", "diff", *both, "--params").stdout.splitlines()[-2:] == ["- arg1: 0", "+ arg1: 3"]
    assert past.mlrun("run", "diff", *both, "--code", "--exit-code").stdout == ""
    assert past.mlrun("run", "diff", *both, "--exit-code", "-o", "none", check=False).returncode == 1
    assert past.mlrun.fails("run", "diff", *both[:2]).code == "InvalidValue"
    for one in (both[:2], both[:2] * 2):
        failure = past.mlrun.fails("run", "compare", *one)
        assert (failure.code, "run show" in failure.text) == ("InvalidValue", True)

    one = ("run", "snapshot", "-r", past.completed)
    assert past.mlrun(*one, "--cat", "train.py").stdout == (past.mlrun.folder / "train.py").read_text("utf-8")
    written = past.mlrun.json(*one, "-d", str(tmp_path / "code"))
    listed = past.mlrun.json(*one, "--list", "--query", "[].path")
    assert written == [str(tmp_path / "code" / name) for name in listed]
    assert past.mlrun.fails(*one, "-d", str(tmp_path / "code")).code == "FileAlreadyExists"
    assert past.mlrun.fails(*one, "--cat", "trian.py", exit_code=3).code == "RunFileNotFound"
    assert past.mlrun.json(*one, "--query", "[].path") == listed


def test_a_log_that_is_gone_is_an_error_in_words(mlrun: Mlrun) -> None:
    mlrun.script("")
    run_id = mlrun.ended()["run_id"]
    (mlrun.run_folder(run_id) / "artifacts" / "user_logs" / "std_log.txt").unlink()
    told = mlrun.fails("run", "monitor-logs", "-r", run_id, exit_code=1)
    assert told.code == "FileNotReadable"
    assert f"'{run_id}'" in told.text
    assert os.strerror(errno.ENOENT) in told.text


def test_cancel_of_an_ended_run_says_so_and_is_no_error(past: Past) -> None:
    done = past.mlrun("run", "cancel", "-r", past.completed)
    assert json.loads(done.stdout)["status"] == "Completed"
    assert past.completed in done.stderr and "Completed" in done.stderr


def test_experiments_and_workspaces(past: Past) -> None:
    assert [each["name"] for each in past.mlrun.json("experiment", "list")] == ["elsewhere", "exp"]
    shown = past.mlrun.json("experiment", "show", "-e", "exp")
    assert shown["experimentId"] == past.mlrun.show(past.completed)["experiment_id"]
    assert past.mlrun.json("experiment", "show") == shown
    assert "elsewhere" in past.mlrun.fails("experiment", "show", "-e", "els", exit_code=3).text
    (workspace,) = past.mlrun.json("workspace", "list")
    shown = past.mlrun.json("workspace", "show")
    assert (shown.pop("mode"), bool(shown.pop("fileSystem"))) == ("local", True)
    assert workspace == {key: value for key, value in shown.items() if key != "trash"}
    assert shown["trash"]["runs"] == 0
    assert Path(workspace["folder"]) == past.mlrun.database.parent
    assert past.mlrun.json("workspace", "list", "-g", "other") == []


@pytest.mark.parametrize(
    "words",
    [
        ("run", "list", "--last", "2"),
        ("run", "show", "-r", "@latest"),
        ("run", "wait", "-r", "@latest", "-e", "elsewhere"),
        ("experiment", "list"),
        ("run", "metrics", "-r", "@latest", "-e", "elsewhere"),
    ],
)
def test_t_writes_the_result_with_indent_4_beside_what_is_printed(
    past: Past, words: tuple[str, ...], tmp_path: Path
) -> None:
    file = tmp_path / "new folder" / "result.json"
    value = past.mlrun.json(*words, "-t", str(file))
    assert file.read_text(encoding="utf-8").rstrip("\n") == json.dumps(value, indent=4, sort_keys=True)


def test_every_record_has_the_definition_of_the_run(mlrun: Mlrun) -> None:
    mlrun.script("")
    submitted = mlrun.json("run", "submit-script", "-t", "run.json", "train.py")
    (listed,) = mlrun.json("run", "list")
    records = [
        submitted,
        listed,
        json.loads((mlrun.folder / "run.json").read_text(encoding="utf-8")),
        mlrun.json("run", "update", "-r", "@latest", "--add-tag", "a=b"),
        mlrun.json("run", "cancel", "-r", "@latest"),
        mlrun.json("run", "wait", "-r", "@latest")[0],
        mlrun.show("@latest"),
    ]
    for record in records:
        assert record["run_definition"] == submitted["run_definition"]
        assert record["run_definition"]["script"] == "train.py"


def test_t_is_written_on_failure_too(mlrun: Mlrun) -> None:
    mlrun.script("raise ValueError('bad data')")
    done = bash(mlrun, "mlrun run submit-script -t run.json train.py")
    assert done.returncode == 1
    handed_over = json.loads((mlrun.folder / "run.json").read_text(encoding="utf-8"))
    assert handed_over == json.loads(done.stdout)
    assert handed_over["status"] == "Failed"
    assert handed_over["error"]["error"]["debugInfo"]["type"] == "ValueError"
    assert "train.py" in handed_over["error"]["error"]["debugInfo"]["stackTrace"]


@pytest.mark.parametrize("verb", [("cancel",), ("delete", "--yes")])
@pytest.mark.parametrize(
    "words",
    [
        ("--last", "1"),
        ("--status", "failed"),
        ("--tags", "draft"),
        ("--parent-run-id", "x"),
        ("--compute-target-name", "local"),
    ],
)
def test_filters_beside_ids_are_refused(past: Past, verb: tuple[str, ...], words: tuple[str, str]) -> None:
    told = past.mlrun.fails("run", *verb, "-r", past.completed, *words)
    assert told.code == "ConflictingOptions"
    assert "--all" in told.text
    assert past.mlrun.show(past.completed)["status"] == "Completed"


def test_update_changes_all_it_is_told_to_or_nothing(mlrun: Mlrun) -> None:
    mlrun.script("")
    run_id = mlrun.ended()["run_id"]

    def update(*words: str, check: bool = True) -> dict[str, object]:
        done = mlrun("run", "update", "-r", run_id, *words, check=check)
        changed: dict[str, object] = json.loads(done.stdout) if done.stdout else {"error": done.stderr}
        return changed

    run = update(
        "--add-tag", "a=1=2", "--add-tag", "bare", "--add-tag", "ü b=ä", "--add-properties", "p=x",
        "--display-name", "baseline", "--description", "first\nsecond",
    )  # fmt: skip
    assert run["tags"] == {"a": "1=2", "bare": None, "ü b": "ä"}
    assert (run["display_name"], run["description"]) == ("baseline", "first\nsecond")
    assert run["properties"].items() >= {"p": "x"}.items()  # type: ignore[attr-defined]
    assert update("--remove-tag", "a", "--remove-tag", "nowhere", "--add-tag", "bare=full")["tags"] == {
        "bare": "full",
        "ü b": "ä",
    }
    update("--add-properties", "p=x")
    assert "'p'" in str(update("--add-properties", "p=y", "--add-tag", "late=1", check=False)["error"])
    assert "late" not in mlrun.show(run_id)["tags"]


def test_ml_is_the_same_tree(past: Past) -> None:
    assert past.mlrun("ml", "run", "list").stdout == past.mlrun("run", "list").stdout
    assert said(past.mlrun("ml", "experiment", "list")) == []


def test_only_show_errors_leaves_the_result_alone(mlrun: Mlrun) -> None:
    mlrun.script("print('printed')")
    done = mlrun("run", "submit-script", "--only-show-errors", "train.py")
    assert json.loads(done.stdout)["status"] == "Completed"
    assert done.stderr == "printed\n"
