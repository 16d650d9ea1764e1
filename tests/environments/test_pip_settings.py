"""What pip is configured with holds for uv: indexes, places of packages, and whose certificates are trusted."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from mlrun_cli.environments.build_plan import plan_conda_environment
from mlrun_cli.environments.conda_file import read_conda_dependencies
from mlrun_cli.environments.folder import EnvironmentFolder
from mlrun_cli.environments.installer_search import find_uv
from mlrun_cli.environments.pip_settings import build_uv_settings
from tests.packages import build_environment, make_wheel, package_index


def config(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def test_what_pip_is_told_by_files_and_variables_holds_for_uv(tmp_path: Path) -> None:
    environ = {"HOME": str(tmp_path), "XDG_CONFIG_DIRS": str(tmp_path / "xdg"), "PIP_EXTRA_INDEX_URL": "https://v/s"}
    config(tmp_path / "xdg/pip/pip.conf", "[global]\nindex_url = https://low/s\ntimeout = 60\nextra-index-url = x\n")
    user = "[global]\nindex-url = https://user/s\nfind-links =\n    /a\n    /b\n[install]\nproxy = http://p:1\n"
    read = config(tmp_path / ".config/pip/pip.conf", user)
    config(tmp_path / "base/pip.conf", "[install]\nretries = 2\n[download]\nindex-url = https://no/s\n")
    config(tmp_path / "base/none/pip.conf", "no ini")

    settings = build_uv_settings(environ, tmp_path / "base")

    expected = {
        "UV_DEFAULT_INDEX": "https://user/s",
        "UV_INDEX": "https://v/s",
        "UV_FIND_LINKS": "/a,/b",
        "HTTPS_PROXY": "http://p:1",
        "HTTP_PROXY": "http://p:1",
        "UV_HTTP_TIMEOUT": "60",
        "UV_HTTP_RETRIES": "2",
    }
    assert settings.variables.items() >= expected.items()
    assert {"index-url", "find-links", "proxy"} <= set(settings.file_settings)
    assert "extra-index-url" not in settings.file_settings
    assert read in settings.files
    assert "UV_DEFAULT_INDEX" not in build_uv_settings(environ, None, has_index=True).variables


def test_what_uv_is_told_itself_goes_before(tmp_path: Path) -> None:
    environ = {"HOME": str(tmp_path), "PIP_CONFIG_FILE": str(tmp_path / "own.conf"), "UV_INDEX_URL": "https://uv/s"}
    config(tmp_path / ".config/pip/pip.conf", "[global]\ntimeout = 60\n")
    config(tmp_path / "own.conf", "[global]\nindex-url = https://pip/s\nfind-links = /a\n")
    told = build_uv_settings(environ, None)
    assert "UV_DEFAULT_INDEX" not in told.variables
    assert told.variables["UV_FIND_LINKS"] == "/a"
    assert "UV_HTTP_TIMEOUT" not in told.variables
    config(tmp_path / ".config/uv/uv.toml", '[[index]]\nurl = "https://uv/s"\n')
    assert "UV_FIND_LINKS" not in build_uv_settings(environ, None).variables
    assert not build_uv_settings({"HOME": str(tmp_path), "PIP_CONFIG_FILE": os.devnull}, None).variables


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with `ca.pem`, of an authority that nobody knows, and `server.pem`, what it has signed for 127.0.0.1."""
    folder = tmp_path_factory.mktemp("authority")
    key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    extensions = "subjectAltName=IP:127.0.0.1\nbasicConstraints=CA:FALSE\nextendedKeyUsage=serverAuth\n"
    (folder / "extensions").write_text(extensions, encoding="utf-8")
    signed = ["-days", "30", "-extfile", "extensions", "-out", "server.crt"]
    ca = ["-addext", "basicConstraints=critical,CA:TRUE", "-addext", "keyUsage=critical,keyCertSign,cRLSign"]
    for words in (
        ["req", "-x509", *key, "-keyout", "ca.key", "-out", "ca.pem", "-days", "30", "-subj", "/CN=Nobody", *ca],
        ["req", *key, "-keyout", "server.key", "-out", "server.csr", "-subj", "/CN=127.0.0.1"],
        ["x509", "-req", "-in", "server.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", *signed],
    ):
        subprocess.run(["openssl", *words], cwd=folder, check=True, capture_output=True)
    pem = (folder / "server.crt").read_text("ascii") + (folder / "server.key").read_text("ascii")
    (folder / "server.pem").write_text(pem, encoding="ascii")
    return folder


