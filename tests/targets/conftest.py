from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.installation import make_installation
from tests.running import COMMAND, Mlrun

KINDS = {"shell": "ShellTarget", "small-shell": "SmallShellTarget"}


class Kind(NamedTuple):
    """A kind of targets under test.

    Attributes:
        mlrun: the command of an installation that knows it.
        python: the interpreter of that installation.
        wide: the name of a target on which runs start at once.
        narrow: that of one on which one runs at a time, later ones wait.
        azure_type: of its runs.
        shell: whether a shell stays the parent of each program that it starts.
    """

    mlrun: Mlrun
    python: Path
    wide: str
    narrow: str
    azure_type: str
    shell: bool


@pytest.fixture
def mlrun(tmp_path: Path) -> Iterator[Mlrun]:
    command = Mlrun(tmp_path)
    yield command
    command.close()


@pytest.fixture(scope="session")
def installation(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the scripts folder of an environment with mlrun-cli and a distribution that adds kinds of targets."""
    module = Path(__file__).with_name("shell_target.py")
    return make_installation(tmp_path_factory.mktemp("installation") / "venv", module, KINDS)


@pytest.fixture(params=["local", "shell"])
def kind(request: pytest.FixtureRequest, mlrun: Mlrun) -> Kind:
    """Return a kind of targets, with a wide and a narrow target created; each parameter is a kind."""
    if request.param == "local":
        mlrun("computetarget", "create", "computeinstance", "-n", "narrow")
        return Kind(mlrun, COMMAND.with_name("python"), "local", "narrow", "local", shell=False)
    programs: Path = request.getfixturevalue("installation")
    mlrun.command = [str(programs / "mlrun")]
    mlrun("computetarget", "create", "shell", "-n", "wide")
    mlrun("computetarget", "create", "small-shell", "-n", "narrow")
    return Kind(mlrun, programs / "python", "wide", "narrow", "shell", shell=True)
