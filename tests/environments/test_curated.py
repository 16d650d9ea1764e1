from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from mlrun_cli.environments.conda_file import parse_conda_mapping
from mlrun_cli.environments.curated import find_curated_environment, list_curated_names
from mlrun_cli.environments.mode import EnvironmentMode
from mlrun_cli.environments.translation import translate_dependencies
from mlrun_cli.runconfigs.runconfig import parse_configuration_document
from mlrun_cli.submit.environment_plan import determine_environment_choice
from tests.running import Mlrun
from tests.sdk.driving import drive


@pytest.fixture
def mlrun(tmp_path: Path) -> Iterator[Mlrun]:
    one = Mlrun(tmp_path)
    yield one
    one.close()


def list_packages(name: str) -> list[str]:
    found = find_curated_environment(name)
    assert found is not None, name
    dependencies = parse_conda_mapping(found.conda_dependencies, Path(name), "environment", Path())
    translation = translate_dependencies(dependencies, assumes_same_names=False)
    return [f"python {translation.python}", *(line.text for line in translation.lines)]


def test_every_listed_environment_has_packages_that_can_be_installed() -> None:
    names = list_curated_names()

    assert names == sorted(names)
    assert len(names) == len({name.casefold() for name in names}) > 40
    for name in names:
        assert len(list_packages(name)) > ("minimal" not in name.lower()), name


@pytest.mark.parametrize(
    ("name", "packages"),
    [
        ("azureml-pytorch-1.6-gpu", {"python 3.8", "torch==1.6.*", "torchvision==0.7.*"}),
        ("AzureML-PyTorch-1.3-CPU", {"python 3.7", "torch==1.3.*", "torchvision==0.4.*"}),
        ("AzureML-TensorFlow-1.13-GPU", {"python 3.7", "tensorflow==1.13.1"}),
        ("AzureML-TensorFlow-2.2-GPU", {"python 3.8", "tensorflow==2.2.*", "protobuf<3.21"}),
        ("AzureML-TensorFlow-2.3-GPU", {"python 3.8", "tensorflow==2.3.*", "protobuf<3.21"}),
        ("AzureML-tensorflow-2.12-ubuntu20.04-py38-cuda11-gpu", {"python 3.8", "tensorflow==2.12.*"}),
        ("AzureML-sklearn-0.24.1-ubuntu18.04-py37-cpu", {"python 3.8", "scikit-learn==0.24.1", "pandas>=1.1,<1.2"}),
        ("AzureML-sklearn-1.5-ubuntu22.04-py310-cpu", {"python 3.10", "scikit-learn~=1.5.0", "pandas"}),
        ("AzureML-sklearn-1.5", {"python 3.10", "scikit-learn~=1.5.0"}),
        ("AzureML-tensorflow-2.16-cuda12", {"python 3.10", "tensorflow==2.16.*"}),
        ("AzureML-minimal-ubuntu22.04-py311-cpu-inference", {"python 3.11"}),
        ("azureml-acpt-pytorch-2.2-cuda12.1", {"python 3.10", "torch==2.2.*", "torchvision==0.17.*", "numpy<2"}),
        ("AzureML-ACPT-pytorch-1.12-py39-cuda11.6-gpu", {"python 3.9", "torch==1.12.*", "torchvision==0.13.*"}),
        ("AzureML-TensorFlow2.4-cuda11-openmpi4.1.0-py36", {"python 3.8", "tensorflow==2.4.*", "pandas>=1.1,<1.2"}),
        ("AzureML-Pytorch1.7-Cuda11-OpenMpi4.1.0-py36", {"python 3.8", "torch==1.7.*", "torchvision==0.8.*"}),
        ("AzureML-Scikit-learn0.24-Cuda11-OpenMpi4.1.0-py36", {"python 3.8", "scikit-learn~=0.24.0"}),
        ("AzureML-Scikit-learn0.20.4-Cuda11-OpenMpi4.1.0-py36", {"python 3.7", "scikit-learn==0.20.4"}),
        ("AzureML-TensorFlow-1.15-Inference-CPU", {"python 3.7", "tensorflow==1.15.*", "pandas==0.25.1"}),
        ("AzureML-tensorflow-1.15-ubuntu18.04-py37-cpu-inference", {"python 3.7", "tensorflow==1.15.*"}),
        ("AzureML-pytorch-1.6-ubuntu18.04-py37-cpu-inference", {"python 3.7", "torch==1.6.*", "pandas==0.25.1"}),
        ("AzureML-xgboost-0.9-ubuntu18.04-py37-cpu-inference", {"xgboost==0.90", "scikit-learn==0.23.2"}),
        ("AzureML-onnxruntime-1.6-ubuntu18.04-py37-cpu-inference", {"onnxruntime==1.6.*", "pandas~=1.1.0"}),
        ("AzureML-VowpalWabbit-8.8.0", {"python 3.8", "vowpalwabbit==8.8.*", "pandas"}),
        ("AzureML-responsibleai-0.20-ubuntu20.04-py38-cpu", {"responsibleai~=0.20.0", "numpy<1.24"}),
        ("AzureML-responsibleai-0.35-ubuntu22.04-py310-cpu", {"python 3.10", "raiwidgets~=0.35.0"}),
    ],
)
def test_names_state_framework_and_python(name: str, packages: set[str]) -> None:
    assert packages <= set(list_packages(name))


