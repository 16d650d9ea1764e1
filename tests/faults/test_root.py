"""Commands of root in the home of another user."""

from __future__ import annotations

import json
import os
import pwd
import shutil
import subprocess
import sysconfig
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from tests.engines.sshd import find_python
from tests.running import Mlrun, find_paths, kill, until

_USER = "daemon"
_PYTHON = find_python() if os.geteuid() == 0 else None
pytestmark = pytest.mark.skipif(_PYTHON is None, reason="only root can be others, who need a Python")

_WITHOUT_RIGHTS = ("setpriv", "--bounding-set=-setgid,-setuid", "--inh-caps=-all")

SHOW_USER = """
    import os
    print(os.getuid(), os.environ["HOME"], os.environ["USER"], os.environ["LOGNAME"])
"""
WORK = """
    import os, time
    print(os.getuid(), flush=True)
    while not os.path.exists(os.environ["GO"]):
        time.sleep(0.01)
"""


@pytest.fixture
def mlrun() -> Iterator[Mlrun]:
    """A command with an interpreter, a home and a folder that another user may use, called by root."""
    root = Path(tempfile.mkdtemp(prefix="root-"))
    root.chmod(0o755)
    venv = root / "venv"
    assert _PYTHON is not None
    subprocess.run([_PYTHON, "-m", "venv", "--without-pip", venv], check=True)
    (packages,) = venv.glob("lib/python*/site-packages")
    path_file = f"import site; site.addsitedir({sysconfig.get_path('purelib')!r})\n"
    (packages / "tested.pth").write_text(path_file, encoding="utf-8")
    program = venv / "bin" / "mlrun"
    text = "import sys\nfrom mlrun_cli.cli.program import main\nsys.exit(main())\n"
    program.write_text(f"#!{venv / 'bin' / 'python'}\n{text}", encoding="utf-8")
    program.chmod(0o755)
    mlrun = Mlrun(root)
    mlrun.script(WORK)
    mlrun.command = [str(program)]
    mlrun.environment.update(PATH=f"{program.parent}:/usr/bin:/bin", GO=str(root / "go"))
    user = pwd.getpwnam(_USER)
    for path in (mlrun.home, mlrun.folder, root / "user"):
        for one in (path, *path.rglob("*")):
            os.chown(one, user.pw_uid, user.pw_gid, follow_symlinks=False)
    yield mlrun
    mlrun.close()
    shutil.rmtree(root)


def list_owners(folder: Path) -> set[int]:
    """Return the ids of the owners of a folder and of all in it, where a process that ends may remove its files."""
    found = set()
    for path in (folder, *find_paths(folder)):
        with suppress(FileNotFoundError):
            found.add(path.lstat().st_uid)
    return found


def test_a_command_of_root_in_the_home_of_another_user_starts_his_code_as_him_and_leaves_nothing_of_root(
    mlrun: Mlrun,
) -> None:
    user = pwd.getpwnam(_USER)
    as_root = mlrun.command
    mlrun.command = ["setpriv", f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}", "--clear-groups", *as_root]
    mlrun("computetarget", "create", "amlcompute", "-n", "one", "-s", "X", "--max-nodes", "1")
    first, second = (mlrun.submit("--ct", "one", "train.py") for _ in range(2))
    until(lambda: mlrun.show(first)["status"] == "Running")
    mlrun.command = as_root
    kill(*mlrun.programs("dispatcher.py"))
    third = mlrun.submit("--ct", "one", "train.py")
    Path(mlrun.environment["GO"]).touch()
    for run_id in (first, second, third):
        assert mlrun.wait(run_id)["status"] == "Completed"
        assert mlrun.log(run_id).split() == [str(user.pw_uid)]
    assert f" as {_USER}" in mlrun("run", "list").stderr
    assert not mlrun("run", "list", "--only-show-errors").stderr
    assert list_owners(mlrun.home) == {user.pw_uid}


