"""Environments that are really built, from packages made here, by uv and by pip."""

from __future__ import annotations

import fcntl
import hashlib
import io
import json
import os
import re
import signal
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from mlrun_cli.core.time import MICROSECONDS, now
from mlrun_cli.environments.build import build_environment
from mlrun_cli.environments.build_plan import plan_conda
from mlrun_cli.environments.build_report import list_build_warnings
from mlrun_cli.environments.cache import prune_environments
from mlrun_cli.environments.conda_file import read_conda_dependencies
from mlrun_cli.environments.environment import Builder, EnvironmentPlan
from mlrun_cli.environments.failure_reason import find_failure_reason
from mlrun_cli.environments.folder import EnvironmentFolder
from mlrun_cli.environments.installer import Installer, print_files_changed_error
from mlrun_cli.environments.installer_search import find_uv
from mlrun_cli.environments.interpreters import Interpreter, find_interpreters
from mlrun_cli.environments.mode import EnvironmentChoice, EnvironmentMode
from mlrun_cli.environments.planned_environment import PlannedEnvironment
from tests.packages import make_wheel, package_index
from tests.running import until

# Builds its wheel without any other package; says so in LOG and, while GATE exists, waits until it is let go.
BACKEND = """
import os, zipfile
def build_wheel(folder, config_settings=None, metadata_directory=None):
    with open(LOG, "a") as log:
        log.write("built\\n")
    if os.path.exists(GATE):
        open(GATE).read()
    with zipfile.ZipFile(os.path.join(folder, "slow-1.0-py3-none-any.whl"), "w") as wheel:
        wheel.write("slow.py")
        wheel.writestr("slow-1.0.dist-info/METADATA", "Metadata-Version: 2.1\\nName: slow\\nVersion: 1.0\\n")
        wheel.writestr("slow-1.0.dist-info/WHEEL", "Wheel-Version: 1.0\\nTag: py3-none-any\\n")
        wheel.writestr("slow-1.0.dist-info/RECORD", "")
    return "slow-1.0-py3-none-any.whl"
def build_sdist(folder, config_settings=None):
    raise NotImplementedError
"""
PYPROJECT = '[build-system]\nrequires = []\nbuild-backend = "backend"\nbackend-path = ["."]\n'


class SlowPackage:
    """A source package whose build the test holds at a gate, and counts."""

    def __init__(self, folder: Path) -> None:
        self.log = folder / "builds.log"
        self.gate = folder / "gate"
        os.mkfifo(self.gate)
        source = f"LOG = {str(self.log)!r}\nGATE = {str(self.gate)!r}\n{BACKEND}"
        files = {
            "backend.py": source,
            "pyproject.toml": PYPROJECT,
            "PKG-INFO": "Metadata-Version: 2.1\nName: slow\nVersion: 1.0\n",
            "slow.py": "",
        }
        wheels = folder / "wheels"
        wheels.mkdir(exist_ok=True)
        with tarfile.open(wheels / "slow-1.0.tar.gz", "w:gz") as archive:
            for name, text in files.items():
                member = tarfile.TarInfo(f"slow-1.0/{name}")
                member.size = len(text.encode())
                archive.addfile(member, io.BytesIO(text.encode()))

    @contextmanager
    def held(self) -> Iterator[None]:
        """Wait until its build is at the gate; let it go at the end."""
        with self.gate.open("w"):
            yield
            self.gate.unlink()

    @property
    def builds(self) -> int:
        return len(self.log.read_text(encoding="utf-8").splitlines())


@pytest.fixture(params=[Builder.UV, Builder.PIP], ids=lambda builder: builder.value)
def builder(request: pytest.FixtureRequest) -> Builder:
    chosen: Builder = request.param
    if chosen is Builder.UV and find_uv(os.environ) is None:
        pytest.skip("uv is not installed")
    return chosen


@pytest.fixture
def quick_builder() -> Builder:
    """The one that is there and quicker, where both differ in nothing but time."""
    return Builder.PIP if find_uv(os.environ) is None else Builder.UV


