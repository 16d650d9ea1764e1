"""Submissions to a target with an engine: the shared folder, and that failed ones leave nothing behind."""

from __future__ import annotations

import json
import os
import signal
import stat
import subprocess
import tempfile
import textwrap
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from mlrun_cli.environments.folder import EnvironmentFolder
from tests.engines.pool import PoolEngine
from tests.packages import make_wheel, package_index
from tests.running import until

SCRIPT = "print('here')"


def submit(pool: PoolEngine, *words: str) -> str:
    pool.mlrun.script(SCRIPT)
    return pool.mlrun.submit("--ct", "pool", *(words or ("train.py",)))


def list_files(folder: Path) -> dict[str, tuple[int, int]]:
    """Return the inode and size of every file below a folder, by relative path."""
    found = {path: path.lstat() for path in folder.rglob("*") if not path.is_dir() or path.is_symlink()}
    return {str(path.relative_to(folder)): (each.st_ino, each.st_size) for path, each in found.items()}


def read_json(path: Path) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return document


def assert_nothing_is_left(pool: PoolEngine) -> None:
    assert pool.mlrun.stored("SELECT run_id FROM runs") == []
    assert list((pool.shared / "runs").iterdir()) == []
    assert [*pool.mlrun.database.parent.glob("runs/*"), *pool.mlrun.database.parent.glob("submits/*")] == []


@pytest.fixture
def still(pool: PoolEngine) -> PoolEngine:
    """Return an engine that starts no job."""
    pool.set_option("slots", "0")
    return pool


@pytest.fixture
def elsewhere(tmp_path: Path) -> Iterator[Path]:
    """Return a folder on another file system than that of the shared folder."""
    memory = Path("/dev/shm")
    if not memory.is_dir() or memory.stat().st_dev == tmp_path.stat().st_dev:
        pytest.skip("needs a second file system")
    with tempfile.TemporaryDirectory(dir=memory) as folder:
        yield Path(folder)


def test_a_submitted_run_has_all_that_a_node_needs(still: PoolEngine) -> None:
    run_id = submit(still)
    shared, own = still.run_folder(run_id), still.mlrun.run_folder(run_id)
    record = still.mlrun.show(run_id)
    job = still.job(run_id)
    assert job is not None
    assert (record["status"], record["properties"]["pool_job_id"]) == ("Queued", job["id"])
    submission = read_json(shared / "submission.json")
    assert submission == read_json(own / "submission.json")
    snapshots = still.shared / "snapshots"
    manifest = read_json(snapshots / "manifests" / f"{submission['snapshot_id']}.json")
    (entry,) = (each for each in manifest["entries"] if each["path"] == "train.py")
    assert (snapshots / "objects" / entry["digest"][:2] / entry["digest"][2:]).read_text() == SCRIPT
    secrets = shared / "secrets.json"
    assert stat.S_IMODE(secrets.stat().st_mode) == 0o600
    assert not (own / "secrets.json").exists()
    environment = read_json(secrets)["environment"]
    sdk = Path(environment["PYTHONPATH"].split(os.pathsep)[0])
    assert sdk.parent == still.shared / "sdk"
    assert {each.name for each in sdk.iterdir()} == {"azureml", "azureml_user", "mlrun_cli_mlflow-1.0.dist-info"}
    assert not environment.keys() & {"AZUREML_OUTPUT_DIRECTORY", "MLRUN_HOME", "MLRUN_RUN_FOLDER", "PWD"}
    (document,) = map(json.loads, (shared / "record.jsonl").read_text().splitlines())
    assert document["row"]["run_id"] == run_id
    assert json.loads(document["row"]["definition"])["snapshotId"] == submission["snapshot_id"]
    for name in ("journal", "artifacts", "uploads", "work"):
        assert (own / name).is_symlink()
        assert (own / name).resolve() == (shared / name).resolve()
    assert (own / "artifacts" / "user_logs" / "std_log.txt").read_text() == ""


def test_a_node_starts_from_the_copied_program_alone(still: PoolEngine) -> None:
    run_id = submit(still)
    program = Path(read_json(still.run_folder(run_id) / "program.json")["folder"])
    assert program.parent == still.shared / "programs"
    assert not (program / "mlrun_cli" / "studio").exists()
    code = f"""
import sys
sys.path.insert(0, {str(program)!r})
import mlrun_cli.supervisor.supervisor, mlrun_cli.environments.__main__, mlrun_cli.environments.build
there = [module.__file__ for name, module in sys.modules.items() if name.split('.')[0] in ('mlrun_cli', 'packaging')]
print(all(file.startswith({str(program)!r}) for file in there))
"""
    base = Path(os.path.realpath(still.mlrun.python("-c", "import sys; print(sys.executable)").strip()))
    done = subprocess.run([base, "-I", "-S", "-c", code], capture_output=True, encoding="utf-8", check=False)
    assert (done.stdout.strip(), done.stderr) == ("True", "")


