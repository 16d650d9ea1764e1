"""Published pipelines and their schedules, by the commands of `mlrun pipeline`."""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from mlrun_cli.pipelines.published import PublishedPipeline
from tests.running import Mlrun, find_files_with, find_paths, is_alive, kill, until

PIPELINE = """
pipeline:
  name: cars
  parameters:
    source: {type: datapath, default: {datastore: workspaceblobstore, path_on_datastore: in}}
    rows: {type: int, default: 3}
  steps:
    Prepare:
      type: PythonScriptStep
      script_name: prepare.py
      source_directory: steps
      allow_reuse: false
      arguments: ['parameter:rows', 'input:source']
      inputs: {source: {source: source}}
      parameters: {rows: {source: rows}}
"""
MINUTES = "Schedule:\n  recurrence: {frequency: Minute, interval: 15}\n  pipeline_parameters: {rows: 7}\n"
FILES = """
Schedule:
  datastore_name: workspaceblobstore
  path_on_datastore: in
  data_path_parameter_name: source
"""


@pytest.fixture
def mlrun(tmp_path: Path) -> Iterator[Mlrun]:
    """An attached folder with a pipeline."""
    command = Mlrun(tmp_path)
    command.script("import sys; print(*sys.argv[1:])", "steps/prepare.py")
    command.script(PIPELINE, "pipeline.yml")
    command.script(MINUTES, "minutes.yml")
    command.script(FILES, "files.yml")
    yield command
    for pid in command.programs("schedule_keeper.py"):
        kill(pid)
    command.close()


def publish(mlrun: Mlrun) -> str:
    record = mlrun.json("pipeline", "create", "-y", "pipeline.yml", "-n", "cars", "-v", "1")
    return str(record["id"])


def test_a_published_pipeline_is_shown_with_parameters_and_steps_by_the_beginning_of_its_id(mlrun: Mlrun) -> None:
    text = PIPELINE.replace(
        "rows: {", "token: {type: string, default: geheim}\n    rate: {type: float}\n    rows: {", 1
    )
    mlrun.script(
        text + "    Train: {type: PythonScriptStep, script_name: prepare.py, source_directory: steps, name: train,"
        " arguments: ['parameter:token', 'parameter:rate'],"
        " parameters: {token: {source: token}, rate: {source: rate}}, run_after: [Prepare]}\n",
        "pipeline.yml",
    )
    pipeline = publish(mlrun)
    shown = mlrun.json("pipeline", "show", "-i", pipeline[:8])
    assert shown["id"] == pipeline
    assert shown["parameters"]["rows"] == {"type": "int", "default": 3}
    assert "geheim" not in str(shown)
    assert [(step["name"], step["after"]) for step in shown["steps"]] == [
        ("prepare.py", []),
        ("train", ["prepare.py"]),
    ]
    assert mlrun.json("pipeline", "disable", "-i", pipeline[:8])["status"] == "Disabled"
    assert mlrun.json("pipeline", "enable", "-i", pipeline[:8])["status"] == "Active"
    submitted = mlrun.json("run", "submit-pipeline", "-i", pipeline[:8], "-n", "exp", "-p", "rate=0.5")
    assert submitted["properties"]["azureml.pipelineid"] == pipeline
    assert mlrun.fails("pipeline", "show", "-i", "zzz", exit_code=3).code == "PipelineNotFound"
    others = ", ".join(name for name in PublishedPipeline._fields if name != "pipeline_id")
    mlrun.execute(
        f"INSERT INTO published_pipelines (pipeline_id, {others}) SELECT ?, {others} FROM published_pipelines",
        f"{pipeline}-2",
    )
    assert mlrun.fails("pipeline", "show", "-i", pipeline[:8]).code == "AmbiguousId"
    assert mlrun.json("pipeline", "show", "-i", pipeline)["id"] == pipeline
    mlrun.wait(submitted["run_id"])


def create_schedule(mlrun: Mlrun, pipeline_id: str, file: str = "minutes.yml") -> dict[str, Any]:
    record: dict[str, Any] = mlrun.json(
        "pipeline", "create-schedule", "-n", "often", "-i", pipeline_id, "-e", "exp", "-y", file
    )
    return record