@pytest.fixture
def environ(tmp_path: Path) -> dict[str, str]:
    (tmp_path / "user").mkdir()
    return {
        "PATH": os.environ["PATH"],
        "HOME": str(tmp_path / "user"),
        "PYENV_ROOT": os.environ.get("PYENV_ROOT", str(Path("~/.pyenv").expanduser())),
        "UV_CACHE_DIR": str(tmp_path / "cache"),
        "UV_PYTHON_DOWNLOADS": "never",
        "PIP_NO_CACHE_DIR": "1",
    }


def plan(
    tmp_path: Path,
    builder: Builder,
    environ: dict[str, str],
    *pip: str,
    mode: EnvironmentMode = EnvironmentMode.PINNED,
    version: str = ".".join(map(str, sys.version_info[:3])),
) -> PlannedEnvironment:
    """A plan for this Python, if not told otherwise that of the tests; an option of pip's own makes pip the builder."""
    options = ["--prefer-binary"] if builder is Builder.PIP else []
    content = {"dependencies": [f"python={version}" if version else "python", {"pip": [*options, *pip]}]}
    path = tmp_path / "conda.yml"
    path.write_text(json.dumps(content), encoding="utf-8")
    planned = plan_conda(
        read_conda_dependencies(path),
        home=tmp_path / "a 'home'",
        environ=environ,
        environment_choice=EnvironmentChoice(mode),
    )
    assert planned.plan.build is not None
    assert planned.plan.build.builder is builder
    return planned


def folder_of(planned: PlannedEnvironment) -> EnvironmentFolder:
    assert planned.plan.build is not None
    return EnvironmentFolder(Path(planned.plan.build.folder))


def begin_build(tmp_path: Path, planned: PlannedEnvironment, environ: dict[str, str]) -> subprocess.Popen[str]:
    # One each: that of a process which is still to read it must not be written anew.
    plan_file = Path(tempfile.mkdtemp(dir=tmp_path), "plan.json")
    plan_file.write_text(json.dumps(planned.plan.to_json()), encoding="utf-8")
    return subprocess.Popen(
        [sys.executable, "-m", "mlrun_cli.environments", plan_file],
        env=environ | dict(planned.secrets),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )


Start = Callable[[PlannedEnvironment], subprocess.Popen[str]]


@pytest.fixture
def start(tmp_path: Path, environ: dict[str, str]) -> Iterator[Start]:
    """Begins builds; those of a test that has failed are ended, lest what they leave open fails another."""
    with ExitStack() as begun:

        def begin(planned: PlannedEnvironment) -> subprocess.Popen[str]:
            process = begun.enter_context(begin_build(tmp_path, planned, environ))
            begun.callback(end, process)
            return process

        yield begin


def end(process: subprocess.Popen[str]) -> None:
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGKILL)


def build(tmp_path: Path, planned: PlannedEnvironment, environ: dict[str, str]) -> tuple[int, str]:
    with begin_build(tmp_path, planned, environ) as process:
        log = process.stdout.read() if process.stdout else ""
    return process.returncode, log


def version_inside(plan: EnvironmentPlan, module: str) -> str:
    code = f"import {module}; print({module}.version)"
    return subprocess.check_output([plan.interpreter, "-I", "-c", code], text=True).strip()


@pytest.mark.promises("local", "environments")
def test_environment_holds_what_was_asked_for_whatever_the_callers_python_path_and_user_site_are(
    tmp_path: Path, builder: Builder, environ: dict[str, str]
) -> None:
    (tmp_path / "path").mkdir()
    for module in ("pip", "venv", "encodings"):
        (tmp_path / "path" / f"{module}.py").write_text("raise SystemExit(7)", encoding="utf-8")
    make_wheel(tmp_path / "wheels", "tiny", "1.2")
    make_wheel(tmp_path / "wheels", "tiny", "1.3")
    planned = plan(tmp_path, builder, environ, "--no-index", "--find-links ./wheels", "tiny==1.2.*")
    assert planned.plan.build is not None
    assert not folder_of(planned).is_complete()

    theirs = {"PYTHONPATH": str(tmp_path / "path"), "PIP_TARGET": str(tmp_path / "t"), "PIP_USER": "1"}
    assert build_environment(planned.plan.build, environ | theirs) == 0

    assert not (tmp_path / "t").exists()
    assert version_inside(planned.plan, "tiny") == "1.2"
    assert "tiny==1.2" in folder_of(planned).installed.read_text(encoding="utf-8")
    assert folder_of(planned).path.stat().st_mode & 0o077 == 0

    code, log = build(tmp_path, planned, environ)
    assert code == 0
    assert log.endswith("is ready.\n")
    assert len(log.splitlines()) == 1


