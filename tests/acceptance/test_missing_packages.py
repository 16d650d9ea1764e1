"""Scripts that miss a package which Azure's own packages bring along."""

from __future__ import annotations

import pytest

from tests.running import Mlrun

_PACKAGES = "dependencies:\n- pip:\n  - azureml-defaults\n"


@pytest.mark.parametrize(
    ("module", "package"),
    [
        ("requests", "'requests'"),
        ("ruamel.yaml", "'ruamel.yaml'"),
        ("dateutil.parser", "'python-dateutil'"),
        ("adal", "'adal'"),
        ("azure.common.credentials", "its package, such as 'azure-common'"),
        ("mine", None),
    ],
)
def test_a_script_that_misses_what_comes_with_azures_packages_is_told_what_to_add(
    mlrun: Mlrun, module: str, package: str | None
) -> None:
    mlrun.script(_PACKAGES, "conda.yml")
    mlrun.script(f"import {module}")
    done = mlrun.run(*mlrun.command, "run", "submit-script", "-d", "conda.yml", "train.py")
    assert done.returncode == 1
    assert ("azureml-defaults and the like" in done.stderr) == (package is not None)
    assert package is None or f"Add {package}" in done.stderr


def test_there_is_no_such_hint_where_no_environment_was_made(mlrun: Mlrun) -> None:
    mlrun.script("raise ModuleNotFoundError(\"No module named 'requests'\")")
    done = mlrun.run(*mlrun.command, "run", "submit-script", "train.py")
    assert done.returncode == 1
    assert "azureml-defaults" not in done.stderr


@pytest.mark.parametrize(
    ("module", "package"),
    [
        ("azure.common", "Add 'azure-common'"),
        ("azure.mgmt", "Add its package"),
        ("azure.mgmt.resource.subscriptions", "Add 'azure-mgmt-resource'"),
        ("azure.storage.blob", None),
    ],
)
def test_the_package_of_a_module_of_azure_is_named(mlrun: Mlrun, module: str, package: str | None) -> None:
    mlrun.script(_PACKAGES, "conda.yml")
    mlrun.script(f"raise ModuleNotFoundError(\"No module named '{module}'\")")
    done = mlrun.run(*mlrun.command, "run", "submit-script", "-d", "conda.yml", "train.py")
    assert package is None or package in done.stderr
    assert ("Add " in done.stderr) == (package is not None)