def list_runs(mlrun: Mlrun, schedule_id: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = mlrun.json("pipeline", "pipeline-runs-list", "-s", schedule_id)
    return found


def wait_for_runs(mlrun: Mlrun, schedule_id: str, count: int) -> list[dict[str, Any]]:
    """Return the runs of a schedule when there are so many and all have ended."""

    def look() -> list[dict[str, Any]] | None:
        runs = list_runs(mlrun, schedule_id)
        return runs if len(runs) >= count and all(run["status"] == "Completed" for run in runs) else None

    return until(look)


def stop_keeper(mlrun: Mlrun) -> None:
    for pid in until(lambda: mlrun.programs("schedule_keeper.py")):
        kill(pid)
        until(lambda pid=pid: not is_alive(pid))  # type: ignore[misc]


def make_due(mlrun: Mlrun, seconds_ago: float) -> None:
    """Let the next time of the schedule have passed, as while the machine slept."""
    moment = int((time.time() - seconds_ago) * 1_000_000)
    mlrun.execute("UPDATE schedules SET next_at = ?", moment)


def find_keepers(mlrun: Mlrun, secret: str) -> list[str]:
    """Return the folders and modes of the files that hold a secret; an ended run keeps its own for a moment."""
    mlrun.execute("PRAGMA wal_checkpoint(TRUNCATE)")  # does nothing while another process reads
    found = []
    for path in find_files_with(secret, mlrun.home):
        with suppress(FileNotFoundError):
            found.append(f"{path.parent.name} {path.stat().st_mode & 0o777:o}")
    return found


def test_a_published_pipeline_is_listed_shown_disabled_and_enabled(mlrun: Mlrun) -> None:
    pipeline_id = publish(mlrun)
    mlrun.script("raise SystemExit(3)", "steps/prepare.py")
    (record,) = mlrun.json("pipeline", "list")
    assert (record["id"], record["name"], record["version"], record["stepCount"]) == (pipeline_id, "cars", "1", 1)
    assert record.items() <= mlrun.json("pipeline", "show", "-i", pipeline_id, "-f", "shown.json").items()
    assert (mlrun.folder / "shown.json").read_text().startswith("{")
    assert "cars" in mlrun("pipeline", "list", "-o", "table").stdout
    assert mlrun.json("pipeline", "disable", "-i", pipeline_id)["status"] == "Disabled"
    assert mlrun.json("pipeline", "list") == []
    assert [(one["id"], one["status"]) for one in mlrun.json("pipeline", "list", "--all")] == [
        (pipeline_id, "Disabled")
    ]
    assert "Disabled" in mlrun("pipeline", "list", "--all", "-o", "table").stdout
    heading, row = mlrun("pipeline", "disable", "-i", pipeline_id, "-o", "table").stdout.splitlines()
    assert (heading.split()[:2], row.split()[:2]) == (["Id", "Name"], [pipeline_id, "cars"])
    assert mlrun.json("pipeline", "enable", "-i", pipeline_id)["status"] == "Active"
    failure = mlrun.fails("pipeline", "show", "-i", "nothing", exit_code=3)
    assert failure.code == "PipelineNotFound"


def test_a_schedule_starts_the_pipeline_as_it_was_published(mlrun: Mlrun) -> None:
    pipeline_id = publish(mlrun)
    mlrun.script("raise SystemExit(3)", "steps/prepare.py")
    schedule = create_schedule(mlrun, pipeline_id)
    assert (schedule["status"], schedule["pipelineId"]) == ("Active", pipeline_id)
    assert schedule["recurrence"]["interval"] == 15
    (run,) = wait_for_runs(mlrun, schedule["id"], 1)
    assert run["properties"]["azureml.scheduleid"] == schedule["id"]
    assert mlrun.json("pipeline", "last-pipeline-run", "-s", schedule["id"])["run_id"] == run["run_id"]
    (step,) = mlrun.json("pipeline", "list-steps", "-r", run["run_id"])
    assert mlrun.log(step["run_id"]).split()[0] == "7"
    shown = mlrun.json("pipeline", "show-schedule", "-s", schedule["id"])
    assert shown["nextTime"] > schedule["nextTime"] and shown["problem"] is None
    assert [one["id"] for one in mlrun.json("pipeline", "list")[0]["schedules"]] == [schedule["id"]]


def test_expressions_of_a_schedule_are_evaluated_for_each_run(mlrun: Mlrun) -> None:
    mlrun.script(
        PIPELINE.replace("rows: {", "day: {type: string}\n    rows: {", 1)
        .replace("'parameter:rows'", "'parameter:rows', 'parameter:day'")
        .replace("{rows: {s", "{day: {source: day}, rows: {s"),
        "pipeline.yml",
    )
    pipeline_id = publish(mlrun)
    values = """{rows: "@dayOfMonth('2026-02-28')", day: "@formatDateTime(trigger().scheduledTime, 'yyyy')"}"""
    for right, wrong, part in (("dayOf", "DayOf", "no function 'DayOfMonth'"), ("'2026-02-28'", "'x'", "no timestamp")):
        mlrun.script(MINUTES.replace("{rows: 7}", values.replace(right, wrong)), "minutes.yml")
        words = ("pipeline", "create-schedule", "-n", "often", "-i", pipeline_id, "-e", "exp", "-y", "minutes.yml")
        assert part in mlrun.fails(*words).text
    mlrun.script(MINUTES.replace("{rows: 7}", values), "minutes.yml")
    schedule = create_schedule(mlrun, pipeline_id)
    assert schedule["pipelineParameters"]["rows"] == "@dayOfMonth('2026-02-28')"
    (run,) = wait_for_runs(mlrun, schedule["id"], 1)
    (step,) = mlrun.json("pipeline", "list-steps", "-r", run["run_id"])
    assert mlrun.log(step["run_id"]).split()[:2] == ["28", schedule["dateCreated"][:4]]


def test_a_schedule_is_named_by_the_beginning_of_its_id(mlrun: Mlrun) -> None:
    pipeline_id = publish(mlrun)
    mlrun.script(MINUTES.replace("interval: 15", "interval: 15, start_time: '2099-01-01T00:00:00'"), "later.yml")
    first, second = (create_schedule(mlrun, pipeline_id, "later.yml")["id"] for _ in range(2))
    mlrun.execute("UPDATE schedules SET schedule_id = ? WHERE schedule_id = ?", "0123-4567-a", first)
    mlrun.execute("UPDATE schedules SET schedule_id = ? WHERE schedule_id = ?", "0123-4567", second)
    for command in ("show-schedule", "disable-schedule", "enable-schedule"):
        assert mlrun.json("pipeline", command, "-s", "0123-4567-")["id"] == "0123-4567-a"
    assert mlrun.json("pipeline", "update-schedule", "-s", "0123-4567", "-n", "rare")["id"] == "0123-4567"
    assert mlrun.json("pipeline", "pipeline-runs-list", "-s", "0123-4567-") == []
    failure = mlrun.fails("pipeline", "last-pipeline-run", "-s", "0123-4567-", exit_code=3)
    assert failure.code == "NoRunsYet"
    assert "show-schedule -s 0123-4567-a" in failure.text
    assert mlrun.fails("pipeline", "show-schedule", "-s", "0123").code == "AmbiguousId"
    for text in ("", "4567"):
        assert mlrun.fails("pipeline", "show-schedule", "-s", text, exit_code=3).code == "ScheduleNotFound"
    assert mlrun.json("pipeline", "get", "-i", pipeline_id[:13], "-p", "got.yml")["pipelineId"] == pipeline_id
    assert mlrun.fails("pipeline", "show", "-i", "", exit_code=3).code == "PipelineNotFound"


def test_schedules_are_listed_of_all_pipelines_or_of_one(mlrun: Mlrun) -> None:
    assert mlrun.json("pipeline", "list-schedules") == []
    mlrun.script(MINUTES.replace("interval: 15", "interval: 15, start_time: '2099-01-01T00:00:00'"), "later.yml")
    first_pipeline, second_pipeline = publish(mlrun), publish(mlrun)
    first, second = (create_schedule(mlrun, one, "later.yml") for one in (first_pipeline, second_pipeline))
    assert mlrun.json("pipeline", "list-schedules") == [second, first]
    assert mlrun.json("pipeline", "list-schedules", "-i", first_pipeline) == [first]
    mlrun("pipeline", "disable", "-i", second_pipeline)
    assert [one["id"] for one in mlrun.json("pipeline", "list-schedules", "[?name=='often']")] == [
        second["id"],
        first["id"],
    ]
    mlrun("pipeline", "disable-schedule", "-s", first["id"])
    heading, line = mlrun("pipeline", "list-schedules", "-o", "table").stdout.splitlines()
    assert heading.split()[:3] == ["Id", "Name", "Status"]
    assert line.startswith(second["id"][:8])
    none_of_first = mlrun("pipeline", "list-schedules", "-i", first_pipeline, "-o", "table")
    assert (none_of_first.stdout, "--all" in none_of_first.stderr) == ("", True)
    assert len(mlrun.json("pipeline", "list-schedules", "--all")) == 2
    assert mlrun.fails("pipeline", "list-schedules", "-i", "zzz", exit_code=3).code == "PipelineNotFound"


def test_secrets_of_a_schedule_are_only_in_its_private_file_and_reach_each_run(mlrun: Mlrun) -> None:
    by_name, by_use, changed = "geheim-by-name", "geheim-by-use", "geheim-changed"
    text = PIPELINE.replace("rows: {", "password: {type: string}\n    conn: {type: string}\n    rows: {", 1)
    text = text.replace("'parameter:rows'", "'parameter:rows', --token, 'parameter:conn'")
    text = text.replace("{rows: {s", "{password: {source: password}, conn: {source: conn}, rows: {s")
    mlrun.script(text, "pipeline.yml")
    mlrun.script(
        "import os, sys; words = [os.environ['AML_PARAMETER_password'], *sys.argv]; print(*(w[::-1] for w in words))",
        "steps/prepare.py",
    )
    secrets = MINUTES.replace("rows: 7", f"password: {by_name}, conn: {by_use}, rows: 7")
    mlrun.script(secrets, "minutes.yml")
    schedule = create_schedule(mlrun, publish(mlrun))
    assert schedule["pipelineParameters"] == {"password": "***", "conn": "***", "rows": 7}
    (run,) = wait_for_runs(mlrun, schedule["id"], 1)

    def read_words(run: dict[str, Any]) -> list[str]:
        (step,) = mlrun.json("pipeline", "list-steps", "-r", run["run_id"])
        password, _, rows, _, conn, _ = (word[::-1] for word in mlrun.log(step["run_id"]).split())
        return [password, rows, conn]

    assert read_words(run) == [by_name, "7", by_use]
    until(lambda: find_keepers(mlrun, by_name) == find_keepers(mlrun, by_use) == ["secrets 600"])
    renamed = mlrun.json("pipeline", "update-schedule", "-s", schedule["id"], "-n", "rarely")
    assert renamed["pipelineParameters"]["password"] == "***"
    assert find_keepers(mlrun, by_use) == ["secrets 600"]
    mlrun.script(secrets.replace(by_name, changed), "minutes.yml")
    mlrun("pipeline", "update-schedule", "-s", schedule["id"], "-y", "minutes.yml")
    assert (find_keepers(mlrun, by_name), find_keepers(mlrun, changed)) == ([], ["secrets 600"])
    stop_keeper(mlrun)
    make_due(mlrun, 1)
    mlrun("service", "start")
    assert [changed, "7", by_use] in [read_words(one) for one in wait_for_runs(mlrun, schedule["id"], 2)]
    until(lambda: find_keepers(mlrun, changed) == ["secrets 600"])


@pytest.mark.parametrize("look", ["list", "show-schedule", "update-schedule", "keeper"])
def test_secrets_that_an_older_version_stored_with_a_schedule_are_moved_to_its_file(mlrun: Mlrun, look: str) -> None:
    secret = "geheim-" + "x" * 20
    text = PIPELINE.replace("rows: {", "password: {type: string}\n    rows: {", 1)
    mlrun.script(text.replace("{rows: {s", "{password: {source: password}, rows: {s"), "pipeline.yml")
    mlrun.script("import os; print(os.environ['AML_PARAMETER_password'][::-1])", "steps/prepare.py")
    mlrun.script(MINUTES.replace("rows: 7", f"password: {secret}, rows: 7"), "minutes.yml")
    schedule_id = create_schedule(mlrun, publish(mlrun))["id"]
    wait_for_runs(mlrun, schedule_id, 1)
    stop_keeper(mlrun)
    (kept,) = mlrun.home.glob("workspaces/*/*/*/schedules/secrets/*.json")
    kept.unlink()
    ((settings,),) = mlrun.stored("SELECT settings FROM schedules")
    stored = {**json.loads(settings), "parameters": {"password": secret, "rows": 7}}
    del stored["secrets_id"]
    text = json.dumps(stored, ensure_ascii=False, sort_keys=True)
    mlrun.execute("UPDATE schedules SET settings = ?", text)
    names, row = mlrun.database.with_name("names.jsonl"), {"schedule_id": schedule_id, "settings": text}
    with names.open("a", encoding="utf-8") as file:
        file.write(json.dumps({"key": [schedule_id, None], "row": row, "table": "schedules"}) + "\n")

    if look == "keeper":
        make_due(mlrun, 1)
        mlrun("service", "start")
        step = mlrun.json("pipeline", "list-steps", "-r", wait_for_runs(mlrun, schedule_id, 2)[0]["run_id"])[0]
        assert mlrun.log(step["run_id"]).strip()[::-1] == secret
        stop_keeper(mlrun)
    else:
        words = {"list": [], "show-schedule": ["-s", schedule_id]}
        shown = mlrun("pipeline", look, *words.get(look, ["-s", schedule_id, "--status", "Disabled"])).stdout
        assert '"password": "***"' in shown and secret not in shown
    until(lambda: find_keepers(mlrun, secret) == ["secrets 600"])
    assert '"name": "cars"' in names.read_text(encoding="utf-8")


def test_times_that_passed_while_nothing_ran_give_one_run(mlrun: Mlrun) -> None:
    schedule = create_schedule(mlrun, publish(mlrun))
    wait_for_runs(mlrun, schedule["id"], 1)
    stop_keeper(mlrun)
    make_due(mlrun, 5 * 24 * 3600)
    mlrun("service", "start")
    wait_for_runs(mlrun, schedule["id"], 2)
    (keeper,) = mlrun.programs("schedule_keeper.py")
    next_at = mlrun.stored("SELECT next_at FROM schedules")[0][0]
    assert next_at > time.time() * 1_000_000
    assert len(list_runs(mlrun, schedule["id"])) == 2
    assert is_alive(keeper)


def test_a_keeper_killed_between_its_two_steps_is_completed_by_the_next(mlrun: Mlrun) -> None:
    schedule = create_schedule(mlrun, publish(mlrun))
    wait_for_runs(mlrun, schedule["id"], 1)
    stop_keeper(mlrun)
    run_id = "0a0a0a0a-0000-4000-8000-000000000001"
    mlrun.execute(
        "INSERT INTO scheduled_runs (run_id, schedule_id, due_at, parameters, is_pending) VALUES (?, ?, ?, '{}', 1)",
        run_id,
        schedule["id"],
        int(time.time() * 1_000_000),
    )
    assert run_id in {run["run_id"] for run in wait_for_runs(mlrun, schedule["id"], 2)}
    assert mlrun.stored("SELECT count(*) FROM scheduled_runs WHERE is_pending = 1") == [(0,)]


def test_changed_files_start_the_pipeline_with_their_path(mlrun: Mlrun) -> None:
    store = Path(mlrun.json("datastore", "show-default")["folder"])
    (store / "in").mkdir(parents=True)
    (store / "in" / "old.csv").write_text("1")
    schedule = create_schedule(mlrun, publish(mlrun), "files.yml")
    until(lambda: mlrun.stored("SELECT seen_files FROM schedules WHERE seen_files IS NOT NULL"))
    stop_keeper(mlrun)
    (store / "in" / "new.csv").write_text("2")
    make_due(mlrun, 1)
    (run,) = wait_for_runs(mlrun, schedule["id"], 1)
    (step,) = mlrun.json("pipeline", "list-steps", "-r", run["run_id"])
    assert mlrun.log(step["run_id"]).split() == ["3", str(store / "in" / "new.csv")]
    stop_keeper(mlrun)
    make_due(mlrun, 1)
    before = mlrun.stored("SELECT next_at FROM schedules")
    mlrun("run", "list")
    until(lambda: mlrun.stored("SELECT next_at FROM schedules") != before)
    assert len(list_runs(mlrun, schedule["id"])) == 1


def test_settings_of_watched_files_are_told_to_have_no_effect_on_times(mlrun: Mlrun) -> None:
    mlrun.script(f"{MINUTES}  data_path_parameter_name: source\n  path_on_datastore: in\n", "both.yml")
    words = ("pipeline", "create-schedule", "-n", "often", "-i", publish(mlrun), "-e", "exp", "-y")
    warnings = [line for line in mlrun(*words, "both.yml").stderr.splitlines() if line.startswith("WARNING")]
    assert [("data_path_parameter_name" in line, "path_on_datastore" in line) for line in warnings] == [
        (False, True),
        (True, False),
    ]
    watching = json.loads(mlrun(*words, "files.yml").stdout)["id"]
    changed = mlrun("pipeline", "update-schedule", "-s", watching, "-y", "minutes.yml")
    assert "WARNING" not in changed.stderr
    record = json.loads(changed.stdout)
    assert (record["dataPathParameterName"], record["recurrence"]["interval"]) == (None, 15)


def test_a_disabled_schedule_starts_nothing_and_its_keeper_ends(mlrun: Mlrun) -> None:
    schedule = create_schedule(mlrun, publish(mlrun))
    wait_for_runs(mlrun, schedule["id"], 1)
    last = mlrun("pipeline", "last-pipeline-run", "-s", schedule["id"], "-o", "table").stdout.splitlines()
    assert (len(last), last[0].split()[0]) == (2, "Status")
    heading, row = mlrun("pipeline", "show-schedule", "-s", schedule["id"], "-o", "table").stdout.splitlines()
    assert (heading.split()[:2], row.split()[:2]) == (["Id", "Name"], [schedule["id"], schedule["name"]])
    disabled = mlrun.json("pipeline", "disable-schedule", "-s", schedule["id"])
    assert (disabled["status"], disabled["nextTime"]) == ("Disabled", None)
    until(lambda: not mlrun.programs("schedule_keeper.py"))
    assert mlrun.json("pipeline", "enable-schedule", "-s", schedule["id"])["status"] == "Active"
    wait_for_runs(mlrun, schedule["id"], 2)
    renamed = mlrun.json("pipeline", "update-schedule", "-s", schedule["id"], "-n", "rarely", "--status", "Disabled")
    assert (renamed["name"], renamed["status"]) == ("rarely", "Disabled")


def test_why_a_run_could_not_be_submitted_is_shown(mlrun: Mlrun) -> None:
    pipeline_id = publish(mlrun)
    mlrun("pipeline", "disable", "-i", pipeline_id)
    schedule = create_schedule(mlrun, pipeline_id)
    shown = until(lambda: (found := mlrun.json("pipeline", "show-schedule", "-s", schedule["id"]))["problem"] and found)
    assert "disabled" in shown["problem"]
    assert list_runs(mlrun, schedule["id"]) == []


def test_a_schedule_whose_files_cannot_be_listed_stops_no_other(mlrun: Mlrun) -> None:
    pipeline_id = publish(mlrun)
    watched = Path(mlrun.json("datastore", "show-default")["folder"]) / "in"
    watched.mkdir(parents=True)
    (watched / "loop").symlink_to(watched / "loop")
    bad = create_schedule(mlrun, pipeline_id, "files.yml")
    good = create_schedule(mlrun, pipeline_id)
    wait_for_runs(mlrun, good["id"], 1)
    assert "loop" in mlrun.json("pipeline", "show-schedule", "-s", bad["id"])["problem"]


BAD_SETTINGS = ["{nothing", "[]", "null", '{"name": 7}', """replace(settings, '"Minute"', '"Fortnight"')"""]


def read_keeper_log(mlrun: Mlrun) -> str:
    (log,) = find_paths(mlrun.home, "schedules/keeper.log")
    return log.read_text(encoding="utf-8")


@pytest.mark.parametrize("settings", BAD_SETTINGS)
def test_a_schedule_that_cannot_be_read_stops_no_other(mlrun: Mlrun, settings: str) -> None:
    pipeline_id = publish(mlrun)
    bad = create_schedule(mlrun, pipeline_id)["id"]
    wait_for_runs(mlrun, bad, 1)
    stop_keeper(mlrun)
    mlrun.execute(f"UPDATE schedules SET settings = {settings if settings.startswith('replace') else repr(settings)}")
    make_due(mlrun, 60.0)
    good = create_schedule(mlrun, pipeline_id)["id"]

    wait_for_runs(mlrun, good, 1)

    shown = mlrun.json("pipeline", "show-schedule", "-s", bad)
    assert "cannot be read" in shown["problem"]
    assert shown["status"] == "Active"
    listed = {one["id"]: one["problem"] for one in mlrun.json("pipeline", "show", "-i", pipeline_id)["schedules"]}
    assert listed == {bad: shown["problem"], good: None}
    assert f"{bad} is postponed" in read_keeper_log(mlrun)
    assert mlrun.fails("pipeline", "update-schedule", "-s", bad, "-n", "other").code == "InvalidValue"
    assert mlrun.json("pipeline", "disable-schedule", "-s", bad)["status"] == "Disabled"
    assert mlrun.fails("pipeline", "enable-schedule", "-s", bad).code == "InvalidValue"


def test_a_run_whose_pipeline_has_lost_its_files_is_given_up_with_the_reason(mlrun: Mlrun) -> None:
    lost, pipeline_id = publish(mlrun), publish(mlrun)
    bad = create_schedule(mlrun, lost)["id"]
    wait_for_runs(mlrun, bad, 1)
    (graph,) = find_paths(mlrun.home, f"{lost}/pipeline.json")
    text = graph.read_text(encoding="utf-8")
    graph.unlink()
    stop_keeper(mlrun)
    make_due(mlrun, 0.0)
    good = create_schedule(mlrun, pipeline_id)["id"]
    wait_for_runs(mlrun, good, 1)

    def find_schedule_problem() -> str | None:
        return mlrun.json("pipeline", "show-schedule", "-s", bad)["problem"]  # type: ignore[no-any-return]

    assert "pipeline.json" in str(until(find_schedule_problem))
    until(lambda: mlrun.stored("SELECT count(*) FROM scheduled_runs WHERE is_pending = 1") == [(0,)])
    assert read_keeper_log(mlrun).count("is not submitted: ") == 1
    assert mlrun.json("pipeline", "show-schedule", "-s", bad)["status"] == "Active"
    graph.write_text(text, encoding="utf-8")
    stop_keeper(mlrun)
    make_due(mlrun, 0.0)
    mlrun("pipeline", "list")
    wait_for_runs(mlrun, bad, 2)
    assert find_schedule_problem() is None


def test_a_pipeline_that_has_lost_its_files_is_shown_and_disabled_but_not_submitted(mlrun: Mlrun) -> None:
    pipeline_id = publish(mlrun)
    (folder,) = (path for path in find_paths(mlrun.home, pipeline_id) if path.is_dir())
    shutil.rmtree(folder / "sources")
    for more in ([], ["--dry-run"]):
        failure = mlrun.fails("run", "submit-pipeline", "-i", pipeline_id, "-n", "exp", *more, exit_code=1)
        assert failure.code == "StoredFilesLost"
        assert "sources" in failure.message and "'cars'" in failure.message
    shutil.rmtree(folder)
    failure = mlrun.fails("run", "submit-pipeline", "-i", pipeline_id, "-n", "exp", exit_code=1)
    assert failure.code == "StoredFilesLost"
    assert "'cars'" in failure.message
    done = mlrun("pipeline", "show", "-i", pipeline_id)
    shown = json.loads(done.stdout)
    assert (shown["name"], shown["parameters"], shown["steps"]) == ("cars", None, None)
    assert "pipeline.json" in done.stderr
    assert "Active" in mlrun("pipeline", "show", "-i", pipeline_id, "-o", "table").stdout
    assert mlrun.json("pipeline", "disable", "-i", pipeline_id)["status"] == "Disabled"


@pytest.mark.parametrize("name", ["", " "])
def test_pipelines_and_schedules_have_names(mlrun: Mlrun, name: str) -> None:
    assert mlrun.fails("pipeline", "create", "-y", "pipeline.yml", "-n", name).code == "InvalidName"
    assert mlrun.json("pipeline", "list") == []
    words = ("pipeline", "create-schedule", "-e", "exp", "-i", publish(mlrun), "-y", "minutes.yml", "-n")
    assert mlrun.fails(*words, name).code in {"InvalidName", "InvalidValue"}


def test_a_wrong_schedule_is_refused(mlrun: Mlrun) -> None:
    pipeline_id = publish(mlrun)
    words = ("pipeline", "create-schedule", "-n", "often", "-e", "exp", "-i")
    assert mlrun.fails(*words, pipeline_id).target == "--schedule-yaml"
    assert mlrun.fails(*words, "nothing", "-y", "minutes.yml", exit_code=3).code == "PipelineNotFound"
    mlrun.script("Schedule:\n  recurrence: {frequency: Day, interval: 0}\n", "wrong.yml")
    assert mlrun.fails(*words, pipeline_id, "-y", "wrong.yml").line == 2
    mlrun.script(MINUTES.replace("rows: 7", "colour: red"), "wrong.yml")
    assert "colour" in mlrun.fails(*words, pipeline_id, "-y", "wrong.yml").text
    mlrun.script(FILES.replace("source", "rows"), "wrong.yml")
    assert "datapath" in mlrun.fails(*words, pipeline_id, "-y", "wrong.yml").text
    assert mlrun.stored("SELECT count(*) FROM schedules") == [(0,)]
    schedule_id = create_schedule(mlrun, pipeline_id)["id"]
    for text, code in (
        ("datastore_name: workspaceblobstore, path_on_datastore: ../x", "InvalidPath"),
        ("datastore_name: workspaceblobstore, polling_interval: 100000000000000", "InvalidValue"),
        ("recurrence: {frequency: Month, interval: 200000}", "InvalidValue"),
        ("recurrence: {frequency: Day, interval: 10000000}", "InvalidValue"),
        ("recurrence: {frequency: Day, interval: 1}, datastore_name: workspaceblobstore", "InvalidValue"),
    ):
        mlrun.script(f"Schedule: {{{text}}}\n", "wrong.yml")
        assert mlrun.fails(*words, pipeline_id, "-y", "wrong.yml").code == code
        update = ("pipeline", "update-schedule", "-s", schedule_id, "-y", "wrong.yml")
        assert mlrun.fails(*update).code == code
    assert mlrun.stored("SELECT count(*) FROM schedules") == [(1,)]


def test_a_schedule_that_is_not_valid_any_more_can_be_disabled_but_not_enabled(mlrun: Mlrun) -> None:
    schedule_id = create_schedule(mlrun, publish(mlrun))["id"]
    wait_for_runs(mlrun, schedule_id, 1)
    mlrun.execute(
        """UPDATE schedules SET settings = replace(settings, '"interval": 15', '"interval": 1000000000000')"""
    )
    assert mlrun.json("pipeline", "disable-schedule", "-s", schedule_id)["status"] == "Disabled"
    assert mlrun.fails("pipeline", "enable-schedule", "-s", schedule_id).code == "InvalidValue"


def test_a_schedule_that_does_not_exist_is_not_found(mlrun: Mlrun) -> None:
    failure = mlrun.fails("pipeline", "show-schedule", "-s", "nothing", exit_code=3)
    assert failure.code == "ScheduleNotFound"


def test_the_table_of_a_pipeline_has_its_parameters_steps_and_schedules(mlrun: Mlrun) -> None:
    mlrun.script("")
    (mlrun.folder / "p.yml").write_text(
        "pipeline:\n  name: x\n  parameters: {rate: {type: float, default: 0.5}}\n  steps:\n"
        "    A: {type: PythonScriptStep, name: first, script_name: train.py, parameters: {rate: {source: rate}}}\n"
        "    B: {type: PythonScriptStep, name: second, script_name: train.py, run_after: [A]}\n",
        encoding="utf-8",
    )
    schedule = "Schedule: {recurrence: {frequency: Day, interval: 1, start_time: 2999-01-01T00:00:00}}"
    (mlrun.folder / "s.yml").write_text(schedule, encoding="utf-8")
    pipeline = mlrun.json("pipeline", "create", "-y", "p.yml", "-n", "mine")["id"]
    mlrun("pipeline", "create-schedule", "-n", "daily", "-e", "exp", "-i", pipeline, "-y", "s.yml")

    table = mlrun("pipeline", "show", "-i", pipeline, "-o", "table").stdout

    rows = [line.split() for line in table.splitlines()]
    assert [pipeline, "mine", "Active"] in [row[:3] for row in rows]
    assert ["rate", "float", "0.5"] in rows
    assert ["first", "PythonScriptStep", "train.py"] in rows
    assert ["second", "PythonScriptStep", "train.py", "first"] in rows
    assert "daily" in [row[0] for row in rows if row]