def test_two_at_once_build_once(tmp_path: Path, quick_builder: Builder, environ: dict[str, str], start: Start) -> None:
    slow = SlowPackage(tmp_path)
    planned = plan(tmp_path, quick_builder, environ, "--no-index", "--find-links ./wheels", "slow")
    first = start(planned)
    with slow.held():
        second = start(planned)
        assert second.stdout is not None
        assert "waiting" in second.stdout.readline()
    first_log, second_log = first.communicate()[0], second.communicate()[0]
    assert (first.returncode, second.returncode) == (0, 0), first_log
    assert slow.builds == 1
    assert "Building" not in second_log
    assert folder_of(planned).is_complete()


def test_killed_build_is_repaired_by_the_next(
    tmp_path: Path, quick_builder: Builder, environ: dict[str, str], start: Start
) -> None:
    slow = SlowPackage(tmp_path)
    planned = plan(tmp_path, quick_builder, environ, "--no-index", "--find-links ./wheels", "slow")
    killed = start(planned)
    with slow.held():
        os.killpg(killed.pid, signal.SIGKILL)
        killed.communicate()
    assert folder_of(planned).venv.exists()
    assert not folder_of(planned).is_complete()

    code, log = build(tmp_path, planned, environ)

    assert code == 0, log
    assert slow.builds == 2
    assert folder_of(planned).is_complete()


def test_installer_that_outlives_its_builder_is_waited_for(
    tmp_path: Path, quick_builder: Builder, environ: dict[str, str], start: Start
) -> None:
    slow = SlowPackage(tmp_path)
    planned = plan(tmp_path, quick_builder, environ, "--no-index", "--find-links ./wheels", "slow")
    killed = start(planned)
    with slow.held():
        killed.kill()
        killed.wait()
        second = start(planned)
        assert second.stdout is not None
        assert "waiting" in second.stdout.readline()
    killed.communicate()
    log = second.communicate()[0]
    assert second.returncode == 0, log
    assert "Building" in log


def test_environment_whose_interpreter_is_gone_is_built_again(
    tmp_path: Path, quick_builder: Builder, environ: dict[str, str]
) -> None:
    planned = plan(tmp_path, quick_builder, environ)
    assert build(tmp_path, planned, environ)[0] == 0
    interpreter = folder_of(planned).interpreter
    interpreter.unlink()
    interpreter.symlink_to("/nowhere/python")
    assert not folder_of(planned).is_complete()
    assert build(tmp_path, planned, environ)[0] == 0
    assert folder_of(planned).is_complete()


def test_password_of_an_index_reaches_it_and_nothing_else(
    tmp_path: Path, builder: Builder, environ: dict[str, str]
) -> None:
    make_wheel(tmp_path / "served", "tiny", "1.2")
    with package_index(tmp_path / "served", login="bob:s3cr3t-word") as address:
        url = f"http://bob:s3cr3t-word@{address}/simple/"
        planned = plan(tmp_path, builder, environ, f"--index-url {url}", "tiny")
        code, log = build(tmp_path, planned, environ)
    assert code == 0, log
    assert version_inside(planned.plan, "tiny") == "1.2"
    assert "s3cr3t-word" not in log
    assert "s3cr3t-word" not in json.dumps(planned.plan.to_json())
    for path in folder_of(planned).path.rglob("*"):
        assert not path.is_file() or b"s3cr3t-word" not in path.read_bytes(), path


