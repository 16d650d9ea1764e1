"""Folders of the gallery as they stand, and what runs can be given, on each engine."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import yaml

from tests.engines.ray import PATIENCE_SECONDS
from tests.engines.scripts import ATTEMPTS
from tests.engines.slurm import Slurm
from tests.engines.sshd import HOST_ALIAS, RemoteMachine
from tests.packages import make_wheel
from tests.running import Mlrun, make_nvidia_smi, until

_ROOT = Path(__file__).parents[2]
_GALLERY, _README = _ROOT / "runconfigs", _ROOT / "README.md"


class Engine(NamedTuple):
    """A command with a target.

    Attributes:
        mlrun: the command.
        target: the name of the target, which is that of its kind.
    """

    mlrun: Mlrun
    target: str

    def submit(self, *words: str) -> str:
        return self.mlrun.submit("--ct", self.target, *words)

    def wait(self, run_id: str) -> dict[str, Any]:
        done = self.mlrun("run", "wait", "-r", run_id, check=False, timeout=3 * PATIENCE_SECONDS)
        record: dict[str, Any] = json.loads(done.stdout)[0]
        return record

    def run_folder(self, name: str, *words: str) -> dict[str, Any]:
        """Run a folder of the gallery as it stands by az's line, and return the record of the run, which completes."""
        shutil.copytree(_GALLERY / name, self.mlrun.folder, dirs_exist_ok=True)
        line = ("run", "submit-script", "--ct", self.target, *(words or ("-c", "train")))
        done = self.mlrun.run(*self.mlrun.command[:-1], "../bin/az", "ml", *line, timeout=3 * PATIENCE_SECONDS)
        assert done.returncode == 0, done.stderr
        record: dict[str, Any] = json.loads(done.stdout)
        assert (record["status"], record["target"]) == ("Completed", self.target)
        return record


OPTIONS = """
    import os, sys, time
    from azureml.core import Run

    run = Run.get_context()
    run.log("rate", float(sys.argv[2]))
    with open("outputs/secret", "w") as file:
        file.write(str(run.get_secret("api-token") == "swordfish-4711"))
    open("scratch", "w").close()
    filler = bytearray(60_000_000)
    print(os.environ["COLOUR"], run.tags, flush=True)
    time.sleep(float(sys.argv[1]))
"""


def list_memory(mlrun: Mlrun) -> list[int]:
    found: list[int] = mlrun.json("top", "--query", "[?memory_bytes].memory_bytes")
    return found


@pytest.fixture
def slurm_engine(slurm: Slurm, slurm_mlrun: Mlrun) -> Iterator[Engine]:
    shared = str(slurm_mlrun.folder.parent / "shared")
    slurm_mlrun("computetarget", "attach", "slurm", "-n", "slurm", "--shared-folder", shared, "--no-check")
    yield Engine(slurm_mlrun, "slurm")
    slurm.cancel_all()


@pytest.fixture
def remote_engine(remote_machine: RemoteMachine, ssh_mlrun: Mlrun) -> Engine:
    attach_remote(ssh_mlrun, remote_machine)
    return Engine(ssh_mlrun, "remote")


def attach_remote(mlrun: Mlrun, machine: RemoteMachine) -> None:
    place = ("--address", HOST_ALIAS, "--python", machine.python, "--max-nodes", "2")
    mlrun("computetarget", "attach", "remote", "-n", "remote", *place)


def download_wheels(wheels: Path, version: str) -> str:
    """Download the packages that iris needs for a version of Python, and return the address of their folder."""
    conda = _GALLERY / "iris" / ".azureml" / "conda_dependencies.yml"
    needed = yaml.safe_load(conda.read_text(encoding="utf-8"))["dependencies"]
    options = ("--only-binary=:all:", "--python-version", version, "--dest", str(wheels))
    subprocess.run([sys.executable, "-m", "pip", "download", "--quiet", *options, *needed], check=True)
    return wheels.as_uri()


def offer_packages_there(machine: RemoteMachine) -> None:
    """Let pip on the other machine, which has no network, find the packages that iris needs."""
    # An environment is made from the version that submits, if it is there.
    version = "'import sys; print(sys.version_info[0], sys.version_info[1], sep=\".\")'"
    python = f"$(command -v python3.{sys.version_info.minor} || echo {machine.python})"
    address = download_wheels(machine.marks / "wheels", machine.run("sh", "-c", f"{python} -c {version}").strip())
    settings = machine.home / ".config" / "pip" / "pip.conf"
    settings.parent.mkdir(parents=True)
    settings.write_text(f"[global]\nno-index = true\nfind-links = {address}\n", encoding="utf-8")


