from __future__ import annotations

import json

from mlrun_cli.environments.environment import EnvironmentPlan
from mlrun_cli.environments.mode import EnvironmentChoice
from mlrun_cli.processes.launch import Launch
from mlrun_cli.runs.submission import Submission
from mlrun_cli.runs.submit_options import SubmitOptions, list_redacted_words

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


OPTIONS = SubmitOptions(
    runconfig="mine",
    source_directory="/x/sub",
    script="train.py",
    arguments=("--lr", "1"),
    target="cpu",
    conda_file="/x/c.yml",
    environment_mode=EnvironmentChoice.parse("dated:2020-06-01"),
    tags={"a": None},
)


def test_a_submission_is_read_as_it_was_written() -> None:
    commands = (OPTIONS._replace(script=None, command=command) for command in ("a && b", ("a", "b")))
    for options in (None, SubmitOptions(), OPTIONS, *commands):
        submission = SUBMISSION._replace(options=options)
        assert Submission.from_json(json.loads(json.dumps(submission.to_json()))) == submission


def test_the_key_of_the_options_is_the_one_that_older_supervisors_know() -> None:
    document = SUBMISSION._replace(options=OPTIONS).to_json()

    assert document["asked"]["runconfig"] == "mine"
    assert "options" not in document


def test_keys_of_another_version_are_left_out() -> None:
    document = SUBMISSION.to_json() | {"priority": 3, "workspace_folder": "/x"}

    assert Submission.from_json(document) == SUBMISSION


def test_what_an_older_version_did_not_write_has_its_default() -> None:
    document = SUBMISSION.to_json()
    del document["target"], document["max_run_duration_seconds"]

    assert Submission.from_json(document) == SUBMISSION._replace(max_run_duration_seconds=None)


def test_options_of_other_versions_are_read() -> None:
    assert SubmitOptions.from_json({"script": "train.py", "priority": 3}) == SubmitOptions(script="train.py")


def test_options_of_an_older_submission_are_reconstructed() -> None:
    older = SUBMISSION._replace(folder="/x", runconfig="/x/.azureml/mine.runconfig")

    assert SUBMISSION.get_submit_options() == SubmitOptions(script="train.py", arguments=("--lr", "1"))
    assert older.get_submit_options() == SubmitOptions(
        "mine", script="train.py", arguments=("--lr", "1"), target="local"
    )
    assert older._replace(is_command=True, runconfig="/x/a/b.yml").get_submit_options() == SubmitOptions(
        "a/b.yml", target="local"
    )
    assert older._replace(runconfig="/y/c.runconfig").get_submit_options().runconfig == "/y/c.runconfig"


def test_options_of_an_older_submission_from_python_are_not_whole() -> None:
    several = SUBMISSION._replace(launch=Launch("pytorch", process_count=2))

    assert not several.get_submit_options().is_whole
    assert several._replace(folder="/x", runconfig="/x/a.runconfig").get_submit_options().is_whole


def test_redacted_words_are_given_with_their_option() -> None:
    words = ["train.py", "--api-key", "***", "--x", "1", "KEY=***", "https://***@host", "***"]

    assert list_redacted_words(words) == ["--api-key ***", "KEY=***", "https://***@host", "***"]
