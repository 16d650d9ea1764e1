from __future__ import annotations

import subprocess
import sys
import sysconfig
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.running import COMMAND, Mlrun

ENTRY_POINTS = """[mlrun_cli.targets]
shell = shell_target:ShellTarget
small-shell = shell_target:SmallShellTarget
"""


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
    venv = tmp_path_factory.mktemp("installation") / "venv"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", venv], check=True)
    (packages,) = venv.glob("lib/python*/site-packages")
    # Folders that .pth files of that place name count too, as for the editable install of this project.
    path_file = f"import site; site.addsitedir({sysconfig.get_path('purelib')!r})\n"
    (packages / "tested.pth").write_text(path_file, encoding="utf-8")
    about = packages / "shell_target-1.0.dist-info"
    about.mkdir()
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: shell-target\nVersion: 1.0\n", encoding="utf-8")
    (about / "entry_points.txt").write_text(ENTRY_POINTS, encoding="utf-8")
    module = Path(__file__).with_name("shell_target.py")
    (packages / module.name).write_text(module.read_text(encoding="utf-8"), encoding="utf-8")
    program = venv / "bin" / "mlrun"
    text = "import sys\nfrom mlrun_cli.cli.program import main\nsys.exit(main())\n"
    program.write_text(f"#!{venv / 'bin' / 'python'}\n{text}", encoding="utf-8")
    program.chmod(0o755)
    return venv / "bin"


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