def offer_packages(mlrun: Mlrun) -> None:
    """Attach the Ray cluster anew, with a line that lets uv on nodes, which have no network, find the packages."""
    address = download_wheels(mlrun.folder.parent / "wheels", f"3.{sys.version_info.minor}")
    settings = mlrun.json("computetarget", "show", "-n", "ray")["properties"]["properties"]
    mlrun("computetarget", "detach", "-n", "ray")
    place = ("--address", settings["address"], "--shared-folder", settings["sharedFolder"], "--no-check")
    mlrun(
        "computetarget", "attach", "ray", "-n", "ray", *place, "--setup", f"export UV_OFFLINE=1 UV_FIND_LINKS={address}"
    )


@pytest.fixture
def two_gpus(remote_machine: RemoteMachine) -> Iterator[None]:
    """Let an `nvidia-smi` on the other machine report two GPUs."""
    programs = remote_machine.marks / "programs"
    programs.mkdir()
    make_nvidia_smi(programs, 2)
    with remote_machine.install_programs(programs):
        yield
    shutil.rmtree(programs)


@pytest.fixture(params=["slurm", pytest.param("ray", marks=pytest.mark.ray), "remote"])
def engine(request: pytest.FixtureRequest) -> Engine:
    """Return a command with a target on a Slurm or Ray cluster, or another machine."""
    if request.param == "ray":
        found = Engine(request.getfixturevalue("ray_mlrun"), "ray")
    else:
        found = request.getfixturevalue(f"{request.param}_engine")
    found.mlrun("install-az", "../bin")
    return found


def test_folders_of_the_gallery_run_as_they_stand(engine: Engine) -> None:
    mlrun = engine.mlrun
    quickstart = engine.run_folder("quickstart")["run_id"]
    assert mlrun.metrics(quickstart)["accuracy"][-1] > 0.98
    assert "outputs/model.json" in mlrun.json("run", "files", "-r", quickstart)

    distributed = mlrun.metrics(engine.run_folder("distributed")["run_id"])
    assert distributed["loss"][-1] < 0.02
    assert sorted(distributed["lines"]["rank"]) == [0, 1, 2, 3]

    queue = engine.run_folder("queue", "-c", "train", "train.py", "--throws", "20000")["run_id"]
    assert mlrun.metrics(queue)["pi"][-1] == pytest.approx(3.14, abs=0.1)


def test_the_five_minutes_of_the_readme(engine: Engine) -> None:
    mlrun = engine.mlrun
    section = _README.read_text(encoding="utf-8").partition("## Five minutes")[2].partition("\n## ")[0]
    first, *others = re.findall(r"^```sh\n(.*?)^```$", section, re.MULTILINE | re.DOTALL)
    mlrun.script(re.findall(r"<<'EOF'\n(.*?)^EOF$", first, re.MULTILINE | re.DOTALL)[0])
    lines = "".join(others).replace("mlrun run submit-script", f"mlrun run submit-script --ct {engine.target}")
    function = f'mlrun() {{ {shlex.join(mlrun.command)} "$@"; }}\n'
    done = mlrun.run("bash", "-ec", function + lines, timeout=3 * PATIENCE_SECONDS)
    assert done.returncode == 0, done.stderr
    assert re.findall("exit code ([0-9]+)$", done.stdout, re.MULTILINE) == ["124", "1", "1"]
    runs = mlrun.json("run", "list")
    assert [run["status"] for run in runs] == ["Failed", "Canceled", "Completed", "Completed"]
    assert {run["target"] for run in runs} == {engine.target}
    _, _, latest, _ = runs
    assert (latest["tags"], mlrun.metrics(latest["run_id"])["loss"][-1]) == ({"quality": "fantastic run"}, 6.366)
    assert '"loss": 6.366' in done.stdout
    assert len(json.loads((mlrun.folder / "results" / "outputs" / "line.json").read_text(encoding="utf-8"))) == 2


def test_the_parent_of_the_gallery_finds_its_best_child(engine: Engine) -> None:
    parent = engine.run_folder("parent", "-c", "parent")["run_id"]
    children = engine.mlrun.json("run", "list", "--parent-run-id", parent)
    assert [(child["status"], child["target"]) for child in children] == [("Completed", "local")] * 7
    assert engine.mlrun.metrics(parent)["best"] == 16