@pytest.mark.parametrize(("name", "requirement"), [("package", "./package"), ("b é", "slow @ {address}")])
def test_a_local_package_is_built_as_it_was_when_the_run_was_submitted_or_not_at_all(
    tmp_path: Path, quick_builder: Builder, environ: dict[str, str], name: str, requirement: str
) -> None:
    package = tmp_path / name
    package.mkdir()
    (package / "pyproject.toml").write_text(PYPROJECT, encoding="utf-8")
    (package / "backend.py").write_text(f"LOG = GATE = '{os.devnull}'\n{BACKEND}", encoding="utf-8")
    module = package / "slow.py"

    def planned_with(version: int) -> PlannedEnvironment:
        module.write_text(f"version = {version}\n", encoding="utf-8")
        os.utime(module, (10**9, 10**9 + version))
        return plan(tmp_path, quick_builder, environ, "--no-index", requirement.format(address=package.as_uri()))

    first, second = planned_with(1), planned_with(2)
    code, log = build(tmp_path, first, environ)
    said = f"Error: {package} has changed since the run was submitted; submit it again."
    assert (code, find_failure_reason(log)) == (1, said)
    assert not folder_of(first).is_complete()
    code, log = build(tmp_path, second, environ)
    assert code == 0, log
    assert version_inside(second.plan, "slow") == "2"

    again = planned_with(1)
    assert again.plan == first.plan
    assert build(tmp_path, again, environ)[0] == 0
    assert version_inside(again.plan, "slow") == "1"

    third = planned_with(3)
    package.rename(tmp_path / "elsewhere")
    assert "has changed since" in build(tmp_path, third, environ)[1]


def test_a_local_wheel_is_installed_by_its_hash(tmp_path: Path, builder: Builder, environ: dict[str, str]) -> None:
    digest = hashlib.sha256(make_wheel(tmp_path, "tiny", "1.2")).hexdigest()
    address = (tmp_path / "tiny-1.2-py3-none-any.whl").as_uri()
    planned = plan(tmp_path, builder, environ, "--no-index", f"tiny @ {address} --hash=sha256:{digest}")
    code, log = build(tmp_path, planned, environ)
    assert code == 0, log
    assert version_inside(planned.plan, "tiny") == "1.2"


def test_secret_that_a_package_prints_is_not_in_the_log(
    tmp_path: Path, quick_builder: Builder, environ: dict[str, str]
) -> None:
    package = tmp_path / "package"
    package.mkdir()
    (package / "pyproject.toml").write_text(PYPROJECT, encoding="utf-8")
    (package / "backend.py").write_text("import os; raise SystemExit(str(os.environ))", encoding="utf-8")
    options = ["--no-index", "--extra-index-url http://bob:s3cr3t-word@127.0.0.1:9/simple"]
    planned = plan(tmp_path, quick_builder, environ, *options, "./package")
    code, log = build(tmp_path, planned, environ)
    assert code != 0
    assert "'MLRUN_INSTALL_SECRET_1': '***'" in log
    assert "s3cr3t-word" not in log


def test_short_secret_is_hidden_where_it_is_one_and_is_a_part_of_other_words(tmp_path: Path) -> None:
    secrets = {
        "MLRUN_INSTALL_SECRET_1": "tok",
        "MLRUN_INSTALL_SECRET_2": "bob:s3cr3t-word",
        "MLRUN_INSTALL_SECRET_3": "s3cr3t-in-a-shell; of\ns3cr3t-line",
    }
    with (tmp_path / "lock").open("w") as lock:
        installer = Installer({**os.environ, **secrets}, tmp_path, lock.fileno())
        said = installer.capture_output(
            [
                "echo",
                "tokenizers==1 https://tok@h/?token=tok MLRUN_INSTALL_SECRET_1=tok s3cr3t-word",
                "s3cr3t-in-a-shell s3cr3t-line",
            ]
        )
    assert said == "tokenizers==1 https://***@h/?token=*** MLRUN_INSTALL_SECRET_1=*** *** *** ***\n"


def test_a_path_that_is_no_text_is_said_with_its_bytes(capsys: pytest.CaptureFixture[str]) -> None:
    print_files_changed_error("/b\udcff")
    assert capsys.readouterr().out.startswith("Error: /b\\udcff ")


def test_folder_that_cannot_be_made_is_an_error_in_words(
    tmp_path: Path, quick_builder: Builder, environ: dict[str, str]
) -> None:
    planned = plan(tmp_path, quick_builder, environ)
    (tmp_path / "a 'home'").write_text("in the way", encoding="utf-8")
    code, log = build(tmp_path, planned, environ)
    assert code == 1
    assert "cannot be built" in log
    assert "Traceback" not in log


