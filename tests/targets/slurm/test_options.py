"""The options of sbatch and the script that the settings of a target and the demand of a run become."""

from __future__ import annotations

import subprocess
import time
from pathlib import Path

import pytest

from mlrun_cli.errors import InvalidValue
from mlrun_cli.targets.base import Demand
from mlrun_cli.targets.engine import JobRequest
from mlrun_cli.targets.slurm.options import SlurmSettings, build_sbatch_options, parse_minutes, validate_sbatch_option

SETTINGS = SlurmSettings(
    partition="gpu",
    account="lab",
    qos="high",
    time="1-00:00:00",
    gpus_per_node="a100:4",
    cpus_per_task=8,
    memory="64G",
    sbatch_options=("--constraint=big",),
    setup=("export WHERE='a node'", "cd /"),
)


def options_of(settings: SlurmSettings, demand: Demand) -> dict[str, str]:
    return dict(option.partition("=")[::2] for option in settings.build_resource_options(demand))


def test_settings_return_from_the_properties_of_a_row() -> None:
    assert SlurmSettings.from_properties(SETTINGS.to_properties()) == SETTINGS._replace(
        sbatch_options=["--constraint=big"], setup=["export WHERE='a node'", "cd /"]
    )
    assert SlurmSettings().to_properties() == {}


def test_each_setting_is_an_option() -> None:
    assert options_of(SETTINGS, Demand()) == {
        "--partition": "gpu",
        "--account": "lab",
        "--qos": "high",
        "--time": "1-00:00:00",
        "--gres": "gpu:a100:4",
        "--cpus-per-task": "8",
        "--mem": "64G",
        "--nodes": "1",
        "--ntasks-per-node": "1",
        "--constraint": "big",
    }


@pytest.mark.parametrize(
    ("demand", "expected"),
    [
        (Demand(1, 2), {"--gres": "gpu:a100:2"}),
        (Demand(2, 4), {"--gres": "gpu:a100:2", "--nodes": "2"}),
        (Demand(2, 3), {"--gpus": "a100:3", "--nodes": "2"}),
    ],
)
def test_the_gpus_of_a_run_are_divided_among_its_nodes(demand: Demand, expected: dict[str, str]) -> None:
    found = options_of(SETTINGS, demand)
    assert {name: found.get(name) for name in expected} == expected


@pytest.mark.parametrize(
    ("target", "seconds", "expected"),
    [
        (None, None, None),
        (None, 90, "7"),
        ("30", None, "30"),
        ("30", 1600, "30"),
        ("1:00:00", 600, "15"),
        ("5", 600, "15"),
    ],
)
def test_the_time_limit_of_a_run_comes_before_that_of_its_target(
    target: str | None, seconds: float | None, expected: str | None
) -> None:
    found = options_of(SlurmSettings(time=target), Demand(max_run_duration_seconds=seconds))
    assert found.get("--time") == expected


@pytest.mark.parametrize(
    ("text", "minutes"),
    [
        ("90", 90),
        ("90:30", 91),
        ("2:30:00", 150),
        ("1-0", 1440),
        ("1-2:30", 1590),
        ("2-03:04:05", 3065),
        ("infinite", None),
    ],
)
def test_time_limits_in_slurms_formats(text: str, minutes: int | None) -> None:
    assert parse_minutes(text) == minutes


@pytest.mark.parametrize(
    "option", ["--output=x", "-J", "-Jname", "--wrap=ls", "--job=x", "--array=0-3", "train.sh", "--"]
)
def test_options_that_mlrun_sets_itself_are_refused(option: str) -> None:
    with pytest.raises(InvalidValue):
        validate_sbatch_option(option)


@pytest.mark.parametrize("option", ["--constraint=a100", "-C", "-Ca100", "--exclusive", "--mail-user=me@example.org"])
def test_other_options_are_accepted(option: str) -> None:
    assert validate_sbatch_option(option) == option


def test_setup_lines_change_the_surroundings_of_the_command_and_must_succeed() -> None:
    command = ["sh", "-c", 'echo "$WHERE, $(pwd), $0"', "it's"]
    done = subprocess.run(["bash"], input=SETTINGS.build_script(command), capture_output=True, text=True, check=True)
    assert done.stdout == "a node, /, it's\n"
    failing = SETTINGS._replace(setup=("false 'x'",)).build_script(command)
    done = subprocess.run(["bash"], input=failing, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (1, "")
    assert "false 'x'" in done.stderr


def test_a_run_that_may_wait_does_so_in_slurms_words(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()
    request = JobRequest("exp_1", "w", ["python"], Demand(), Path("/x/log"))

    later = build_sbatch_options(SETTINGS, request._replace(begin_at=1_793_966_400_000_001, is_low=True))
    assert set(later) - set(build_sbatch_options(SETTINGS, request)) == {"--begin=2026-11-06T12:00:01", "--nice=10000"}