def test_iris_gets_its_environment_where_it_runs(engine: Engine, request: pytest.FixtureRequest) -> None:
    if engine.target == "remote":
        offer_packages_there(request.getfixturevalue("shared_machine"))
    if engine.target == "ray":
        offer_packages(engine.mlrun)
    iris = engine.run_folder("iris")["run_id"]
    assert engine.mlrun.metrics(iris)["accuracy"] > 0.9
    assert "outputs/model.joblib" in engine.mlrun.json("run", "files", "-r", iris)


def test_a_script_is_started_again_and_a_run_goes_on_with_the_files_of_another(engine: Engine) -> None:
    mlrun = engine.mlrun
    mlrun.script(ATTEMPTS)
    run = engine.wait(engine.submit("--retry", "3", "--retry-on", "exit:75", "train.py"))
    assert run["status"] == "Completed", mlrun.log(run["run_id"])
    assert [(each["number"], each["exit_code"]) for each in run["attempts"]] == [(1, 75), (2, 75), (3, 0)]
    assert mlrun.metrics(run["run_id"]) == {"attempt": 3, "loss": [0.0, 1.0, 2.0, 3.0, 4.0, 5.0, -1.0]}
    mlrun("run", "download-logs", "-r", run["run_id"], "-d", "logs")
    lines = "".join(path.read_text(encoding="utf-8") for path in mlrun.folder.glob("logs/**/user_logs/**/*"))
    assert all(f"attempt {number}" in lines for number in (1, 2, 3))

    resumed = engine.wait(mlrun.json("run", "resume", "-r", run["run_id"], "--async")["run_id"])
    assert (resumed["status"], resumed["target"]) == ("Completed", engine.target)
    assert mlrun.metrics(resumed["run_id"])["loss"][-2:] == [11.0, -1.0]


def test_what_a_run_is_given_holds(engine: Engine) -> None:
    mlrun = engine.mlrun
    mlrun.script(OPTIONS)
    secret = ("--env", "API_TOKEN=swordfish-4711")
    named = ("--tag", "team=a", "--property", "kind=b", "--display-name", "first", "--description", "one of two")
    held = ("--keep", "outputs", "--timeout", "1h")
    first = engine.submit(*named, *secret, *held, "--env", "COLOUR=red", "train.py", "0", "0.5")
    run = engine.wait(first)
    assert run["status"] == "Completed", mlrun.log(first)
    assert mlrun.log(first).startswith("red {'team': 'a'}")
    assert (run["display_name"], run["description"]) == ("first", "one of two")
    assert (run["tags"], run["properties"]["kind"]) == ({"team": "a"}, "b")
    assert mlrun.show(first)["resources"]["peak_memory_bytes"] > 60_000_000
    work = mlrun.run_folder(first).resolve() / "work"
    files = {name for _, _, names in os.walk(work, followlinks=True) for name in names}
    assert files == {"secret"}
    mlrun("run", "download", "-r", first, "-d", "fetched")
    (found,) = mlrun.folder.glob("fetched/**/secret")
    assert found.read_text(encoding="utf-8") == "True"
    assert "swordfish" not in json.dumps(mlrun.show(first))
    assert mlrun("run", "snapshot", "-r", first, "--cat", "train.py").stdout.strip().startswith("import os")

    again = engine.wait(mlrun.json("run", "rerun", "-r", first, *secret, "--async", "--", "0", "0.25")["run_id"])
    assert (again["status"], again["target"]) == ("Completed", engine.target)
    assert mlrun.metrics(again["run_id"]) == {"rate": 0.25}

    live = engine.submit(*secret, "--env", "COLOUR=red", "train.py", "600", "1")
    until(lambda: list_memory(mlrun) > [60_000_000], PATIENCE_SECONDS)
    mlrun("run", "cancel", "-r", live)
    late = engine.wait(engine.submit(*secret, "--env", "COLOUR=red", "--timeout", "2s", "train.py", "600", "1"))
    assert late["status"] == "Canceled", late
    assert "2" in late["error"]["error"]["message"]


def test_what_an_engine_does_not_know_is_refused(engine: Engine) -> None:
    engine.mlrun.script("")
    lines = [("--priority", "high")]
    if engine.target != "slurm":
        lines += [("--begin", "+1h"), ("--priority", "low")]
    engine.mlrun.wait(engine.submit("train.py"))
    for words in lines:
        failure = engine.mlrun.fails("run", "submit-script", "--ct", engine.target, *words, "train.py")
        assert (failure.code, failure.target) == ("Unsupported", words[0])


ENVIRONMENT = """
    script: train.py
    environment:
      python:
        userManagedDependencies: false
        condaDependencies: {{dependencies: [{{pip: [--no-index, "--find-links {folder}", tiny]}}]}}
"""