def test_supervisors_look_at_an_environment_starts_no_process_module() -> None:
    code = "import sys, mlrun_cli.environments.folder; print(*sys.modules)"
    loaded = subprocess.check_output([sys.executable, "-c", code], text=True).split()
    assert not {"subprocess", "yaml", "asyncio", "importlib.metadata"} & set(loaded)


def test_eight_at_once_build_once_though_their_builder_is_killed(
    tmp_path: Path, quick_builder: Builder, environ: dict[str, str], start: Start
) -> None:
    slow = SlowPackage(tmp_path)
    planned = plan(tmp_path, quick_builder, environ, "--no-index", "--find-links ./wheels", "slow")
    killed = start(planned)
    with slow.held():
        others = [start(planned) for _ in range(7)]
        for other in others:
            assert other.stdout is not None
            assert "waiting" in other.stdout.readline()
        os.killpg(killed.pid, signal.SIGKILL)
        killed.communicate()
    logs = [other.communicate()[0] for other in others]
    assert [other.returncode for other in others] == [0] * 7, logs[0]
    assert slow.builds == 2  # the killed one's, and one more
    assert sum("Building" in log for log in logs) == 1
    assert folder_of(planned).is_complete()


@pytest.fixture
def only_python(tmp_path: Path, environ: dict[str, str]) -> None:
    """No Python is found but this one, which spares a search on all others."""
    folder = tmp_path / "pythons"
    folder.mkdir()
    (folder / "python").symlink_to(os.path.realpath(sys.executable))
    environ |= {"PATH": f"{folder}{os.pathsep}/usr/bin", "PYENV_ROOT": str(tmp_path)}


@pytest.mark.usefixtures("only_python")
def test_relaxed_leaves_open_what_cannot_be_had_and_keeps_the_rest(
    tmp_path: Path, quick_builder: Builder, environ: dict[str, str]
) -> None:
    for name, version in (("tiny", "1.2"), ("tiny", "1.3"), ("small", "2.0"), ("small", "2.1")):
        make_wheel(tmp_path / "wheels", name, version)
    lines = ["--no-index", "--find-links ./wheels", "tiny==0.9", "small==2.0"]
    assert build(tmp_path, plan(tmp_path, quick_builder, environ, *lines), environ)[0] != 0
    planned = plan(tmp_path, quick_builder, environ, *lines, mode=EnvironmentMode.RELAXED)

    code, log = build(tmp_path, planned, environ)

    assert code == 0, log
    assert version_inside(planned.plan, "tiny") == "1.3"
    assert version_inside(planned.plan, "small") == "2.0"
    assert "the version is left open of tiny==0.9." in log
    described = folder_of(planned).find_environment()
    assert described is not None
    assert described.unpinned == ("tiny==0.9",)
    assert described.python_version == ".".join(map(str, sys.version_info[:3]))


@pytest.mark.usefixtures("only_python")
def test_what_cannot_be_had_is_named_at_the_end_of_the_log_and_left_open_when_relaxed(
    tmp_path: Path, builder: Builder, environ: dict[str, str]
) -> None:
    for name, version in (("tiny", "1.2"), ("tiny", "1.3"), ("small", "2.0")):
        make_wheel(tmp_path / "wheels", name, version)
    options = ["--no-index", "--find-links ./wheels"]
    pinned = plan(tmp_path, builder, environ, *options, "tiny==1.2", "small==0.9")
    code, log = build(tmp_path, pinned, environ)
    assert code != 0
    assert "small==0.9" in "".join(log.splitlines()[-3:])
    assert not folder_of(pinned).is_complete()
    assert not folder_of(pinned).path.exists()

    lines = [*options, "small==0.9", "tiny==1.2", "tiny==1.3"]
    planned = plan(tmp_path, builder, environ, *lines, mode=EnvironmentMode.RELAXED)
    code, log = build(tmp_path, planned, environ)
    assert code == 0, log
    assert version_inside(planned.plan, "small") == "2.0"
    assert version_inside(planned.plan, "tiny") == "1.2"
    described = folder_of(planned).find_environment()
    assert described is not None
    assert described.unpinned == ("small==0.9", "tiny==1.3")