def test_a_second_submit_copies_nothing(still: PoolEngine) -> None:
    submit(still)
    before = list_files(still.shared)
    submit(still)
    new = {path for path, of_file in list_files(still.shared).items() if before.get(path) != of_file}
    assert {path.split("/")[0] for path in new} == {"runs"}


def test_a_node_knows_the_ancestors_of_a_run(still: PoolEngine) -> None:
    still.mlrun.script("print('here')", "child.py")
    still.mlrun.script(
        """
        from azureml.core import Run, ScriptRunConfig

        child = Run.get_context().submit_child(ScriptRunConfig(".", "child.py", compute_target="pool"))
        print(child.id)
        """
    )
    parent = still.mlrun.ended("train.py")["run_id"]
    run_id = still.mlrun.log(parent).strip()
    documents = [json.loads(line) for line in (still.run_folder(run_id) / "children.jsonl").read_text().splitlines()]
    assert [document["row"]["run_id"] for document in documents] == [parent]


def test_a_job_that_the_engine_refuses_is_an_error_and_leaves_nothing(still: PoolEngine) -> None:
    still.set_option("refuse", "Invalid partition name specified")
    still.mlrun.script(SCRIPT)
    failure = still.mlrun.fails("run", "submit-script", "--async", "--ct", "pool", "train.py", exit_code=1)
    assert (failure.code, failure.message) == ("EngineRefused", "Invalid partition name specified")
    assert_nothing_is_left(still)


def test_several_nodes_are_refused_unless_the_kind_of_target_takes_them(still: PoolEngine) -> None:
    still.mlrun.script(SCRIPT)
    runconfig = still.mlrun.folder / ".azureml" / "two.runconfig"
    runconfig.write_text("script: train.py\nframework: Python\ncommunicator: None\nnodeCount: 2\n", encoding="utf-8")
    words = ("run", "submit-script", "--async", "-c", "two", "--ct", "pool")
    failure = still.mlrun.fails(*words, exit_code=2)
    assert failure.code == "NotEnoughNodes"
    assert "nodeCount" in failure.message
    assert_nothing_is_left(still)


def test_an_engine_that_does_not_answer_leaves_a_run_that_may_have_a_job(still: PoolEngine) -> None:
    still.set_option("away")
    still.mlrun.script(SCRIPT)
    failure = still.mlrun.fails("run", "submit-script", "--async", "--ct", "pool", "train.py", exit_code=1)
    assert failure.code == "SubmitUnanswered"
    assert failure.target is not None
    assert still.mlrun.stored_status(failure.target) == "NotStarted"
    assert still.run_folder(failure.target).is_dir()


def test_a_job_that_an_engine_accepts_late_is_that_of_its_run(still: PoolEngine) -> None:
    still.set_option("late")
    still.mlrun.script(SCRIPT)
    run_id = still.mlrun.submit("--ct", "pool", "train.py")
    assert still.mlrun.show(run_id)["properties"]["pool_job_id"] == "1"


def test_a_shared_folder_that_is_away_is_an_error_and_leaves_nothing(still: PoolEngine) -> None:
    still.shared.rename(still.shared.with_name("unmounted"))
    still.shared.mkdir()
    still.mlrun.script(SCRIPT)
    failure = still.mlrun.fails("run", "submit-script", "--async", "--ct", "pool", "train.py", exit_code=1)
    assert failure.code == "SharedFolderUnavailable"
    assert list(still.shared.iterdir()) == []
    still.shared.rmdir()
    still.shared.with_name("unmounted").rename(still.shared)
    assert_nothing_is_left(still)


def test_a_run_whose_job_cannot_be_noted_since_the_disk_is_full_is_kept_and_has_its_job(pool: PoolEngine) -> None:
    pool.set_option("hang", "after")
    pool.mlrun.script(SCRIPT)
    with pool.mlrun.start("run", "submit-script", "--async", "--ct", "pool", "train.py") as process:
        until((pool.pool.folder / "hanging").exists)
        log = f"{pool.mlrun.database}-wal"
        full = ("--trace=pwrite64", f"--trace-path={log}", "--inject=pwrite64:error=ENOSPC:when=1")
        with subprocess.Popen(
            ["strace", "--output=/dev/null", *full, f"--attach={process.pid}"], stderr=subprocess.PIPE, encoding="utf-8"
        ) as tracer:
            told = tracer.stderr
            assert told is not None
            until(lambda: "attached" in told.readline())
            pool.set_option("hang", None)
            _, errors = process.communicate()
    ((run_id,),) = pool.mlrun.stored("SELECT run_id FROM runs")
    assert process.returncode == 1
    assert run_id in errors and "workspace prune" in errors
    record = pool.mlrun.wait(run_id)
    assert (record["status"], record["properties"].get("pool_job_id")) == ("Completed", "1")
    assert [row["run_id"] for row in pool.pool.list()] == [run_id]


