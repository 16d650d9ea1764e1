"""MLflow's own tests of its fluent API and of tracking, played by the script of a run and with MLflow's own store.

They are not in this repository: `tests.sdk.checkouts` says where they are looked for. What passes with MLflow's store
passes in a run, but for `DIFFERENT`.
"""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.running import Mlrun
from tests.sdk.checkouts import find_in_checkout
from tests.sdk.mlflow_environments import VERSIONS, find_mlflow_python, read_result, submit_in

RELEASES = {"1": "v1.30.1", "2": "v2.22.5", "3": "v3.17.2"}
"""The release whose tests are played, by the first number of its version."""

FILES = ["tracking/fluent/test_fluent.py", "tracking/test_tracking.py"]
"""Those below `tests`."""

_NO_LOCAL_FOLDER = "looks into the folder of a local artifact store"
_NO_EMPTY_FOLDER = "files are kept, and no folders without files"
_IDS = "an experiment's id is a GUID, as Azure's are, not a small number"
_PARENT = "a later start_run() in a script is a child of its run, with a tag for its parent"
_ENDED = "a run that has ended stays so"
_LOCATION = "the files of a run are in its workspace, wherever its experiment wants them"
_TRACES = "traces need a store of one's own"
DIFFERENT = {
    **dict.fromkeys(
        [
            "test_log_artifact",
            "test_log_dict",
            "test_log_figure_matplotlib",
            "test_log_figure_plotly",
            "test_log_image_numpy",
            "test_log_image_numpy_dtype",
            "test_log_image_numpy_shape",
            "test_log_image_pillow",
            "test_log_stream_bytes",
            "test_log_stream_empty",
            "test_log_stream_large_content",
            "test_log_text",
        ],
        _NO_LOCAL_FOLDER,
    ),
    "test_log_artifact_with_dirs": _NO_EMPTY_FOLDER,
    "test_get_experiment_id_in_databricks_with_active_experiment_returns_active_experiment_id": _IDS,
    "test_get_experiment_id_in_databricks_with_experiment_defined_in_env_returns_env_experiment_id": _IDS,
    "test_list_experiments": _IDS,
    "test_search_runs_multiple_experiments": _IDS,
    "test_start_run_exp_id_0": _IDS,
    "test_get_parent_run": _PARENT,
    "test_log_batch": _PARENT,
    "test_set_tags": _PARENT,
    "test_start_existing_run_end_time": _ENDED,
    "test_start_existing_run_status": _ENDED,
    "test_get_artifact_uri_appends_to_local_path_component_correctly": _LOCATION,
    "test_get_artifact_uri_appends_to_uri_path_component_correctly": _LOCATION,
    "test_clear_active_model": _TRACES,
    "test_set_active_model_link_traces": _TRACES,
}
"""Tests that pass with MLflow's own store alone, each with its reason."""

CONFTEST = """
import os, uuid

import mlflow
import pytest

FOLDER_STORE = "azureml" not in os.environ.get("MLFLOW_TRACKING_URI", "")
RUN_URI = os.environ.pop("MLFLOW_TRACKING_URI", None)
for name in ("MLFLOW_RUN_ID", "MLFLOW_EXPERIMENT_ID", "MLFLOW_EXPERIMENT_NAME"):
    os.environ.pop(name, None)
if not FOLDER_STORE:
    mlflow.set_tracking_uri(RUN_URI)
    with mlflow.start_run() as joined:  # later runs are children of this one
        OWN_EXPERIMENT = mlflow.get_experiment(joined.info.experiment_id).name


@pytest.fixture
def monkeypatch(monkeypatch):
    monkeypatch.setenvs = lambda values: [monkeypatch.setenv(*item) for item in values.items()]
    return monkeypatch


@pytest.fixture(autouse=True)
def begin_anew(tmp_path):
    variables = dict(os.environ)
    folder = os.getcwd()
    os.chdir(tmp_path)
    mlflow.set_tracking_uri((tmp_path / "mlruns").as_uri() if FOLDER_STORE else RUN_URI)
    os.environ["MLFLOW_ALLOW_FILE_STORE"] = "true"  # which MLflow 3 advises against
    os.environ["MLFLOW_ENABLE_ASYNC_TRACE_LOGGING"] = "false"  # a test reads its traces at once
    mlflow.tracking.fluent._active_experiment_id = None
    yield
    mlflow.set_tracking_uri((tmp_path / "mlruns").as_uri() if FOLDER_STORE else RUN_URI)
    while mlflow.active_run():
        mlflow.end_run()
    if hasattr(mlflow, "clear_active_model"):
        mlflow.clear_active_model()
    if not FOLDER_STORE:
        put_experiments_away()
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(variables)


def put_experiments_away():
    client = mlflow.tracking.MlflowClient()
    for one in client.search_experiments():
        if one.name != OWN_EXPERIMENT:
            client.rename_experiment(one.experiment_id, uuid.uuid4().hex)
            client.delete_experiment(one.experiment_id)
    for one in client.search_experiments(view_type=2):
        if len(one.name) != 32:
            client.restore_experiment(one.experiment_id)
            client.rename_experiment(one.experiment_id, uuid.uuid4().hex)
            client.delete_experiment(one.experiment_id)


@pytest.fixture
def reset_active_experiment():
    yield
    mlflow.tracking.fluent._active_experiment_id = None


@pytest.fixture
def reset_mock(monkeypatch):
    return monkeypatch.setattr
"""
"""What MLflow's own `conftest.py` does for these tests, without its choice of a store."""

