"""What can be said of a new run at its submit, beside its script."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.acceptance.installed import installed
from tests.running import Mlrun

_SCRIPT = (
    "import os, time; print(os.environ['EPOCHS'], os.environ.get('API_KEY')); time.sleep(float(os.environ['EPOCHS']))"
)


@pytest.fixture(scope="module")
def mlrun(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mlrun]:
    with installed(tmp_path_factory.mktemp("options")) as command:
        command.script(_SCRIPT)
        yield command


def test_a_run_is_described_at_its_submit(mlrun: Mlrun) -> None:
    named = [
        "--display-name",
        "base",
        "--description",
        "first",
        "--tag",
        "team=a",
        "--tag",
        "seen",
        "--property",
        "by=me",
    ]
    run_id = mlrun.submit(*named, "--env", "EPOCHS=0", "--env", "API_KEY=sesame-1", "train.py")
    mlrun.wait(run_id)

    run = mlrun.show(run_id)
    assert (run["display_name"], run["description"]) == ("base", "first")
    assert run["tags"] == {"team": "a", "seen": None}
    assert run["properties"]["by"] == "me"
    assert run["run_definition"]["environmentVariables"] == {"API_KEY": "***", "EPOCHS": "0"}
    assert mlrun.log(run_id) == "0 sesame-1\n"
    holders = [path for path in mlrun.home.rglob("*") if path.is_file() and b"sesame-1" in path.read_bytes()]
    assert holders == [mlrun.run_folder(run_id) / "artifacts/user_logs/std_log.txt"]


def test_a_run_is_stopped_at_the_time_limit_of_its_submit(mlrun: Mlrun) -> None:
    run_id = mlrun.submit("--timeout", "1s", "--env", "EPOCHS=600", "train.py")
    mlrun.wait(run_id)

    run = mlrun.show(run_id)
    assert run["status"] == "Canceled"
    assert run["error"]["error"]["innerError"]["code"] == "TimeLimitReached"
    assert run["run_definition"]["maxRunDurationSeconds"] == 1.0


def test_all_that_is_wrong_is_told_at_once(mlrun: Mlrun) -> None:
    words = ["--tag", "=1", "--property", "x", "--env", "API_KEY", "--timeout", "5", "--display-name", "\udcff"]

    failure = mlrun.fails("run", "submit-script", *words, "train.py")

    assert failure.codes == ["InvalidValue", "InvalidValue", "InvalidValue", "InvalidDuration", "InvalidName"]
