"""How MLflow's runs and runs here go together: who joins, who is a child, how they end, and what survives a kill."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any
from urllib.error import URLError
from urllib.request import Request, urlopen

import pytest

from tests.running import Mlrun, kill, until
from tests.sdk.mlflow_environments import VERSIONS, drive_in, find_mlflow_python, read_result, submit_in


@pytest.fixture
def mlrun(tmp_path: Path) -> Iterator[Mlrun]:
    """A folder attached to the experiment `exp`."""
    one = Mlrun(tmp_path)
    yield one
    one.close()


@pytest.fixture(scope="module")
def python() -> str:
    """The Python of an environment with MLflow 3."""
    return find_mlflow_python("3")


def test_calls_without_a_run_join_that_of_the_script(mlrun: Mlrun, python: str) -> None:
    record = submit_in(
        mlrun,
        python,
        """
        import json, os
        before = [name for name in sorted(os.environ) if name.startswith("MLFLOW_")]
        run_id = os.environ["MLFLOW_RUN_ID"]
        import mlflow
        mlflow.log_metric("loss", 1)
        mlflow.log_param("lr", 3)
        same = [mlflow.active_run().info.run_id == run_id, run_id == os.environ["AZUREML_RUN_ID"]]
        print(json.dumps([before, same]))
        """,
    )
    names = ["MLFLOW_EXPERIMENT_ID", "MLFLOW_EXPERIMENT_NAME", "MLFLOW_RUN_ID", "MLFLOW_TRACKING_URI"]
    assert read_result(mlrun, record) == [names, [True, True]]
    assert (mlrun.metrics(record["run_id"]), record["parameters"]) == ({"loss": 1.0}, {"lr": 3})


def test_later_runs_are_children_and_the_experiment_is_that_of_the_run(mlrun: Mlrun, python: str) -> None:
    record = submit_in(
        mlrun,
        python,
        """
        import mlflow

        mlflow.set_experiment("some/where")
        with mlflow.start_run():
            mlflow.log_metric("first", 1)
        with mlflow.start_run(run_name="second"):
            mlflow.log_metric("second", 1)
        """,
    )
    assert (record["_experiment_name"], mlrun.metrics(record["run_id"])) == ("exp", {"first": 1.0})
    (child,) = mlrun.json("run", "list", "--parent-run-id", record["run_id"], "--metrics", "all")
    assert (child["display_name"], child["metrics"]) == ("second", {"second": 1.0})
    assert child["_experiment_name"] == "some-where"
    assert "experiment" in mlrun.log(record["run_id"])


def test_a_value_of_a_model_names_the_run_that_logged_it(mlrun: Mlrun, python: str) -> None:
    record = submit_in(
        mlrun,
        python,
        """
        import json
        import mlflow

        client = mlflow.MlflowClient()
        experiment_id = client.create_experiment("m")
        other = client.create_run(experiment_id)
        model = client.create_logged_model(experiment_id, name="m")
        client.log_metric(other.info.run_id, "loss", 0.5, model_id=model.model_id)
        (metric,) = client.get_logged_model(model.model_id).metrics
        print(json.dumps([metric.value, metric.run_id == other.info.run_id]))
        """,
    )
    assert read_result(mlrun, record) == [0.5, True]


def test_processes_of_a_script_log_into_its_run(mlrun: Mlrun, python: str) -> None:
    record = submit_in(
        mlrun,
        python,
        """
        import mlflow, os, subprocess, sys

        run = mlflow.start_run()
        client = mlflow.tracking.MlflowClient()
        mlflow.log_metric("n", 0)
        children = []
        for number in range(1, 4):
            pid = os.fork()
            if pid == 0:
                for step in range(50):
                    client.log_metric(run.info.run_id, f"n{number}", step, step=step)
                os._exit(0)
            children.append(pid)
        for pid in children:
            os.waitpid(pid, 0)
        code = "import mlflow, sys; mlflow.start_run(run_id=sys.argv[1]); mlflow.log_metric('spawned', 1)"
        subprocess.run([sys.executable, "-c", code, run.info.run_id], check=True)
        mlflow.log_metric("n", 9)
        """,
    )
    steps = [float(step) for step in range(50)]
    assert mlrun.metrics(record["run_id"]) == {"n": [0.0, 9.0], "spawned": 1.0, "n1": steps, "n2": steps, "n3": steps}
    assert mlrun.json("run", "list", "--parent-run-id", record["run_id"]) == []


def test_processes_of_a_script_have_the_experiment_that_it_has_set(mlrun: Mlrun, python: str) -> None:
    record = submit_in(
        mlrun,
        python,
        """
        import subprocess, sys
        import mlflow

        code = (
            "import mlflow; run = mlflow.start_run(); "
            "mlflow.set_tag('named', mlflow.get_experiment(mlflow.tracking.fluent._get_experiment_id()).name)"
        )
        with mlflow.start_run():
            mlflow.log_metric("own", 1)
        subprocess.run([sys.executable, "-c", code], check=True)
        mlflow.set_experiment("other")
        subprocess.run([sys.executable, "-c", code], check=True)
        """,
    )
    children = mlrun.json("run", "list", "--parent-run-id", record["run_id"])
    found = {(child["_experiment_name"], child["tags"]["named"]) for child in children}
    assert found == {("exp", "exp"), ("other", "other")}


@pytest.mark.kill
def test_what_a_call_has_logged_survives_a_kill(mlrun: Mlrun, python: str) -> None:
    mlrun.script(
        """
        import mlflow, time
        with mlflow.start_run():
            for step in range(100):
                mlflow.log_metric("loss", step, step=step)
            mlflow.log_param("lr", 0.1)
            mlflow.set_tag("team", "a")
            open("ready", "w").close()
            time.sleep(600)
        """
    )
    mlrun.environment["PATH"] = f"{Path(python).parent}:{mlrun.environment['PATH']}"
    run_id = mlrun.submit()
    until((mlrun.run_folder(run_id) / "work" / "ready").exists)
    os.kill(mlrun.script_pid(run_id), signal.SIGKILL)
    kill(mlrun.supervisor(run_id))
    record = mlrun.wait(run_id)
    assert mlrun.metrics(run_id) == {"loss": [float(step) for step in range(100)]}
    assert (mlrun.show(run_id)["parameters"], record["tags"]) == ({"lr": 0.1}, {"team": "a"})


@pytest.mark.parametrize(
    ("code", "status"),
    [
        ("with mlflow.start_run():\n    raise ValueError('no')", "Failed"),
        ("mlflow.start_run()\nmlflow.end_run('FAILED')", "Failed"),
        ("mlflow.start_run()\nmlflow.end_run('KILLED')", "Failed"),
        ("with mlflow.start_run():\n    pass\nimport sys; sys.exit(3)", "Failed"),
        ("with mlflow.start_run():\n    pass", "Completed"),
        ("mlflow.start_run()", "Completed"),
    ],
)
def test_a_run_ends_as_mlflow_and_its_script_say(mlrun: Mlrun, python: str, code: str, status: str) -> None:
    record = submit_in(mlrun, python, f"import mlflow\n{code}", status=status)
    if "raise" in code:
        assert record["error"]["error"]["message"] == "ValueError: no"


def test_a_store_that_a_script_has_chosen_is_left_alone(mlrun: Mlrun, python: str) -> None:
    mlrun.environment["MLFLOW_ALLOW_FILE_STORE"] = "true"
    code = """
        import json, mlflow, os
        mlflow.set_tracking_uri("file:mlruns")
        mlflow.set_experiment("own")
        with mlflow.start_run() as first:
            for step in range(3):
                mlflow.log_metric("a/loss", 1 / 2**step, step=step)
            mlflow.log_metric("nan", float("nan"))
        if os.environ.get("SECOND"):
            with mlflow.start_run() as second:
                mlflow.log_metric("a/loss", 7)
            print(json.dumps([first.info.run_id, second.info.run_id]))
        """
    record = submit_in(mlrun, python, code)
    run_id = record["run_id"]
    assert mlrun.metrics(run_id) == {}
    (warning,) = record["warnings"]
    assert f"mlrun run metrics -r {run_id} --from-mlruns" in warning["message"]
    of_files = ("run", "metrics", "-r", run_id, "--from-mlruns")
    assert mlrun.json(*of_files) == {"a/loss": [1.0, 0.5, 0.25], "nan": None}
    assert mlrun.json(*of_files, "--last", "--name", "a/loss") == {"a/loss": 0.25}
    assert "a/loss" in mlrun.fails(*of_files, "--name", "loss", exit_code=3).text
    assert mlrun.fails(*of_files, "--tensorboard").code == "ConflictingOptions"

    mlrun.environment["SECOND"] = "1"
    record = submit_in(mlrun, python, code)
    first, second = read_result(mlrun, record)
    found = mlrun.json("run", "metrics", "-r", record["run_id"], "--from-mlruns", "--last")
    assert found == {first: {"a/loss": 0.25, "nan": None}, second: {"a/loss": 7.0}}

    mlrun.environment["MLFLOW_TRACKING_URI"] = (mlrun.folder / "kept").as_uri()
    record = submit_in(mlrun, python, "import mlflow\nmlflow.log_metric('loss', 1)")
    assert mlrun.metrics(record["run_id"]) == {}
    assert list((mlrun.folder / "kept").glob("*/*/metrics/loss"))


def test_a_client_outside_reads_and_writes_a_workspace(mlrun: Mlrun, python: str) -> None:
    record = submit_in(mlrun, python, "import mlflow\nmlflow.log_metric('loss', 0.5)\nmlflow.log_text('t', 'a/t.txt')")
    mlrun.script("from azureml.core import Run\nRun.get_context().log('mine', 3)", "other.py")
    other = mlrun.ended("other.py")["run_id"]
    output = drive_in(
        mlrun,
        python,
        f"""
        import mlflow
        from azureml.core import Run, Workspace
        from azureml.mlflow import get_portal_url, register_model
        from mlflow.tracking import MlflowClient

        ws = Workspace.from_config()
        mlflow.set_tracking_uri(ws.get_mlflow_tracking_uri())
        client = MlflowClient()
        run = client.get_run({record["run_id"]!r})
        assert run.info.status == "FINISHED" and run.data.metrics == {{"loss": 0.5}}, run
        assert client.get_run({other!r}).data.metrics == {{"mine": 3.0}}
        assert get_portal_url(run) == Run.get(ws, run.info.run_id).get_portal_url()
        model = register_model(run, "texts", "a", tags={{"k": "v"}})
        assert (model.name, model.version, model.run_id) == ("texts", 1, run.info.run_id)

        with mlflow.start_run(run_id={other!r}):  # of somebody else
            mlflow.log_metric("added", 4)
            mlflow.log_param("p", "q")
        mlflow.set_experiment("by hand")
        with mlflow.start_run(run_name="hand") as mine:
            mlflow.log_metric("loss", 0.25)
            with mlflow.start_run(nested=True):
                mlflow.log_metric("inner", 1)
        experiments = [one.experiment_id for one in client.search_experiments()]
        found = client.search_runs(experiments, "metrics.loss < 1", order_by=["metrics.loss"])
        assert [one.info.run_id for one in found] == [mine.info.run_id, run.info.run_id], found
        try:
            with mlflow.start_run() as failed:
                raise ValueError("on purpose")
        except ValueError:
            pass
        assert client.get_run(failed.info.run_id).info.status == "FAILED"
        print(mine.info.run_id)
        """,
    )
    hand = mlrun.show(output.splitlines()[-1])
    assert (hand["display_name"], hand["status"], hand["_experiment_name"]) == ("hand", "Completed", "by hand")
    assert mlrun.metrics(hand["run_id"]) == {"loss": 0.25}
    assert mlrun.metrics(other) == {"mine": 3, "added": 4.0}
    assert mlrun.show(other)["parameters"] == {"p": "q"}


def test_secrets_of_parameters_are_in_no_record(mlrun: Mlrun, python: str) -> None:
    secret = f"hunter{time.time_ns()}"
    record = submit_in(
        mlrun,
        python,
        f"""
        import mlflow
        with mlflow.start_run():
            mlflow.log_param("api_key", {secret!r})
            mlflow.log_param("api_key", {secret!r})
        """,
    )
    assert record["parameters"] == {"api_key": "***"}
    assert mlrun.stored("SELECT text FROM run_parameters") == [("***",)]
    assert secret not in (mlrun.run_folder(record["run_id"]) / "record.jsonl").read_text(encoding="utf-8")


@pytest.mark.mlflow
@pytest.mark.parametrize("version", VERSIONS)
def test_what_is_deleted_is_not_written_to_and_is_restored_first(mlrun: Mlrun, version: str) -> None:
    code = """
    import json, mlflow
    from mlflow.exceptions import MlflowException

    client = mlflow.tracking.MlflowClient()
    def code_of(call, *arguments):
        try:
            call(*arguments)
        except MlflowException as error:
            return error.error_code
    with mlflow.start_run() as own:
        experiment = mlflow.create_experiment("other")
        absolute = code_of(mlflow.log_text, "text", "/absolute/file.txt")
    run_id = client.create_run(experiment).info.run_id
    client.log_metric(run_id, "loss", 1)
    client.set_terminated(run_id)
    client.delete_run(run_id)
    run = [
        code_of(client.log_metric, run_id, "loss", 2), code_of(client.log_param, run_id, "lr", 2),
        code_of(client.set_tag, run_id, "team", "blue"), code_of(client.delete_run, run_id),
        code_of(client.restore_run, run_id), code_of(client.log_metric, run_id, "loss", 3),
    ]
    values = [one.value for one in client.get_metric_history(run_id, "loss")]
    experiments = [
        code_of(client.restore_experiment, experiment), code_of(client.delete_experiment, experiment),
        code_of(client.delete_experiment, experiment), code_of(client.rename_experiment, experiment, "new"),
        code_of(client.restore_experiment, experiment), code_of(client.rename_experiment, experiment, "new"),
    ]
    print(json.dumps([run, values, experiments, absolute]))
    """
    run, values, experiments, absolute = read_result(mlrun, submit_in(mlrun, find_mlflow_python(version), code))
    assert run == ["INVALID_PARAMETER_VALUE"] * 3 + [None] * 3
    assert values == [1.0, 3.0]
    assert experiments == ["RESOURCE_DOES_NOT_EXIST", None, *["RESOURCE_DOES_NOT_EXIST"] * 2, None, None]
    assert absolute == "INVALID_PARAMETER_VALUE"


def test_the_pages_of_mlflow_show_a_workspace(mlrun: Mlrun, python: str) -> None:
    record = submit_in(
        mlrun,
        python,
        """
        import mlflow
        from mlflow.entities import Dataset, DatasetInput, InputTag

        for n in range(3):
            mlflow.log_metric('loss', n, step=n)
        mlflow.log_text('t', 'a/t.txt')
        used = DatasetInput(Dataset("rows", "d1", "local", "{}"), [InputTag("mlflow.data.context", "training")])
        for run in (mlflow.active_run(), mlflow.start_run(nested=True)):
            mlflow.MlflowClient().log_inputs(run.info.run_id, [used])
        """,
    )
    data = {"name": "rows", "digest": "d1", "context": "training"}
    program = Path(find_mlflow_python("server")).with_name("mlflow")
    code = "from azureml.core import Workspace\nprint(Workspace.from_config().get_mlflow_tracking_uri())"
    uri = mlrun.python("-c", code)
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    words = [str(program), "server", "--backend-store-uri", uri.strip(), "--port", str(port), "--workers", "1"]
    with subprocess.Popen(
        words, cwd=mlrun.folder, env=mlrun.environment, stderr=subprocess.DEVNULL, start_new_session=True
    ) as server:
        try:
            ask = partial(ask_server, f"http://127.0.0.1:{port}")
            until(lambda: ask("/health"), 300.0)
            (found,) = ask("/api/2.0/mlflow/experiments/search?max_results=9")["experiments"]
            experiments = [found["experiment_id"]]
            (run,) = ask("/api/2.0/mlflow/runs/search", experiment_ids=experiments, filter="metrics.loss > 1")["runs"]
            run_id = run["info"]["run_id"]
            assert (found["name"], run_id, run["info"]["status"]) == ("exp", record["run_id"], "FINISHED")
            of_curve = f"run_ids={run_id}&metric_key=loss&max_results=9"
            curve = ask(f"/ajax-api/2.0/mlflow/metrics/get-history-bulk-interval?{of_curve}")["metrics"]
            assert [[one["step"], one["value"]] for one in curve] == [[0, 0.0], [1, 1.0], [2, 2.0]]
            (summary,) = ask("/ajax-api/2.0/mlflow/experiments/search-datasets", experiment_ids=experiments)[
                "dataset_summaries"
            ]
            assert summary == {"experiment_id": found["experiment_id"], **data}
            place = {"type": "MLFLOW_EXPERIMENT", "mlflow_experiment": {"experiment_id": found["experiment_id"]}}
            assert ask("/ajax-api/3.0/mlflow/traces/search", locations=[place]) == {}
            assert ask("/ajax-api/3.0/mlflow/datasets/search", experiment_ids=experiments) == {}
            files = ask(f"/api/2.0/mlflow/artifacts/list?run_id={run_id}&path=a")["files"]
            assert files == [{"path": "a/t.txt", "is_dir": False, "file_size": 1}]
            made = ask("/api/2.0/mlflow/runs/create", experiment_id=found["experiment_id"], run_name="by hand")
            other = made["run"]["info"]["run_id"]
            ask("/api/2.0/mlflow/runs/log-parameter", run_id=other, key="lr", value="0.5")
            ask("/api/2.0/mlflow/runs/update", run_id=other, status="FINISHED")
        finally:
            os.killpg(server.pid, signal.SIGTERM)
    shown = mlrun.show(other)
    assert (shown["display_name"], shown["status"], shown["parameters"]) == ("by hand", "Completed", {"lr": 0.5})


def ask_server(address: str, path: str, **body: object) -> Any:
    """Return what a server of MLflow answers, or None if it does not answer yet."""
    data = json.dumps(body).encode() if body else None
    request = Request(f"{address}{path}", data, {"Content-Type": "application/json"})
    try:
        with urlopen(request) as response:
            text = response.read().decode()
    except ConnectionError:
        return None
    except URLError as error:
        if path == "/health":
            return None
        raise AssertionError(f"{path}: {error}") from error
    return json.loads(text) if text.startswith("{") else text


@pytest.mark.parametrize("version", VERSIONS)
def test_times_that_a_client_gives_are_those_of_the_run(mlrun: Mlrun, version: str) -> None:
    """As programs give them that copy runs from elsewhere."""
    shown = drive_in(
        mlrun,
        find_mlflow_python(version),
        """
        import json, time
        from azureml.core import Workspace
        from mlflow.tracking import MlflowClient

        client = MlflowClient(Workspace.from_config().get_mlflow_tracking_uri())
        experiment_id = client.create_experiment("copied")
        def copy(start, end, status):
            run_id = client.create_run(experiment_id, start_time=start).info.run_id
            client.set_terminated(run_id, status, end_time=end)
            info = client.get_run(run_id).info
            return [info.start_time, info.end_time, info.status]
        now = int(time.time() * 1000)
        info = client.create_run(experiment_id).info
        print(json.dumps([
            copy(1500000000123, 1500000060456, "FINISHED"),
            copy(1500000000123, 1400000000000, "FAILED"),
            abs(info.start_time - now) < 600000,
            [run.info.start_time for run in client.search_runs([experiment_id])][1:],
        ]))
        """,
    )
    start, end = 1_500_000_000_123, 1_500_000_060_456
    assert json.loads(shown.splitlines()[-1]) == [
        [start, end, "FINISHED"],
        [start, start, "FAILED"],
        True,
        [start, start],
    ]
    durations = [run["duration_seconds"] for run in mlrun.json("run", "list", "-e", "copied", "--status", "Completed")]
    assert pytest.approx(60.333) in durations