@pytest.mark.promises("remote", "environments")
def test_an_environment_is_made_where_the_script_runs(engine: Engine, request: pytest.FixtureRequest) -> None:
    machine = request.getfixturevalue("shared_machine") if engine.target == "remote" else None
    folder = engine.mlrun.folder.parent / "wheels" if machine is None else machine.marks
    make_wheel(folder, "tiny", "1.2")
    engine.mlrun.script("import sys, tiny\nprint(tiny.version, sys.prefix)\n")
    engine.mlrun.script(ENVIRONMENT.format(folder=folder.as_uri()), ".azureml/e.runconfig")
    for _ in range(2):
        run = engine.wait(engine.submit("-c", "e"))
        assert run["status"] == "Completed", run
        version, prefix = engine.mlrun.log(run["run_id"]).split()
        assert version == "1.2"
        assert "environments" in Path(prefix).parts


@pytest.mark.promises("slurm", "environments")
@pytest.mark.promises("ray", "environments")
@pytest.mark.parametrize("kind", ["slurm", pytest.param("ray", marks=pytest.mark.ray)])
def test_an_environment_is_built_at_submit_if_the_target_wants_that(kind: str, request: pytest.FixtureRequest) -> None:
    mlrun: Mlrun = request.getfixturevalue(f"{kind}_mlrun")
    shared = mlrun.folder.parent / "shared"
    address = ("--address", request.getfixturevalue("ray").address) if kind == "ray" else ()
    place = ("--shared-folder", str(shared), "--build-on", "here", "--no-check")
    mlrun("computetarget", "attach", kind, "-n", "here", *address, *place)
    wheels = mlrun.folder.parent / "wheels"
    make_wheel(wheels, "tiny", "1.2")
    mlrun.script("import tiny\nprint(tiny.version)\n")
    mlrun.script(ENVIRONMENT.format(folder=wheels.as_uri()), ".azureml/e.runconfig")
    engine = Engine(mlrun, "here")
    run_id = engine.submit("-c", "e")
    shutil.rmtree(wheels)
    assert engine.wait(run_id)["status"] == "Completed"
    assert mlrun.log(run_id) == "1.2\n"


def test_one_connection_serves_all_commands(ssh_mlrun: Mlrun, remote_machine: RemoteMachine) -> None:
    def count_logins() -> int:
        return remote_machine.read_log().count("Accepted publickey")

    before = count_logins()
    attach_remote(ssh_mlrun, remote_machine)
    ssh_mlrun.script("open('outputs/model', 'w').close()")
    for _ in range(2):
        done = ssh_mlrun("run", "submit-script", "--ct", "remote", "train.py")
        assert json.loads(done.stdout)["status"] == "Completed", done.stderr
    ssh_mlrun("computetarget", "show", "-n", "remote")
    assert count_logins() - before == 1


LENT = """
    import os, sys, time

    print(os.environ["CUDA_VISIBLE_DEVICES"], flush=True)
    while not os.path.exists(sys.argv[1]):
        time.sleep(0.05)
"""


@pytest.mark.promises("remote", "GPUs")
@pytest.mark.usefixtures("two_gpus")
def test_gpus_of_the_other_machine_are_lent_there(ssh_mlrun: Mlrun, remote_machine: RemoteMachine) -> None:
    attach_remote(ssh_mlrun, remote_machine)
    engine, go = Engine(ssh_mlrun, "remote"), remote_machine.marks / "go"
    ssh_mlrun.script(LENT)
    (node,) = ssh_mlrun.json("computetarget", "show", "-n", "remote", "--query", "nodes")
    assert (node["gpus"], node["free_gpus"]) == (2, 2)
    both = engine.submit("--gpus", "2", "train.py", str(go))
    until(lambda: ssh_mlrun.show(both)["status"] == "Running", PATIENCE_SECONDS)
    one = engine.submit("--gpus", "1", "train.py", str(go))
    until(lambda: "GPU" in ssh_mlrun.show(one).get("waiting_for", ""), PATIENCE_SECONDS)
    go.touch()
    assert [engine.wait(run_id)["status"] for run_id in (both, one)] == ["Completed"] * 2
    assert ssh_mlrun.log(both) == "0,1\n"
    assert ssh_mlrun.log(one) in {"0\n", "1\n"}
    failure = ssh_mlrun.fails("run", "submit-script", "--ct", "remote", "--gpus", "3", "train.py")
    assert "3 GPUs" in failure.message