@pytest.fixture
def other_python(tmp_path: Path, environ: dict[str, str]) -> Interpreter:
    """A Python of another minor version than this one; these two alone are found."""
    others = [one for one in find_interpreters(environ) if one.version[:2] not in {sys.version_info[:2], (3, 6)}]
    if not others:
        pytest.skip("there is no other Python")
    folder = tmp_path / "pythons"
    folder.mkdir()
    (folder / "python").symlink_to(os.path.realpath(sys.executable))
    (folder / "python{}.{}".format(*others[0].version)).symlink_to(others[0].path)
    environ |= {"PATH": f"{folder}{os.pathsep}/usr/bin", "PYENV_ROOT": str(tmp_path)}
    return others[0]


@pytest.mark.parametrize(("builder", "unknown"), [(Builder.UV, False), (Builder.UV, True), (Builder.PIP, False)])
def test_relaxed_takes_the_python_on_which_the_most_that_is_pinned_can_be_had(
    tmp_path: Path, builder: Builder, unknown: bool, environ: dict[str, str], other_python: Interpreter
) -> None:
    limit = "=={}.{}.*".format(*other_python.version)
    make_wheel(tmp_path / "wheels", "tiny", "1.2", requires_python=limit)
    for version in ("2.0", "2.1"):
        make_wheel(tmp_path / "wheels", "small", version)
    lines = ["--no-index", "--find-links ./wheels", "tiny==1.2", "small==2.0", *(["small==9"] if unknown else [])]
    planned = plan(tmp_path, builder, environ, *lines, mode=EnvironmentMode.RELAXED, version="")
    assert planned.plan.build is not None
    assert planned.plan.build.pythons[0].version == ".".join(map(str, sys.version_info[:3]))

    code, log = build(tmp_path, planned, environ)

    assert code == 0, log
    described = folder_of(planned).find_environment()
    assert described is not None
    loosened = ("small==9",) if unknown else ()
    assert (described.other_python, described.unpinned) == (other_python.version_text, loosened)
    assert list_build_warnings(described)[0].endswith(f" Python {other_python.version_text}.")
    assert (version_inside(planned.plan, "tiny"), version_inside(planned.plan, "small")) == ("1.2", "2.0")


def test_an_index_that_is_not_reached_is_not_looked_for_again_on_every_python(
    tmp_path: Path, environ: dict[str, str], quick_builder: Builder
) -> None:
    environ |= {"UV_HTTP_RETRIES": "0", "PIP_RETRIES": "0"}
    lines = ["-i http://127.0.0.1:9/simple", "tiny==1.2"]
    planned = plan(tmp_path, quick_builder, environ, *lines, mode=EnvironmentMode.RELAXED, version="")
    code, log = build(tmp_path, planned, environ)
    assert code != 0
    assert "Looking whether" not in log
    assert "onnection refused" in find_failure_reason(log)


@pytest.mark.usefixtures("only_python")
def test_relaxed_to_another_python_builds_no_version_that_was_chosen_for_the_one_asked_for(
    tmp_path: Path, quick_builder: Builder, environ: dict[str, str]
) -> None:
    SlowPackage(tmp_path).gate.unlink()
    make_wheel(tmp_path / "wheels", "slow", "1.1")
    lines = ["--no-index", "--find-links ./wheels", "slow==1.0"]
    planned = plan(tmp_path, quick_builder, environ, *lines, mode=EnvironmentMode.RELAXED, version="3.11.99")

    code, log = build(tmp_path, planned, environ)

    assert code == 0, log
    assert version_inside(planned.plan, "slow") == "1.1"
    described = folder_of(planned).find_environment()
    assert described is not None
    assert described.unpinned == ("slow==1.0",)


@pytest.mark.usefixtures("only_python")
def test_relaxed_does_not_leave_out_a_name_that_cannot_be_had(
    tmp_path: Path, quick_builder: Builder, environ: dict[str, str]
) -> None:
    make_wheel(tmp_path / "wheels", "tiny", "1.2")
    lines = ["--no-index", "--find-links ./wheels", "tiny==1.2", "no-such-package==9"]
    planned = plan(tmp_path, quick_builder, environ, *lines, mode=EnvironmentMode.RELAXED)
    code, log = build(tmp_path, planned, environ)
    assert code != 0
    assert "no-such-package" in "".join(log.splitlines()[-3:])


