"""Environments that two nodes build in a shared folder on a network file system."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from mlrun_cli.environments.build_plan import plan_conda_environment
from mlrun_cli.environments.conda_file import read_conda_dependencies
from mlrun_cli.environments.planned_environment import PlannedEnvironment
from tests.engines.network_home import Host
from tests.environments.builds import SlowPackage
from tests.running import kill


@pytest.fixture
def slow(tmp_path: Path) -> SlowPackage:
    return SlowPackage(tmp_path)


def _plan(host: Host, tmp_path: Path, *pip: str) -> PlannedEnvironment:
    """Return the plan of an environment in a folder that all hosts share and that is not their home."""
    path = tmp_path / "conda.yml"
    path.write_text(json.dumps({"dependencies": [{"pip": ["--no-index", *pip]}]}), encoding="utf-8")
    shared = host.home.parent / tmp_path.name
    return plan_conda_environment(read_conda_dependencies(path), home=shared, environ=dict(os.environ))


@contextmanager
def _build(host: Host, planned: PlannedEnvironment) -> Iterator[subprocess.Popen[str]]:
    """Build an environment on a host during the block."""
    plan_file = host.folder / "plan.json"
    plan_file.write_text(json.dumps(planned.plan.to_json()), encoding="utf-8")
    words = [*host.enter, sys.executable, "-m", "mlrun_cli.environments", str(plan_file)]
    with subprocess.Popen(
        words, env=host.environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, encoding="utf-8"
    ) as building:
        try:
            yield building
        finally:
            if building.poll() is None:
                kill(host.find_pid(building))


def test_two_nodes_build_different_environments_at_once(hosts: list[Host], tmp_path: Path, slow: SlowPackage) -> None:
    first, second = _plan(hosts[0], tmp_path, "--find-links ./wheels", "slow"), _plan(hosts[1], tmp_path)
    with _build(hosts[0], first) as building:
        with slow.held(), _build(hosts[1], second) as other:
            output, _ = other.communicate()
            assert other.returncode == 0, output
        output, _ = building.communicate()
        assert building.returncode == 0, output


def test_a_node_waits_for_the_environment_that_another_one_builds(
    hosts: list[Host], tmp_path: Path, slow: SlowPackage
) -> None:
    planned = _plan(hosts[0], tmp_path, "--find-links ./wheels", "slow")
    with ExitStack() as stack:
        first = stack.enter_context(_build(hosts[0], planned))
        with slow.held():
            second = stack.enter_context(_build(hosts[1], planned))
            assert second.stdout is not None
            assert "login1" in second.stdout.readline()
        for building in (first, second):
            output, _ = building.communicate()
            assert building.returncode == 0, output
    assert slow.builds == 1