HELPERS = """
from contextlib import ExitStack, contextmanager


@contextmanager
def multi_context(*contexts):
    with ExitStack() as stack:
        yield [stack.enter_context(one) for one in contexts]
"""

TRACES = """
import mlflow


def get_traces():
    return mlflow.search_traces(locations=[mlflow.tracking.fluent._get_experiment_id()], return_type="list")
"""

PLAY = """
import json, os, sys

import pytest

outcomes = {}


class Outcomes:
    def pytest_runtest_logreport(self, report):
        name = report.nodeid.rpartition("::")[2]
        if report.outcome != "passed" or report.when == "call":
            outcomes.setdefault(name, report.outcome)
            if report.failed:
                outcomes[name] = "failed"


os.chdir(TESTS)
sys.path.insert(0, TESTS)
words = ["-q", "--tb=short", "-p", "no:cacheprovider", "-W", "ignore", f"--basetemp={TEMPORARY}", "tests"]
pytest.main(words, plugins=[Outcomes()])
print(json.dumps(outcomes))
"""


@pytest.fixture
def mlrun(tmp_path: Path) -> Iterator[Mlrun]:
    """A folder attached to the experiment `exp`."""
    one = Mlrun(tmp_path)
    yield one
    one.close()


def lay_tests_out(release: str, folder: Path) -> None:
    """Copy the tests of a release and what they import into a folder."""
    for name in FILES:
        file = find_in_checkout(f"mlflow/mlflow@{release}", f"tests/{name}", release)
        (folder / "tests" / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(file, folder / "tests" / name)
    (folder / "tests" / "tracing").mkdir()
    (folder / "tests" / "tracing" / "helper.py").write_text(TRACES, encoding="utf-8")
    (folder / "tests" / "helper_functions.py").write_text(HELPERS, encoding="utf-8")
    for package in [path for path in folder.rglob("*") if path.is_dir()]:
        (package / "__init__.py").touch()
    (folder / "conftest.py").write_text(CONFTEST, encoding="utf-8")


def build_play(folder: Path, temporary: Path) -> str:
    """Return a script that plays the tests in a folder, with another one for their files."""
    return PLAY.replace("TESTS", json.dumps(str(folder))).replace("{TEMPORARY}", str(temporary))


@pytest.mark.parametrize("version", VERSIONS)
def test_what_passes_with_mlflows_own_store_passes_in_a_run(mlrun: Mlrun, tmp_path: Path, version: str) -> None:
    folder = tmp_path / "own"
    lay_tests_out(RELEASES[version], folder)
    python = find_mlflow_python(f"{version}-tests")
    alone = subprocess.run(
        [python, "-c", build_play(folder, tmp_path / "alone")], capture_output=True, encoding="utf-8", check=True
    )
    expected = json.loads(alone.stdout.splitlines()[-1])
    record = submit_in(mlrun, python, build_play(folder, tmp_path / "in a run"), "-e", "own-tests")
    found = read_result(mlrun, record)
    assert found.keys() == expected.keys()
    passing = {name for name in expected if expected[name] == "passed"}
    assert len(passing) >= 80
    worse = {name.partition("[")[0] for name in passing if found[name] != "passed"}
    assert worse - DIFFERENT.keys() == set(), mlrun.log(record["run_id"])
    assert DIFFERENT.keys() & {name.partition("[")[0] for name in passing} - worse == set(), "no longer different"