@pytest.fixture
def environ(tmp_path: Path) -> dict[str, str]:
    """Without what this machine says of certificates and packages."""
    if find_uv(os.environ) is None:
        pytest.skip("uv is not installed")
    path, cache = os.environ["PATH"], str(tmp_path / "cache")
    own = {"PIP_CONFIG_FILE": os.devnull, "PIP_RETRIES": "0", "UV_HTTP_RETRIES": "0"}
    return {"PATH": path, "HOME": str(tmp_path), "UV_CACHE_DIR": cache, **own}


def build(
    tmp_path: Path, environ: dict[str, str], *pip: str, command: Sequence[str] = ()
) -> tuple[EnvironmentFolder, str]:
    python = ".".join(map(str, sys.version_info[:3]))
    (tmp_path / "conda.yml").write_text(json.dumps({"dependencies": [f"python={python}", {"pip": list(pip)}]}), "utf-8")
    planned = plan_conda_environment(
        read_conda_dependencies(tmp_path / "conda.yml"), home=tmp_path / "home", environ=environ
    )
    return build_environment(tmp_path, planned, environ, command)


def test_an_index_and_its_authority_in_pips_file_are_uvs_too(
    tmp_path: Path, environ: dict[str, str], authority: Path
) -> None:
    make_wheel(tmp_path / "served", "tiny", "1.2")
    with package_index(tmp_path / "served", certificate=authority / "server.pem", login="bob:s3cr3t-word") as address:
        text = f"[global]\nindex-url = https://bob:s3cr3t-word@{address}/simple\ncert = {authority / 'ca.pem'}\n"
        own = config(tmp_path / "own.conf", text)
        folder, log = build(tmp_path, environ | {"PIP_CONFIG_FILE": str(own)}, "tiny")
        _, failed = build(tmp_path, environ | {"PIP_CONFIG_FILE": str(own)}, "none-such")
    assert folder.is_complete(), log
    (line,) = (line for line in log.splitlines() if line.startswith("uv is told of pip's "))
    assert "index-url, " in line
    assert " cert, " in line
    assert str(own) in line
    assert "s3cr3t-word" not in log + failed
    assert "none-such" in failed


def test_an_authority_that_the_system_alone_trusts_is_uvs_too(
    tmp_path: Path, environ: dict[str, str], authority: Path
) -> None:
    store = tmp_path / "store"
    store.mkdir()
    (store / "ca-certificates.crt").write_bytes((authority / "ca.pem").read_bytes())
    mount = ["unshare", "-m", "sh", "-c", 'mount --bind "$0" /etc/ssl/certs && exec "$@"', str(store)]
    if subprocess.run([*mount, "true"], capture_output=True, check=False).returncode:
        pytest.skip("nothing can be mounted")
    make_wheel(tmp_path / "served", "tiny", "1.2")
    with package_index(tmp_path / "served", certificate=authority / "server.pem") as address:
        folder, log = build(tmp_path, environ, f"-i https://{address}/simple", "tiny", command=mount)
    assert folder.is_complete(), log
    assert log.count("it is told to trust whom the system trusts.") == 1


def test_what_nobody_trusts_is_not_installed(tmp_path: Path, environ: dict[str, str], authority: Path) -> None:
    make_wheel(tmp_path / "served", "tiny", "1.2")
    with package_index(tmp_path / "served", certificate=authority / "server.pem") as address:
        folder, log = build(tmp_path, environ, f"-i https://{address}/simple", "tiny")
    assert not folder.is_complete()
    assert "Building with pip, which may know whom uv does not." in log
