"""`azureml.core.conda_dependencies`: packages added and removed, files written and read."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.running import Mlrun
from tests.sdk.driving import drive


@pytest.fixture
def mlrun(tmp_path: Path) -> Iterator[Mlrun]:
    one = Mlrun(tmp_path, attach=False)
    yield one
    one.close()


CHANGE_PACKAGES = """
from azureml.core.conda_dependencies import CondaDependencies
from azureml.core.runconfig import CondaDependencies as Same
assert Same is CondaDependencies

conda = CondaDependencies()
assert conda.as_dict() == {
    "name": "project_environment",
    "dependencies": [{"pip": ["azureml-defaults"]}],
    "channels": ["anaconda", "conda-forge"],
}
# Azure's default version is asked for by nobody; the same one asked for is.
assert CondaDependencies.create().get_python_version() is None
assert CondaDependencies.create(python_version="3.10.18").get_python_version() == "3.10.18"
assert CondaDependencies.create(python_version="3.7").as_dict()["dependencies"][0] == "python=3.7"
conda.set_python_version("3.8")
conda.set_python_version("3.9")
assert conda.get_python_version() == "3.9" and list(conda.conda_packages) == ["python=3.9"]

made = CondaDependencies.create(
    pip_packages=["numpy==1.2", "azureml-sdk", "azureml-core==1.3", "azureml-dataprep[pandas]"],
    conda_packages=["scipy", "pip=20"],
    pip_indexurl="https://pypi.example/simple",
)
assert list(made.pip_packages) == [
    "numpy==1.2", "azureml-sdk~=1.61.0", "azureml-core~=1.61.0", "azureml-dataprep[pandas]"
]
assert list(made.conda_packages) == ["scipy", "pip=20"]
assert list(made.pip_options) == ["--extra-index-url https://pypi.example/simple"]
unpinned = CondaDependencies.create(pip_packages=["azureml-sdk"], pin_sdk_version=False)
assert list(unpinned.pip_packages) == ["azureml-sdk"]

for package in ("numpy==1", "numpy>=2", "torch[x]", "git+https://example.org/a.git@main"):
    conda.add_pip_package(package)
assert list(conda.pip_packages)[1:] == ["numpy>=2", "torch[x]", "git+https://example.org/a.git@main"]
for package in ("numpy", "azureml-defaults", "git+https://example.org/a.git@main", "nope"):
    conda.remove_pip_package(package)
assert list(conda.pip_packages) == ["torch[x]"]
assert "set_pip_option" in str(error_of(conda.add_pip_package, "-r more.txt"))

conda.set_pip_option("--pre")
conda.set_pip_option("-i https://one.example")
conda.set_pip_index_url("https://two.example")
assert list(conda.pip_options) == ["--pre", "--index-url https://two.example"]
conda.remove_pip_option("--pre")
conda.remove_pip_option("--pre")
assert list(conda.pip_options) == ["--index-url https://two.example"]
assert type(error_of(conda.set_pip_option, "numpy")) is UserErrorException
conda.set_pip_requirements(["a", "b==1"])
assert list(conda.pip_packages) == ["a", "b==1"]

conda.add_conda_package("numpy=1")
conda.add_conda_package("conda-forge::numpy=2")
conda.add_conda_package("cuda")
conda.remove_conda_package("cuda")
assert list(conda.conda_packages) == ["python=3.9", "conda-forge::numpy=2"]
for channel in ("pytorch", "pytorch"):
    conda.add_channel(channel)
conda.remove_channel("anaconda")
conda.remove_channel("nope")
assert list(conda.conda_channels) == ["conda-forge", "pytorch"]

conda.add_tensorflow_pip_package("gpu", "1.15")
conda.add_tensorflow_conda_package()
conda.add_cntk_package()
assert list(conda.pip_packages)[2:] == ["tensorflow-gpu==1.15", "cntk==2.7"]
assert list(conda.conda_packages)[2:] == ["tensorflow=2.2.0"]
assert "'tpu'" in str(error_of(conda.add_cntk_package, "tpu"))
merged = CondaDependencies.merge_requirements(["a==1", "a>=2", "b", "c>1,<3"])
assert merged == ["a==1,>=2", "b", "c>1,<3"]
"""


def test_packages_channels_and_options_are_added_replaced_and_removed(mlrun: Mlrun) -> None:
    drive(
        mlrun,
        CHANGE_PACKAGES,
    )


def test_a_conda_file_is_written_as_yaml_and_read_again(mlrun: Mlrun) -> None:
    drive(
        mlrun,
        """
        import os
        from azureml.core.conda_dependencies import CondaDependencies

        conda = CondaDependencies.create(
            pip_packages=["numpy == 1.2", 'b; python_version < "4"', "c @ file:///x#y", "yes", "1.0"],
            conda_packages=["scipy>=1,<2"],
        )
        conda.set_pip_option("--find-links https://x.example/ # no comment")
        assert conda.save("conda.yml") == "conda.yml"
        assert CondaDependencies("conda.yml").as_dict() == conda.as_dict()
        assert open("conda.yml").read() == conda.serialize_to_string()
        assert CondaDependencies().serialize_to_string() == (
            "name: project_environment\\n"
            "dependencies:\\n"
            "- pip:\\n"
            "  - azureml-defaults\\n"
            "channels:\\n"
            "- anaconda\\n"
            "- conda-forge\\n"
        )
        assert conda.save_to_file(".") == ".azureml/auto_conda_dependencies.yml"
        assert CondaDependencies(".azureml/auto_conda_dependencies.yml").as_dict() == conda.as_dict()
        assert conda.save_to_file(".", "more/conda.yml") == "more/conda.yml" and os.path.isfile("more/conda.yml")

        open("bare.yml", "w").write("dependencies:\\n- python=3.6.2\\n- pip\\n")
        bare = CondaDependencies("bare.yml")
        assert bare.get_python_version() == "3.6.2"
        bare.add_channel("c")
        bare.add_pip_package("x")
        assert bare.as_dict() == {"dependencies": ["python=3.6.2", "pip", {"pip": ["x"]}], "channels": ["c"]}

        def said(text):
            open("wrong.yml", "w").write(text)
            error = error_of(CondaDependencies, "wrong.yml")
            assert type(error) is UserErrorException, error
            return str(error)

        assert "mapping" in said("- numpy\\n") and "packages" in said("packages: []\\n")
        assert "line 2" in said("dependencies: [\\n") and "list" in said("dependencies: numpy\\n")
        assert "nope.yml" in str(error_of(CondaDependencies, "nope.yml"))
        assert type(error_of(CondaDependencies, "nope.yml")) is FileNotFoundError
        for path in (".", "nowhere/conda.yml", None):
            assert type(error_of(conda.save, path)) is UserErrorException
        """,
    )