# Writes down what it was told, and what the file said; refuses what REFUSED matches in that.
CONDA = """#!/bin/sh
echo "$@" >> {log}
while [ $# -gt 0 ]; do
    case $1 in -p) prefix=$2;; -f) file=$2;; esac
    shift
done
cat "$file" >> {log}
grep -q '{refused}' "$file" && {{ echo "nothing provides what was asked"; exit 1; }}
mkdir -p "$prefix/bin" && ln -s {python} "$prefix/bin/python"
"""
# Says nothing, and makes nothing.
SILENT_CONDA = """#!/bin/sh
exit {code}
"""


def conda_plan(
    tmp_path: Path,
    environ: dict[str, str],
    content: str,
    *,
    name: str = "conda",
    refused: str = "^$",
    relaxed: bool = False,
) -> PlannedEnvironment:
    """A plan with a stand-in for conda on PATH that refuses files with `refused` in them."""
    program = tmp_path / "conda" / name
    program.parent.mkdir(exist_ok=True)
    text = CONDA.format(log=tmp_path / "conda.log", refused=refused, python=os.path.realpath(sys.executable))
    program.write_text(text, encoding="utf-8")
    program.chmod(0o755)
    environ["PATH"] = f"{program.parent}{os.pathsep}{environ['PATH']}"
    path = tmp_path / "conda.yml"
    path.write_text(content, encoding="utf-8")
    mode = EnvironmentMode.RELAXED if relaxed else EnvironmentMode.PINNED
    return plan_conda(
        read_conda_dependencies(path),
        home=tmp_path / "home",
        environ=environ,
        environment_choice=EnvironmentChoice(mode),
    )


@pytest.mark.parametrize(("name", "words"), [("conda", "env create -p"), ("micromamba", "create -p")])
def test_conda_makes_the_environment_from_a_file_that_is_gone_afterwards(
    tmp_path: Path, environ: dict[str, str], name: str, words: str
) -> None:
    content = "channels: ['https://bob:s3cr3t-word@h/own']\ndependencies: [numpy=1.18, {pip: [tqdm==4.1]}]\n"
    planned = conda_plan(tmp_path, environ, content, name=name, relaxed=False)

    code, log = build(tmp_path, planned, environ)

    assert code == 0, log
    told = (tmp_path / "conda.log").read_text(encoding="utf-8")
    assert told.startswith(f"{words} {folder_of(planned).venv} -f ")
    document = json.loads(told[told.index("{") :])
    assert document["channels"] == ["https://bob:s3cr3t-word@h/own"]
    assert document["dependencies"] == ["numpy=1.18", "python", "pip", {"pip": ["tqdm==4.1"]}]
    assert folder_of(planned).is_complete()
    assert "s3cr3t-word" not in log
    for path in folder_of(planned).path.rglob("*"):
        assert not path.is_file() or b"s3cr3t-word" not in path.read_bytes(), path
    assert "pip==" in folder_of(planned).installed.read_text(encoding="utf-8")


def test_conda_that_cannot_have_a_version_is_asked_without_it_when_relaxed(
    tmp_path: Path, environ: dict[str, str]
) -> None:
    content = "dependencies: [python=3.6.2, 'conda-forge::numpy=0.1', {pip: [tqdm==4.1]}]\n"
    assert build(tmp_path, conda_plan(tmp_path, environ, content, refused="numpy=0.1", relaxed=False), environ)[0] == 1
    planned = conda_plan(tmp_path, environ, content, refused="numpy=0.1", relaxed=True)
    code, log = build(tmp_path, planned, environ)
    assert code == 0, log
    told = (tmp_path / "conda.log").read_text(encoding="utf-8")
    assert '"python=3.6.2",\n    "conda-forge::numpy",' in told
    described = folder_of(planned).find_environment()
    assert described is not None
    assert described.unpinned == ("conda-forge::numpy=0.1",)


@pytest.mark.parametrize(
    ("code", "words"),
    [
        (3, "Error: conda ended with exit code 3 and printed nothing."),
        (0, "Error: conda has ended well, and there is no {python}."),
    ],
)
def test_conda_that_makes_nothing_and_says_nothing_is_named_with_its_end(
    tmp_path: Path, environ: dict[str, str], code: int, words: str
) -> None:
    planned = conda_plan(tmp_path, environ, "dependencies: [{pip: [six, idna]}]\n")
    (tmp_path / "conda" / "conda").write_text(SILENT_CONDA.format(code=code), encoding="utf-8")
    ended, log = build(tmp_path, planned, environ)
    assert (ended, find_failure_reason(log)) == (code or 1, words.format(python=folder_of(planned).interpreter))
    assert not folder_of(planned).path.exists()


