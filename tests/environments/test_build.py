"""Environments that are really built, from packages made here, by uv and by pip."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from mlrun_cli.environments.build import build_environment
from mlrun_cli.environments.environment import Builder
from mlrun_cli.environments.failure_reason import extract_failure_reason
from mlrun_cli.environments.installer import Installer, print_files_changed_error
from mlrun_cli.environments.planned_environment import PlannedEnvironment
from tests.environments.builds import BACKEND, PYPROJECT, build, folder_of, plan, version_inside
from tests.packages import make_wheel, package_index


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
    assert (code, extract_failure_reason(log)) == (1, said)
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
