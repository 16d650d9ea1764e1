from __future__ import annotations

import json

from mlrun_cli.environments.environment import EnvironmentPlan
from mlrun_cli.environments.mode import EnvironmentChoice
from mlrun_cli.processes.launch import Launch, LaunchKind
from mlrun_cli.runs.submission import Submission
from mlrun_cli.runs.submit_options import Asked, hidden_words

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


ASKED = Asked(
    "mine",
    "/x/sub",
    "train.py",
    ("--lr", "1"),
    "cpu",
    "/x/c.yml",
    EnvironmentChoice.parse("dated:2020-06-01"),
    {"a": None},
)


def test_a_submission_is_read_as_it_was_written() -> None:
    for submission in (SUBMISSION, SUBMISSION._replace(asked=Asked()), SUBMISSION._replace(asked=ASKED)):
        assert Submission.from_json(json.loads(json.dumps(submission.to_json()))) == submission


def test_keys_of_another_version_are_left_out() -> None:
    document = SUBMISSION.to_json() | {"priority": 3, "workspace_folder": "/x"}

    assert Submission.from_json(document) == SUBMISSION


def test_what_an_older_version_did_not_write_has_its_default() -> None:
    document = SUBMISSION.to_json()
    del document["target"], document["max_run_duration_seconds"]

    assert Submission.from_json(document) == SUBMISSION._replace(max_run_duration_seconds=None)


def test_what_was_asked_for_is_read_from_other_versions() -> None:
    assert Asked.from_json({"script": "train.py", "priority": 3}) == Asked(script="train.py")


def test_of_an_older_submission_it_is_what_it_came_to() -> None:
    older = SUBMISSION._replace(folder="/x", runconfig="/x/.azureml/mine.runconfig")

    assert SUBMISSION.as_asked() == Asked(script="train.py", arguments=("--lr", "1"))
    assert older.as_asked() == Asked("mine", script="train.py", arguments=("--lr", "1"), target="local")
    assert older._replace(is_command=True, runconfig="/x/a/b.yml").as_asked() == Asked("a/b.yml", target="local")
    assert older._replace(runconfig="/y/c.runconfig").as_asked().runconfig == "/y/c.runconfig"


def test_an_older_submission_from_python_may_have_asked_for_more() -> None:
    several = SUBMISSION._replace(launch=Launch(LaunchKind.PYTORCH, process_count=2))

    assert not several.as_asked().is_whole
    assert several._replace(folder="/x", runconfig="/x/a.runconfig").as_asked().is_whole


def test_hidden_words_are_told_with_their_option() -> None:
    words = ["train.py", "--api-key", "***", "--x", "1", "KEY=***", "https://***@host", "***"]

    assert hidden_words(words) == ["--api-key ***", "KEY=***", "https://***@host", "***"]