@pytest.mark.parametrize(
    "name",
    [
        "AzureML-Designer-R",
        "AzureML-PyTorch-0.4-CPU",
        "AzureML-Pytorch1.8-Cuda11-OpenMpi4.1.0-py36",
        "AzureML-xgboost-0.8-ubuntu18.04-py37-cpu-inference",
        "AzureML-sklearn",
        "AzureML-sklearn-1.0-ubuntu20.04-py3-cpu",
        "Minimal",
    ],
)
def test_other_names_are_not_guessed(name: str) -> None:
    assert find_curated_environment(name) is None


@pytest.mark.parametrize(
    ("name", "fact"),
    [
        ("AzureML-AutoML", "automated ML"),
        ("AzureML-AutoML-DNN-Vision-GPU", "automated ML"),
        ("AzureML-Hyperdrive-ForecastDNN", "automated ML"),
        ("AzureML-Designer-Score", "designer"),
        ("AzureML-PySpark-MmlSpark-0.15", "Spark"),
        ("AzureML-Triton", "NVIDIA"),
        ("AzureML-DeepSpeed-0.3-GPU", "CUDA"),
        ("AzureML-Chainer-5.1.0-GPU", "CUDA"),
    ],
)
def test_what_cannot_be_had_is_refused_with_its_reason(mlrun: Mlrun, name: str, fact: str) -> None:
    assert find_curated_environment(name) is None
    mlrun.script("print()")
    runconfig = mlrun.folder / ".azureml" / "curated.runconfig"
    runconfig.write_text(f"script: train.py\nenvironment: {{name: {name}}}\n", encoding="utf-8")
    refusal = mlrun.fails("run", "submit-script", "-c", "curated", exit_code=3)
    assert (refusal.code, refusal.line, refusal.key_path) == ("EnvironmentNotFound", 2, "environment.name")
    assert name in refusal.text
    assert fact in refusal.text
    assert "conda file" in refusal.hint


@pytest.mark.parametrize(
    ("name", "variable", "mode"),
    [
        ("AzureML-Tutorial", "", EnvironmentMode.RELAXED),
        ("AzureML-Tutorial", "pinned", EnvironmentMode.PINNED),
        ("mine", "", EnvironmentMode.PINNED),
    ],
)
def test_versions_of_curated_environments_may_be_left_open(name: str, variable: str, mode: EnvironmentMode) -> None:
    definition = {"name": name, "python": {"condaDependencies": {"dependencies": ["python=3.6.2"]}}}
    configuration, _ = parse_configuration_document({"environment": definition}, Path(name))

    assert determine_environment_choice(configuration, {"MLRUN_ENVIRONMENT": variable}).mode is mode


def test_a_curated_environment_is_got_cloned_and_named_in_a_runconfig(mlrun: Mlrun) -> None:
    drive(
        mlrun,
        """
        from azureml.core import Environment

        ws = Workspace.from_config()
        minimal = Environment.get(ws, name="AzureML-Minimal", version=36)
        assert (minimal.name, minimal.version) == ("AzureML-Minimal", "36")
        copy = minimal.clone("mine")
        copy.python.conda_dependencies.add_pip_package("six")
        assert copy.register(ws).version == "1"
        refused(UserErrorException, "Azure's own", minimal.register, ws)
        refused(Exception, "Did you mean 'AzureML-Minimal'", Environment.get, ws, "AzureML-Minmal")
        """,
    )
    (mlrun.folder / "train.py").write_text("from azureml.core import Run\n")
    (mlrun.folder / ".azureml").mkdir(exist_ok=True)
    (mlrun.folder / ".azureml/curated.runconfig").write_text("script: train.py\nenvironment: {name: AzureML-Minimal}\n")
    done = mlrun("run", "submit-script", "-c", "curated", "-o", "none")
    assert "Azure's 'AzureML-Minimal', which is built here with Python 3.8. A conda file" in done.stderr
    listed = mlrun("environment", "list", "--curated", "--query", "[?name=='AzureML-Tutorial'].version", "-o", "tsv")
    assert listed.stdout.split() == ["1"]
