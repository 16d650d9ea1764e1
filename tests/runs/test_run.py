from __future__ import annotations

from mlrun_cli.runs.details import build_run_details
from mlrun_cli.runs.run import Run, build_minimal_record, build_run_record
from mlrun_cli.runs.status import RunStatus

SECOND = 1_000_000
START = 1_609_335_953 * SECOND


def a_run(**changes: object) -> Run:
    values: dict[str, object] = {
        "key": 1,
        "run_id": "e_1_0a",
        "run_uuid": "u",
        "run_number": 7,
        "experiment_id": "x",
        "experiment_name": "e",
        "run_type": "azureml.scriptrun",
        "status": RunStatus.COMPLETED,
        "created_at": START + 76_294,
        "user_name": "me",
        "root_run_id": "e_1_0a",
        "root_run_uuid": "u",
        **changes,
    }
    return Run(**values)  # type: ignore[arg-type]


def test_a_record_leaves_null_keys_out_but_never_tags_and_properties() -> None:
    record = build_run_record(a_run())

    assert record["tags"] == record["properties"] == {}
    assert "start_time_utc" not in record
    assert "error" not in record
    assert record["created_utc"] == "2020-12-30T13:45:53.076294Z"
    assert record["data_container_id"] == "dcid.e_1_0a"
    assert record["_experiment_name"] == "e"


def test_an_ended_run_without_a_measured_duration_lasted_from_its_start_to_its_end() -> None:
    times = {"started_at": START, "ended_at": START + 90 * SECOND}
    assert build_run_record(a_run(run_type="hyperdrive", **times))["duration_seconds"] == 90.0
    assert build_run_record(a_run(**times, duration_seconds=2.5))["duration_seconds"] == 2.5
    assert "duration_seconds" not in build_run_record(a_run(started_at=START, status=RunStatus.RUNNING))
    assert "duration_seconds" not in build_run_record(a_run(ended_at=START, status=RunStatus.CANCELED))


def test_a_minimal_record_has_azures_keys_in_azures_order() -> None:
    record = build_minimal_record(a_run(tags={"a": None}))

    assert list(record) == ["RunId", "RunType", "Status", "StartTime", "EndTime", "Target", "Tags"]
    assert record["Tags"] == {"a": None}


def test_details_are_in_camel_case_without_times_that_are_not_known() -> None:
    details = build_run_details(a_run(started_at=START), {"user_logs/std_log.txt": "file:///x"}, {})

    assert details["runId"] == "e_1_0a"
    assert details["startTimeUtc"] == "2020-12-30T13:45:53.000000Z"
    assert "endTimeUtc" not in details
    assert details["logFiles"] == {"user_logs/std_log.txt": "file:///x"}


def test_a_live_run_lasts_until_now_and_never_less_than_nothing() -> None:
    assert a_run().compute_elapsed_seconds(START) is None
    assert a_run(started_at=START).compute_elapsed_seconds(START + 5 * SECOND) == 5
    assert a_run(started_at=START).compute_elapsed_seconds(START - 5 * SECOND) == 0
    assert a_run(started_at=START, duration_seconds=2.5).compute_elapsed_seconds(START + 99 * SECOND) == 2.5
