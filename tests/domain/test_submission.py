from __future__ import annotations

import json

from mlrun_cli.domain.environment import EnvironmentPlan
from mlrun_cli.domain.submission import Submission

SUBMISSION = Submission(
    run_id="exp_1",
    experiment_name="exp",
    workspace_name="w",
    resource_group="g",
    subscription_id="s",
    snapshot_id="abc",
    is_command=False,
    argv=("train.py", "--lr", "1"),
    environment=EnvironmentPlan("/usr/bin/python3"),
    sdk_folder="/home/sdk/1",
    max_run_duration_seconds=5.0,
)


def test_a_submission_is_read_as_it_was_written() -> None:
    assert Submission.from_json(json.loads(json.dumps(SUBMISSION.to_json()))) == SUBMISSION


def test_keys_of_another_version_are_left_out() -> None:
    document = SUBMISSION.to_json() | {"priority": 3, "workspace_folder": "/x"}

    assert Submission.from_json(document) == SUBMISSION


def test_what_an_older_version_did_not_write_has_its_default() -> None:
    document = SUBMISSION.to_json()
    del document["target"], document["max_run_duration_seconds"]

    assert Submission.from_json(document) == SUBMISSION._replace(max_run_duration_seconds=None)