@pytest.mark.kill
@pytest.mark.parametrize("when", ["before", "after"])
def test_a_submit_that_is_killed_beside_the_submit_of_its_job_keeps_its_run(still: PoolEngine, when: str) -> None:
    still.set_option("hang", when)
    still.mlrun.script(SCRIPT)
    process = still.mlrun.start("run", "submit-script", "--async", "--ct", "pool", "train.py")
    until((still.pool.folder / "hanging").exists)
    ((run_id,),) = still.mlrun.stored("SELECT run_id FROM runs")
    process.send_signal(signal.SIGKILL)
    process.communicate()
    still.mlrun("run", "list")
    assert still.mlrun.stored("SELECT run_id FROM runs") == [(run_id,)]
    assert (still.run_folder(run_id) / "record.jsonl").is_file()
    assert (still.job(run_id) is not None) == (when == "after")
    assert not still.mlrun.is_owned(run_id)


@pytest.mark.promises("slurm", "standard input")
@pytest.mark.promises("ray", "standard input")
@pytest.mark.promises("remote", "standard input")
def test_standard_input_cannot_be_passed_to_a_node(still: PoolEngine) -> None:
    still.mlrun.script(SCRIPT)
    failure = still.mlrun.fails("run", "submit-script", "--stdin", "--ct", "pool", "train.py")
    assert failure.code == "Unsupported"
    assert_nothing_is_left(still)


def test_gpus_and_the_own_job_are_those_of_the_engine(still: PoolEngine) -> None:
    still.mlrun.environment.update(SLURM_JOB_ID="77", CUDA_VISIBLE_DEVICES="3")
    run_id = submit(still, "--gpus", "2", "train.py")
    job = still.job(run_id)
    assert job is not None
    assert job["demand"]["gpu_count"] == 2
    assert "slurm_job_id" not in still.mlrun.show(run_id)["properties"]
    assert "CUDA_VISIBLE_DEVICES" not in read_json(still.run_folder(run_id) / "secrets.json")["environment"]


DATA = """
    script: train.py
    target: pool
    arguments: [$AZUREML_DATAREFERENCE_in]
    dataReferences:
      in: {{dataStoreName: {name}, mode: {mode}, pathOnDataStore: part}}
"""


def prepare_data(pool: PoolEngine, folder: Path, mode: str) -> None:
    """Write a runconfig `d` with a reference to a datastore in a folder with a file."""
    (folder / "part").mkdir(parents=True)
    (folder / "part" / "file").write_text("content", encoding="utf-8")
    pool.mlrun("datastore", "attach-local", "disk", str(folder))
    pool.mlrun.script(SCRIPT)
    text = textwrap.dedent(DATA).format(name="disk", mode=mode)
    pool.mlrun.script(text, ".azureml/d.runconfig")


def test_data_that_is_downloaded_lies_where_nodes_see_it(still: PoolEngine, elsewhere: Path) -> None:
    prepare_data(still, elsewhere, "download")
    planned = still.mlrun.json("run", "submit-script", "--dry-run", "-c", "d")
    assert planned["arguments"] == [str(still.shared / "runs" / "{run-id}" / "inputs" / "in")]
    run_id = still.mlrun.submit("-c", "d")
    copy = still.run_folder(run_id) / "inputs" / "in"
    assert read_json(still.run_folder(run_id) / "submission.json")["argv"] == ["train.py", str(copy)]
    assert [path.read_text() for path in copy.rglob("file")] == ["content"]


@pytest.mark.promises("slurm", "data")
@pytest.mark.promises("ray", "data")
def test_data_beside_the_shared_folder_is_given_as_it_is(still: PoolEngine, tmp_path: Path) -> None:
    prepare_data(still, tmp_path / "data", "mount")
    run_id = still.mlrun.submit("-c", "d")
    argv = read_json(still.run_folder(run_id) / "submission.json")["argv"]
    assert argv == ["train.py", str(tmp_path / "data" / "part")]


@pytest.mark.promises("slurm", "data")
@pytest.mark.promises("ray", "data")
def test_data_that_nodes_do_not_see_is_refused(still: PoolEngine, elsewhere: Path) -> None:
    prepare_data(still, elsewhere, "mount")
    failure = still.mlrun.fails("run", "submit-script", "--async", "-c", "d")
    assert failure.code == "PathNotShared"
    assert str(elsewhere) in failure.message
    assert_nothing_is_left(still)