def test_a_command_stays_that_of_root_where_the_owner_may_not_use_its_folder(mlrun: Mlrun) -> None:
    mlrun.folder.chmod(0o700)
    os.chown(mlrun.folder, 0, 0)
    Path(mlrun.environment["GO"]).touch()
    run_id = mlrun.submit()
    assert mlrun.wait(run_id)["status"] == "Completed"
    assert mlrun.log(run_id).split() == ["0"]
    assert not mlrun("run", "list").stderr


def test_a_command_of_root_in_a_container_that_may_not_become_others_stays_that_of_root(mlrun: Mlrun) -> None:
    mlrun.command = [*_WITHOUT_RIGHTS, *mlrun.command]
    Path(mlrun.environment["GO"]).touch()
    run_id = mlrun.submit()
    assert mlrun.wait(run_id)["status"] == "Completed"
    assert mlrun.log(run_id).split() == ["0"]


def test_a_command_with_the_closed_home_folder_of_root_goes_on_with_that_of_the_user(mlrun: Mlrun) -> None:
    user = pwd.getpwnam(_USER)
    of_root = Path(mlrun.environment["HOME"])
    of_root.chmod(0o700)
    os.chown(of_root, 0, 0)
    mlrun.script(SHOW_USER)
    run_id = mlrun.submit()
    assert mlrun.wait(run_id)["status"] == "Completed"
    assert mlrun.log(run_id).split() == [str(user.pw_uid), user.pw_dir, _USER, _USER]


@pytest.fixture
def new_home(mlrun: Mlrun) -> Path:
    """Return the home of the command called by sudo, which does not exist, nor does the folder above it."""
    mlrun.home = Path(mlrun.environment["HOME"]) / "share" / "mlrun"
    mlrun.environment.update(MLRUN_HOME=str(mlrun.home), SUDO_UID="12345")
    Path(mlrun.environment["GO"]).touch()
    return mlrun.home


def run_in_new_home(mlrun: Mlrun) -> tuple[set[str], str]:
    """Run a script; return the ids of its user and of the owners of the home and all in it, and the lines on stderr."""
    submitted = mlrun("run", "submit-script", "--async", "train.py")
    run_id = json.loads(submitted.stdout)["run_id"]
    assert mlrun.wait(run_id)["status"] == "Completed"
    owners = map(str, list_owners(mlrun.home.resolve()))
    return {*mlrun.log(run_id).split(), *owners}, submitted.stderr


def test_a_home_that_a_command_of_sudo_creates_below_a_folder_of_a_user_is_that_user_s(
    mlrun: Mlrun, new_home: Path
) -> None:
    user = pwd.getpwnam(_USER)
    users, told = run_in_new_home(mlrun)
    assert users == {str(user.pw_uid)}
    assert f" as {_USER}, to whom {new_home.parents[1]} belongs" in told
    assert new_home.parent.stat().st_uid == user.pw_uid
    mlrun.command = ["setpriv", f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}", "--clear-groups", *mlrun.command]
    assert len(mlrun.json("run", "list")) == 1


def test_a_new_home_is_that_of_root_without_sudo(mlrun: Mlrun, new_home: Path) -> None:
    del mlrun.environment["SUDO_UID"]
    users, told = run_in_new_home(mlrun)
    assert (users, _USER in told, new_home.is_dir()) == ({"0"}, False, True)


@pytest.mark.parametrize("mode", [0o777, 0o1777])
def test_a_new_home_is_that_of_root_below_a_folder_that_everybody_may_write_to(
    mlrun: Mlrun, new_home: Path, mode: int
) -> None:
    new_home.parents[1].chmod(mode)
    assert run_in_new_home(mlrun)[0] == {"0"}


def test_a_new_home_is_that_of_root_where_a_link_of_the_user_leads_to_a_folder_of_root(
    mlrun: Mlrun, new_home: Path
) -> None:
    of_root = mlrun.folder.parent / "of root"
    of_root.mkdir()
    new_home.parent.symlink_to(of_root)
    assert run_in_new_home(mlrun)[0] == {"0"}
    assert (of_root / "mlrun").is_dir()
