from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.engines import network_home
from tests.engines import ray as ray_engine
from tests.engines import slurm as engine
from tests.engines.pool import KINDS, PoolEngine
from tests.engines.ray import Ray, share_cluster
from tests.engines.slurm import Slurm
from tests.engines.sshd import RemoteMachine, find_obstacle
from tests.installation import make_installation
from tests.running import Mlrun
from tests.sharing import find_common_folder, lock


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Have the tests on Ray come first, so that no process waits for the cluster while another one uses it."""
    items.sort(key=lambda item: item.get_closest_marker("ray") is None)


@pytest.fixture(scope="session")
def pool_installation(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the scripts folder of an environment with mlrun-cli and the kind `pool`."""
    module = Path(__file__).with_name("pool_target.py")
    return make_installation(tmp_path_factory.mktemp("pool") / "venv", module, KINDS)


@pytest.fixture
def pool(tmp_path: Path, pool_installation: Path) -> Iterator[PoolEngine]:
    """Return an engine with a target `pool` in the workspace of a command."""
    engine = PoolEngine(tmp_path, pool_installation)
    yield engine
    engine.close()


@pytest.fixture(scope="session")
def slurm_cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Slurm]:
    """Return a Slurm cluster without accounting."""
    yield from _start_slurm(tmp_path_factory, accounting=False)


@pytest.fixture(scope="session")
def accounting_cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Slurm]:
    """Return a Slurm cluster with an accounting database."""
    yield from _start_slurm(tmp_path_factory, accounting=True)


@pytest.fixture
def slurm(slurm_cluster: Slurm, monkeypatch: pytest.MonkeyPatch) -> Iterator[Slurm]:
    """Return a Slurm cluster without jobs, which this process can submit to."""
    monkeypatch.setenv("SLURM_CONF", slurm_cluster.environment["SLURM_CONF"])
    yield slurm_cluster
    slurm_cluster.cancel_all()


@pytest.fixture
def accounting(accounting_cluster: Slurm, monkeypatch: pytest.MonkeyPatch) -> Iterator[Slurm]:
    """Return a Slurm cluster without jobs, but with an accounting database, which this process can submit to."""
    monkeypatch.setenv("SLURM_CONF", accounting_cluster.environment["SLURM_CONF"])
    yield accounting_cluster
    accounting_cluster.cancel_all()


@pytest.fixture
def slurm_mlrun(slurm: Slurm, tmp_path: Path) -> Iterator[Mlrun]:
    """Return a command that can submit to the cluster."""
    command = Mlrun(tmp_path)
    command.environment.update(slurm.environment)
    yield command
    command.close()


@pytest.fixture(scope="session")
def shared_machine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RemoteMachine]:
    """Return a machine that is reached by ssh, which other tests use, too."""
    reason = find_obstacle()
    if reason is not None:
        pytest.skip(reason)
    machine = RemoteMachine(tmp_path_factory.mktemp("ssh"))
    yield machine
    machine.close()


@pytest.fixture
def remote_machine(shared_machine: RemoteMachine) -> Iterator[RemoteMachine]:
    """Return a machine that is reached by ssh, whose user runs nothing and whose home is empty."""
    yield shared_machine
    shared_machine.reset()


@pytest.fixture
def ssh_mlrun(remote_machine: RemoteMachine, tmp_path: Path) -> Iterator[Mlrun]:
    """Return a command that reaches the machine."""
    command = Mlrun(tmp_path)
    remote_machine.install_client(command)
    yield command
    command.close()


@pytest.fixture(scope="module")
def ray_cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Ray, Path]]:
    """Return the Ray cluster of all test processes, and the lock of the one that uses it."""
    reason = ray_engine.why_not()
    if reason is not None:
        pytest.skip(reason)
    folder = find_common_folder(tmp_path_factory)
    with share_cluster(folder) as cluster:
        yield cluster, folder / "ray.use"


@pytest.fixture
def ray(ray_cluster: tuple[Ray, Path]) -> Iterator[Ray]:
    """Return a Ray cluster without jobs, which no other test uses."""
    cluster, path = ray_cluster
    with lock(path):
        yield cluster
        cluster.stop_all()


@pytest.fixture
def ray_mlrun(ray: Ray, tmp_path: Path) -> Iterator[Mlrun]:
    """Return a command with a target `ray`."""
    command = ray.make_command(tmp_path)
    place = ("--address", ray.address, "--shared-folder", str(tmp_path / "shared"))
    command("computetarget", "attach", "ray", "-n", "ray", *place, "--no-check")
    yield command
    command.close()


def _start_slurm(factory: pytest.TempPathFactory, *, accounting: bool) -> Iterator[Slurm]:
    reason = engine.why_not(accounting=accounting)
    if reason is not None:
        pytest.skip(reason)
    cluster = Slurm(factory.mktemp("slurm"), accounting=accounting)
    yield cluster
    cluster.close()


@pytest.fixture(scope="module")
def hosts(tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[network_home.Host]]:
    """Return two hosts that share a home on a network file system."""
    reason = network_home.find_obstacle()
    if reason is not None:
        pytest.skip(reason)
    with network_home.start_hosts(tmp_path_factory.mktemp("hosts"), "login1", "login2") as started:
        yield started


@pytest.fixture
def host(hosts: list[network_home.Host]) -> network_home.Host:
    """Return a host that has the home."""
    hosts[0]("workspace", "show", "--take-over")
    return hosts[0]


@pytest.fixture
def other(hosts: list[network_home.Host]) -> network_home.Host:
    return hosts[1]