ENVIRONMENT = """
    script: train.py
    target: pool
    environment:
      docker: {{enabled: {is_docker}, baseImage: python}}
      python:
        userManagedDependencies: {is_docker}
        condaDependencies: {{dependencies: [{{pip: [six]}}]}}
"""


@pytest.mark.promises("slurm", "environments")
@pytest.mark.promises("ray", "environments")
def test_an_environment_is_built_in_the_shared_folder(still: PoolEngine) -> None:
    still.mlrun.script(SCRIPT)
    still.mlrun.script(ENVIRONMENT.format(is_docker="false"), ".azureml/e.runconfig")
    run_id = still.mlrun.submit("-c", "e")
    plan = read_json(still.run_folder(run_id) / "environment.json")
    folder = Path(plan["build"]["folder"])
    assert folder.parent == still.shared / "environments"
    assert Path(plan["interpreter"]).is_relative_to(folder)


@pytest.mark.promises("slurm", "environments")
@pytest.mark.promises("ray", "environments")
def test_an_environment_is_built_here_at_submit_if_its_target_wants_that(still: PoolEngine, tmp_path: Path) -> None:
    still.mlrun.script(SCRIPT)
    still.mlrun.execute("UPDATE compute_targets SET definition = json_set(definition, '$.properties.buildOn', 'here')")
    make_wheel(tmp_path / "served", "tiny", "1.2")
    with package_index(tmp_path / "served") as address:
        for name in ("tiny", "none-such"):
            packages = f"[--index-url http://{address}/simple/, {name}]"
            text = ENVIRONMENT.format(is_docker="false").replace("[six]", packages)
            still.mlrun.script(text, f".azureml/{name}.runconfig")
        failure = still.mlrun.fails("run", "submit-script", "--async", "-c", "none-such", exit_code=1)
        assert (failure.code, "none-such" in failure.message) == ("EnvironmentNotBuilt", True)
        assert_nothing_is_left(still)
        run_id = still.mlrun.submit("-c", "tiny")
    plan = read_json(still.run_folder(run_id) / "environment.json")
    assert EnvironmentFolder(still.shared / "environments" / plan["build"]["key"]).is_complete()
    assert still.mlrun.submit("-c", "tiny")  # the index is gone


@pytest.mark.promises("slurm", "environments")
@pytest.mark.promises("ray", "environments")
@pytest.mark.promises("remote", "environments")
def test_a_container_on_a_node_is_refused_unless_the_script_can_do_without(still: PoolEngine, tmp_path: Path) -> None:
    programs = tmp_path / "bin"
    programs.mkdir()
    (programs / "docker").write_text("#!/bin/sh\n", encoding="utf-8")
    (programs / "docker").chmod(0o755)
    still.mlrun.environment["PATH"] = f"{programs}:{still.mlrun.environment['PATH']}"
    still.mlrun.script(SCRIPT)
    still.mlrun.script(ENVIRONMENT.format(is_docker="true"), ".azureml/e.runconfig")
    failure = still.mlrun.fails("run", "submit-script", "--async", "-c", "e")
    assert (failure.code, failure.target) == ("Unsupported", "environment.docker")
    assert_nothing_is_left(still)
    run_id = still.mlrun.submit("-c", "e", "--environment", "current")
    assert read_json(still.run_folder(run_id) / "environment.json")["container"] is None
    with_packages = ENVIRONMENT.format(is_docker="true").replace("Dependencies: true", "Dependencies: false")
    still.mlrun.script(with_packages, ".azureml/p.runconfig")
    done = still.mlrun("run", "submit-script", "--async", "-c", "p")
    assert "without the image" in done.stderr


@pytest.mark.kill
def test_a_submit_that_is_killed_anywhere_leaves_a_whole_run_or_none(still: PoolEngine) -> None:
    still.mlrun.script(SCRIPT)
    started = time.monotonic()
    submit(still)
    duration = time.monotonic() - started
    for step in range(8):
        process = still.mlrun.start("run", "submit-script", "--async", "--ct", "pool", "train.py")
        time.sleep(duration * (0.3 + 0.1 * step))
        process.kill()
        process.communicate()
        still.mlrun("run", "list")
        stored = {run_id for (run_id,) in still.mlrun.stored("SELECT run_id FROM runs")}
        own = still.mlrun.database.parent
        assert {path.name for path in (own / "runs").iterdir()} == stored
        assert {path.name for path in (still.shared / "runs").iterdir()} == stored
        assert [path for path in (own / "submits").iterdir() if not path.name.startswith(".")] == []
        assert {row["run_id"] for row in still.pool.list()} <= stored
