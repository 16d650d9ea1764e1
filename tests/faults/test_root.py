"""Commands of root in the home of another user."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import sysconfig
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.engines.sshd import find_python
from tests.running import Mlrun, kill, until

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
    assert {path.lstat().st_uid for path in (mlrun.home, *mlrun.home.rglob("*"))} == {user.pw_uid}


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