def test_what_a_run_uses_is_not_pruned_and_what_none_uses_is(
    tmp_path: Path, quick_builder: Builder, environ: dict[str, str]
) -> None:
    planned = plan(tmp_path, quick_builder, environ)
    assert build(tmp_path, planned, environ)[0] == 0
    folder = folder_of(planned)
    home = folder.path.parents[1]
    tomorrow = now() + 86_400 * MICROSECONDS
    in_use = folder.acquire_use_lock()
    assert prune_environments(home, tomorrow, dry_run=False) == ([], 0)
    os.close(in_use)
    assert prune_environments(home, tomorrow, used_keys={folder.path.name}, dry_run=False) == ([], 0)
    assert prune_environments(home, now() - 86_400 * MICROSECONDS, dry_run=False) == ([], 0)
    keys, size = prune_environments(home, tomorrow, dry_run=True)
    assert (keys, size > 0, folder.path.exists()) == ([folder.path.name], True, True)
    assert prune_environments(home, tomorrow, dry_run=False) == (keys, size)
    assert list(folder.path.parent.iterdir()) == []
    assert build(tmp_path, planned, environ)[0] == 0


def test_what_a_build_that_failed_has_left_is_pruned_without_a_word(
    tmp_path: Path, quick_builder: Builder, environ: dict[str, str]
) -> None:
    planned = plan(tmp_path, quick_builder, environ, "--no-index", "no-such-package")
    assert build(tmp_path, planned, environ)[0] != 0
    assert prune_environments(folder_of(planned).path.parents[1], 0, dry_run=False) == ([], 0)
    assert list(folder_of(planned).path.parent.iterdir()) == []


def test_who_waits_for_an_environment_that_is_being_pruned_has_it_afterwards(
    tmp_path: Path, quick_builder: Builder, environ: dict[str, str], start: Start
) -> None:
    slow = SlowPackage(tmp_path)
    planned = plan(tmp_path, quick_builder, environ, "--no-index", "--find-links ./wheels", "slow")
    folder = folder_of(planned)
    folder.path.parent.mkdir(parents=True)
    with pruned(folder.lock):
        builder = start(planned)
        assert builder.stdout is not None
        assert "waiting for it" in builder.stdout.readline()
    with slow.held():
        assert prune_environments(folder.path.parents[1], 0, dry_run=False)[0] == []
    builder.communicate()
    assert builder.returncode == 0
    with ThreadPoolExecutor(1) as pool:
        with pruned(folder.in_use) as number:
            taking = pool.submit(folder.acquire_use_lock)
            until(lambda: re.search(rf"-> FLOCK .*:{number} ", Path("/proc/locks").read_text(encoding="utf-8")))
        in_use = taking.result()
    assert os.path.samestat(os.fstat(in_use), folder.in_use.stat())
    os.close(in_use)


@contextmanager
def pruned(path: Path) -> Iterator[int]:
    """Hold a lock file, and remove it before letting go; the number of its inode."""
    with path.open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield os.fstat(lock.fileno()).st_ino
        path.unlink()


def test_a_build_that_was_given_up_is_pruned_and_one_that_goes_on_is_not(
    tmp_path: Path, quick_builder: Builder, environ: dict[str, str], start: Start
) -> None:
    slow = SlowPackage(tmp_path)
    planned = plan(tmp_path, quick_builder, environ, "--no-index", "--find-links ./wheels", "slow")
    home = folder_of(planned).path.parents[1]
    builder = start(planned)
    with slow.held():
        assert prune_environments(home, 0, dry_run=False)[0] == []
        os.killpg(builder.pid, signal.SIGKILL)
        builder.communicate()
    # Its installer may take a moment longer to be gone than the builder.
    assert until(lambda: prune_environments(home, 0, dry_run=False)[0]) == [folder_of(planned).path.name]
    assert not folder_of(planned).path.exists()
