from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.running import Mlrun
from tests.sdk.driving import drive

# The package `keyring`, as far as it is used, over a file: the real one needs a desktop.
KEYRING = """
import json, os
FILE = os.environ["KEYRING_FILE"]

def _all():
    with open(FILE) as file:
        return json.load(file)

def _write(secrets):
    with open(FILE, "w") as file:
        json.dump(secrets, file)

def get_password(service, name):
    return _all().get(f"{service} {name}")

def set_password(service, name, value):
    _write({**_all(), f"{service} {name}": value})

def delete_password(service, name):
    secrets = _all()
    del secrets[f"{service} {name}"]
    _write(secrets)
"""


@pytest.fixture
def mlrun(tmp_path: Path) -> Iterator[Mlrun]:
    one = Mlrun(tmp_path, attach=False)
    yield one
    one.close()


@pytest.fixture
def keyring(mlrun: Mlrun, tmp_path: Path) -> Path:
    """The file behind a keyring that the scripts find."""
    folder = tmp_path / "packages"
    folder.mkdir()
    (folder / "keyring.py").write_text(KEYRING, encoding="utf-8")
    file = tmp_path / "keyring.json"
    file.write_text("{}", encoding="utf-8")
    mlrun.environment.update(PYTHONPATH=str(folder), KEYRING_FILE=str(file))
    return file


def test_secrets_are_those_of_the_environment(mlrun: Mlrun) -> None:
    mlrun.environment.update({"my_key": "lower", "OTHER_KEY": "upper", "as-it-is": "exact", "AS_IT_IS": "other"})
    drive(
        mlrun,
        """
        vault = Workspace.create("ws").get_default_keyvault()
        assert vault.get_secret("my-key") == "lower"
        assert vault.get_secrets(["other-key", "as-it-is"]) == {"other-key": "upper", "as-it-is": "exact"}

        missing = error_of(vault.get_secret, "no-such-key")
        assert type(missing) is UserErrorException, missing
        for words in ("NO_SUCH_KEY", "environment", "keyring set mlrun-cli no-such-key"):
            assert words in str(missing), missing
        for call in (lambda: vault.set_secret("a", "hush"), vault.list_secrets, lambda: vault.delete_secret("a")):
            refused = error_of(call)
            assert type(refused) is UserErrorException and "install the package keyring" in str(refused)
            assert "hush" not in str(refused)
        for bad in ("", None, "a=b"):
            assert type(error_of(vault.get_secret, bad)) is UserErrorException
        """,
    )


@pytest.mark.usefixtures("keyring")
def test_secrets_are_kept_in_the_keyring_where_there_is_one(mlrun: Mlrun) -> None:
    mlrun.environment["FIRST"] = "of the environment"
    drive(
        mlrun,
        """
        from azureml.core.keyvault import Keyvault, KeyVaultContentType
        vault = Keyvault(Workspace.create("ws"))
        vault.set_secret("second", "two", content_type=KeyVaultContentType.password)
        vault.set_secrets({"first": "one", "third": "three"})
        assert vault.get_secrets(["first", "second"]) == {"first": "of the environment", "second": "two"}
        assert vault.list_secrets() == [{"name": "first"}, {"name": "second"}, {"name": "third"}]
        vault.delete_secrets(["first", "second"])
        assert vault.list_secrets() == [{"name": "third"}]
        gone = error_of(vault.get_secret, "second")
        assert "keyring set" in str(gone) and "install" not in str(gone)
        assert "third" in str(error_of(vault.delete_secret, "second"))
        """,
    )


def test_a_keyring_that_cannot_be_opened_is_said(mlrun: Mlrun, keyring: Path) -> None:
    keyring.unlink()
    drive(
        mlrun,
        """
        error = error_of(Workspace.create("ws").get_default_keyvault().get_secret, "key")
        assert type(error) is UserErrorException and "keyring of the system cannot be used" in str(error), error
        assert "'key'" in str(error) and "KEY" in str(error), error
        """,
    )


def test_a_run_has_the_secrets_of_its_submitter_and_no_file_has_them(mlrun: Mlrun) -> None:
    mlrun("folder", "attach", "-e", "exp")
    mlrun.environment["DATA_STORE_KEY"] = "hush-4711"
    mlrun.script("""
        from azureml.core import Run
        vault = Run.get_context().experiment.workspace.get_default_keyvault()
        assert vault.get_secret("data-store-key") == "hush-" + str(4711)
    """)
    run = mlrun.ended()
    assert run["status"] == "Completed", mlrun.log(run["run_id"])
    found = subprocess.run(["grep", "-r", "hush-4711", mlrun.home], capture_output=True, check=False)
    assert found.stdout == b""
