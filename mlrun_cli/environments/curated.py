"""Azure's curated environments: package lists by name, for Python versions and builds available today.

Facts from Microsoft's article "Azure Machine Learning curated environments" (editions of June 2020, September 2020,
April 2021 and July 2021), its article "Prebuilt Docker images for inference" (editions of 7 and 25 May 2021), the
definitions that a workspace listed in September 2020, and the contexts of the azureml-assets repository for names that
carry an operating system or `ACPT` and for the responsible AI dashboard.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from mlrun_cli.core.named_tuple import NamedTuple

CURATED_PREFIX = "azureml-"
"""The name prefix of the environments that Azure provides, in any letter case."""

_OLDEST_PYTHON = (3, 8)
"""The oldest Python for which uv has a build."""

_MLFLOW = "azureml-mlflow"
_SCIENCE_2021 = (
    "matplotlib>=3.3,<3.4",
    "psutil>=5.8,<5.9",
    "tqdm>=4.59,<4.60",
    "pandas>=1.1,<1.2",
    "scipy>=1.5,<1.6",
    "numpy>=1.10,<1.20",
)
_SCIENCE_2022 = (
    "matplotlib~=3.5.0",
    "psutil~=5.8.0",
    "tqdm~=4.66.3",
    "pandas~=1.3.0",
    "scipy~=1.10.0",
    "numpy~=1.22.0",
)
_SCIENCE = ("matplotlib", "psutil", "tqdm", "pandas", "scipy")
_DASK = (
    "adlfs",
    "dask[complete]",
    "dask-ml[complete]",
    "distributed",
    "fastparquet",
    "fsspec",
    "joblib",
    "jupyterlab",
    "lz4",
    "notebook",
    "pyarrow",
)
# TensorFlow before 2.11 and TensorBoard before 2.10 fail to load with a newer one.
_OLD_PROTOBUF = "protobuf<3.21"
_UNCOMPILED = "horovod, which has to be compiled"


class CuratedEnvironment(NamedTuple):
    """A curated environment of Azure in the form in which it is available here.

    `python` is a version such as `3.8`; `packages` are lines for pip; `changes` say how it differs from Azure's.
    """

    name: str
    python: str
    packages: Sequence[str]
    changes: Sequence[str] = ()

    @property
    def conda_dependencies(self) -> dict[str, Any]:
        """The environment as the content of a conda environment file."""
        dependencies = [f"python={self.python}", "pip", {"pip": ["azureml-defaults", *self.packages]}]
        return {"name": "project_environment", "channels": ["conda-forge"], "dependencies": dependencies}

    def build_definition(self) -> dict[str, Any]:
        """Return the environment as the `environment` section of a runconfig."""
        return {"python": {"userManagedDependencies": False, "condaDependencies": self.conda_dependencies}}

    @property
    def note(self) -> str:
        """A note on what replaces Azure's environment, and how to use another one; empty if nothing differs."""
        if not self.changes:
            return ""
        return (
            f"environment: the runconfig names Azure's '{self.name}', which is built here with"
            f" {', '.join(self.changes)}. A conda file of your own (-d FILE) replaces it, and this remark."
        )


def is_curated_name(name: str) -> bool:
    """Return whether a name is reserved for environments provided by Azure."""
    return name.casefold().startswith(CURATED_PREFIX)


def find_curated_environment(name: str) -> CuratedEnvironment | None:
    """Return the curated environment with this name, ignoring case, or None if there is none."""
    for pattern, build in _FAMILIES:
        match = re.fullmatch(CURATED_PREFIX + pattern, name.casefold())
        if match is not None:
            return build(name, match.groupdict())
    return None


def find_unavailability_reason(name: str) -> tuple[str, str] | None:
    """Return why an Azure environment is not available here, and an alternative; None if no reason is known."""
    for pattern, refusal in _REFUSALS:
        if re.fullmatch(CURATED_PREFIX + pattern, name.casefold()):
            return refusal
    return None


def list_curated_names() -> Sequence[str]:
    """Return the sorted names of Azure's curated environments; the same names with other versions are valid too."""
    return sorted(_LISTED_NAMES)


def _build_minimal(name: str, fields: Mapping[str, str | None]) -> CuratedEnvironment:
    named = fields.get("python")
    python = _choose_python(named, _OLDEST_PYTHON)
    return CuratedEnvironment(name, _format_python(python), (), _describe_python(named, python))


def _build_tutorial(name: str, _: Mapping[str, str | None]) -> CuratedEnvironment:
    packages = (_MLFLOW, "mlflow", "sklearn-pandas", "pandas", "numpy", "tqdm", "scikit-learn", "matplotlib")
    return CuratedEnvironment(name, _format_python(_OLDEST_PYTHON), packages, ("Python 3.8",))


def _build_scikit_learn(name: str, fields: Mapping[str, str | None]) -> CuratedEnvironment:
    """Return an environment such as `AzureML-Scikit-learn-0.20.3`, whose packages need Python 3.7 for their wheels."""
    packages = (f"scikit-learn=={fields['version']}", "scipy==1.2.1", "joblib==0.13.2")
    return CuratedEnvironment(name, "3.7", packages, ("Python 3.7",))


def _build_inference_of_2021(name: str, fields: Mapping[str, str | None]) -> CuratedEnvironment:
    """Return an environment of the inference images; pandas 0.25.1 has no wheels for Pythons after 3.7."""
    frameworks = {
        "tensorflow-1.15": ("tensorflow==1.15.*", _OLD_PROTOBUF),
        "pytorch-1.6": _pin_torch(1, 6),
        "xgboost-0.9": ("xgboost==0.90", "scikit-learn==0.23.2"),
    }
    packages = (*frameworks[fields["framework"] or ""], "pandas==0.25.1", "numpy==1.20.1")
    return CuratedEnvironment(name, "3.7", packages)


def _build_onnx_runtime(name: str, fields: Mapping[str, str | None]) -> CuratedEnvironment:
    """Return the environment `AzureML-onnxruntime-1.6-ubuntu18.04-py37-cpu-inference`."""
    python = _choose_python(fields["python"], _OLDEST_PYTHON)
    packages = ("onnxruntime==1.6.*", "numpy>=1.16.0", "pandas~=1.1.0")
    return CuratedEnvironment(name, _format_python(python), packages, _describe_python(fields["python"], python))


def _build_dask(name: str, _: Mapping[str, str | None]) -> CuratedEnvironment:
    changes = ("Python 3.8", "without mpi4py, which has to be compiled")
    return CuratedEnvironment(name, "3.8", (*_DASK, "matplotlib"), changes)


def _build_pytorch_of_2020(name: str, fields: Mapping[str, str | None]) -> CuratedEnvironment:
    minor = int(fields["minor"] or 0)
    # The wheels of 1.0 to 1.3 end with Python 3.7.
    python = "3.7" if minor < 4 else "3.8"
    board = ("tensorboard==1.14.0", _OLD_PROTOBUF, "future") if minor else ()
    packages = (*_pin_torch(1, minor), "numpy<1.24", *board)
    return CuratedEnvironment(name, python, packages, (f"Python {python}", f"without mkl and {_UNCOMPILED}"))


def _build_tensorflow_of_2020(name: str, fields: Mapping[str, str | None]) -> CuratedEnvironment:
    version = {"1.10": "1.10.0", "1.12": "1.12.0", "1.13": "1.13.1"}.get(fields["version"] or "", fields["version"])
    python = {"1.10.0": "3.6", "1.12.0": "3.6", "1.13.1": "3.7", "2.0": "3.7", "2.1": "3.7"}.get(version or "", "3.8")
    pin = f"tensorflow=={version}" if (version or "").count(".") == 2 else f"tensorflow=={version}.*"
    builds = ("TensorFlow's build for CPUs",) if fields["device"] == "gpu" and (version or "") < "2.1" else ()
    changes = (f"Python {python}", *builds, f"without {_UNCOMPILED}")
    return CuratedEnvironment(name, python, (pin, _OLD_PROTOBUF), changes)


def _build_pytorch(name: str, fields: Mapping[str, str | None]) -> CuratedEnvironment:
    major, minor = int(fields["major"] or 0), int(fields["minor"] or 0)
    python = _choose_python(fields["python"], (3, 8) if (major, minor) < (2, 1) else (3, 10))
    science = _SCIENCE_2021 if (major, minor) < (1, 10) else _SCIENCE
    numpy = () if (major, minor) < (1, 10) or (major, minor) >= (2, 3) else ("numpy<2",)
    board = ("tensorboard==2.4.0", _OLD_PROTOBUF) if (major, minor) < (1, 10) else ("tensorboard",)
    packages = (_MLFLOW, *_pin_torch(major, minor), "torchaudio", *science, *numpy, *board)
    changes = _describe_python(fields["python"], python)
    without = "without onnxruntime, apex, DeepSpeed and Horovod"
    return CuratedEnvironment(name, _format_python(python), packages, (*changes, without))


def _build_tensorflow(name: str, fields: Mapping[str, str | None]) -> CuratedEnvironment:
    minor = int(fields["minor"] or 0)
    python = _choose_python(fields["python"], (3, 8) if minor < 14 else (3, 10))
    science = _SCIENCE_2021 if minor < 5 else _SCIENCE
    protobuf = (_OLD_PROTOBUF,) if minor < 11 else ()
    packages = (_MLFLOW, f"tensorflow==2.{minor}.*", *protobuf, *science)
    changes = (*_describe_python(fields["python"], python), "without onnxruntime, tensorflow-datasets and Horovod")
    return CuratedEnvironment(name, _format_python(python), packages, changes)


def _build_sklearn(name: str, fields: Mapping[str, str | None]) -> CuratedEnvironment:
    """Return an environment such as `AzureML-sklearn-1.0-ubuntu20.04-py38-cpu`."""
    version = fields["version"] or ""
    major_minor = tuple(int(part) for part in version.split(".")[:2])
    python = _choose_python(fields["python"], (3, 8) if major_minor < (1, 4) else (3, 10))
    science = _SCIENCE_2021 if major_minor < (1, 0) else _SCIENCE_2022 if major_minor < (1, 2) else _SCIENCE
    pin = f"scikit-learn=={version}" if version.count(".") == 2 else f"scikit-learn~={version}.0"
    packages = (_MLFLOW, pin, "joblib", *science)
    return CuratedEnvironment(name, _format_python(python), packages, _describe_python(fields["python"], python))


def _build_lightgbm(name: str, fields: Mapping[str, str | None]) -> CuratedEnvironment:
    python = _choose_python(fields["python"], (3, 8))
    packages: Sequence[str]
    if fields["version"] == "3.2":
        learners = ("scikit-learn~=0.24.1", "xgboost~=1.4.0", "lightgbm~=3.2.0", "dask~=2021.6.0", "dask-ml~=1.9.0")
        packages = (_MLFLOW, *learners, "distributed~=2021.6.0", "adlfs~=0.7.0", *_SCIENCE_2021)
    else:
        learners = ("scikit-learn", "xgboost", f"lightgbm~={fields['version']}.0", "dask", "distributed")
        packages = (_MLFLOW, *learners, *_SCIENCE)
    return CuratedEnvironment(name, _format_python(python), packages, _describe_python(fields["python"], python))


def _build_vowpal_wabbit(name: str, _: Mapping[str, str | None]) -> CuratedEnvironment:
    changes = ("Python 3.8", "the Python package of VowpalWabbit for its program")
    return CuratedEnvironment(name, "3.8", ("vowpalwabbit==8.8.*", "pandas"), changes)


def _build_responsible_ai(name: str, fields: Mapping[str, str | None]) -> CuratedEnvironment:
    """Return an environment such as `AzureML-responsibleai-0.20-ubuntu20.04-py38-cpu`."""
    python = _choose_python(fields["python"], (3, 8))
    dashboard = (f"responsibleai~={fields['version']}.0", f"raiwidgets~={fields['version']}.0")
    pages = ("markupsafe<=2.0.1", "itsdangerous==2.0.1", "pdfkit==1.0.0", "plotly==5.6.0", "kaleido==0.2.1")
    # Older ones have a numba that does not load with NumPy 1.24.
    numpy = ("numpy<1.24",) if int((fields["version"] or "").partition(".")[2]) < 29 else ()
    changes = (*_describe_python(fields["python"], python), "without mltable and what Azure's automated ML adds")
    return CuratedEnvironment(
        name, _format_python(python), (*dashboard, *pages, *numpy, "mlflow", "scikit-learn"), changes
    )


def _pin_torch(major: int, minor: int) -> tuple[str, str]:
    """Return the pins of torch and of the matching torchvision."""
    if (major, minor) in {(1, 0), (1, 1)}:
        return f"torch==1.{minor}.*", "torchvision==0.2.1"
    vision = {2: 4, 3: 4}.get(minor, minor + 1) if major == 1 else minor + 15
    return f"torch=={major}.{minor}.*", f"torchvision==0.{vision}.*"


def _choose_python(named_version: str | None, default: tuple[int, int]) -> tuple[int, int]:
    """Return the Python version in a name, as in `py38`, or the default, but none older than `_OLDEST_PYTHON`."""
    return max((int(named_version[0]), int(named_version[1:])) if named_version else default, _OLDEST_PYTHON)


def _describe_python(named_version: str | None, python: tuple[int, int]) -> Sequence[str]:
    """Return a phrase about the Python used, in a sequence that is empty if it is the version in the name."""
    is_as_named = named_version is not None and (int(named_version[0]), int(named_version[1:])) == python
    return () if is_as_named else (f"Python {_format_python(python)}",)


def _format_python(version: tuple[int, int]) -> str:
    return f"{version[0]}.{version[1]}"


_SYSTEM = r"(?:-ubuntu[\d.]+)?(?:-py(?P<python>\d{2,3}))?(?:-cpu|-cuda[\d.]+(?:-gpu)?)?(?:-py[\d.]+)?(?:-inference)?"
_INFERENCE = r"(?:-ubuntu18\.04-py(?P<python>37)-cpu-inference|-inference-cpu)"
_MPI = r"-cuda11-openmpi4\.1\.0-py(?P<python>36)"
_DEVICE = r"-(?P<device>cpu|gpu)"
_FAMILIES = (
    (r"minimal(?:-inference-cpu)?", _build_minimal),
    (r"minimal" + _SYSTEM, _build_minimal),
    (r"tutorial", _build_tutorial),
    (r"scikit-learn-(?P<version>0\.20\.3)", _build_scikit_learn),
    (r"scikit-learn(?P<version>0\.20\.[34])" + _MPI, _build_scikit_learn),
    (r"dask" + _DEVICE, _build_dask),
    (r"pytorch-1\.(?P<minor>[0-6])" + _DEVICE, _build_pytorch_of_2020),
    (r"tensorflow-(?P<version>1\.1[023]|2\.[0-3])" + _DEVICE, _build_tensorflow_of_2020),
    (r"(?P<framework>tensorflow-1\.15|pytorch-1\.6|xgboost-0\.9)" + _INFERENCE, _build_inference_of_2021),
    (r"onnxruntime-1\.6" + _INFERENCE, _build_onnx_runtime),
    (r"pytorch(?P<major>1)\.(?P<minor>7)" + _MPI, _build_pytorch),
    (r"tensorflow2\.(?P<minor>4)" + _MPI, _build_tensorflow),
    (r"scikit-learn(?P<version>0\.24)" + _MPI, _build_sklearn),
    (r"(?:acpt-)?pytorch-(?P<major>[12])\.(?P<minor>\d+)" + _SYSTEM, _build_pytorch),
    (r"tensorflow-2\.(?P<minor>\d+)" + _SYSTEM, _build_tensorflow),
    (r"sklearn-(?P<version>\d+\.\d+(?:\.\d+)?)" + _SYSTEM, _build_sklearn),
    (r"lightgbm-(?P<version>\d+\.\d+)" + _SYSTEM, _build_lightgbm),
    (r"vowpalwabbit-8\.8\.0", _build_vowpal_wabbit),
    (r"responsibleai-(?P<version>0\.\d+)" + _SYSTEM, _build_responsible_ai),
)

_CONDA_FILE = "a conda file of your own (Environment.from_conda_specification, -d FILE)"
_REFUSALS = (
    (
        r"(?:automl|hyperdrive-forecastdnn).*",
        (
            "has the packages of Azure's automated ML, which is a service",
            f"Search models with a sweep, or name the packages that the script imports in {_CONDA_FILE}.",
        ),
    ),
    (
        r"designer.*",
        (
            "has the modules of Azure's designer, which run in Azure alone",
            f"Write what a module does as a script, and name its packages in {_CONDA_FILE}.",
        ),
    ),
    (
        r"pyspark.*",
        (
            "is an image with Java and Spark, of which its package list has nothing",
            f"Install Java, and name pyspark in {_CONDA_FILE}.",
        ),
    ),
    (
        r"triton.*",
        (
            "is an image with NVIDIA's Triton server, which serves models",
            f"Name tritonclient[all], and what else the script imports, in {_CONDA_FILE}.",
        ),
    ),
    (
        r"(?:deepspeed|chainer).*",
        (
            "has packages that are compiled against CUDA and MPI",
            f"Name the framework, and what can be compiled on this machine, in {_CONDA_FILE}.",
        ),
    ),
)
"""Patterns of names, each with why the environments cannot be had here, and a way out."""

_LISTED_NAMES = (
    "AzureML-ACPT-pytorch-1.11-py38-cuda11.3-gpu",
    "AzureML-ACPT-pytorch-1.12-py38-cuda11.6-gpu",
    "AzureML-ACPT-pytorch-1.12-py39-cuda11.6-gpu",
    "AzureML-ACPT-pytorch-1.13-py38-cuda11.7-gpu",
    "AzureML-Dask-CPU",
    "AzureML-Dask-GPU",
    "AzureML-Minimal",
    "AzureML-Minimal-Inference-CPU",
    *(f"AzureML-PyTorch-1.{minor}-{device}" for minor in range(7) for device in ("CPU", "GPU")),
    "AzureML-PyTorch-1.6-Inference-CPU",
    "AzureML-Pytorch1.7-Cuda11-OpenMpi4.1.0-py36",
    "AzureML-Scikit-learn-0.20.3",
    *(f"AzureML-Scikit-learn{version}-Cuda11-OpenMpi4.1.0-py36" for version in ("0.20.3", "0.20.4", "0.24")),
    "AzureML-TensorFlow-1.15-Inference-CPU",
    *(
        f"AzureML-TensorFlow-{version}-{device}"
        for version in ("1.10", "1.12", "1.13", "2.0", "2.1", "2.2", "2.3")
        for device in ("CPU", "GPU")
    ),
    "AzureML-TensorFlow2.4-Cuda11-OpenMpi4.1.0-py36",
    "AzureML-Tutorial",
    "AzureML-VowpalWabbit-8.8.0",
    "AzureML-XGBoost-0.9-Inference-CPU",
    "AzureML-lightgbm-3.2-ubuntu18.04-py37-cpu",
    "AzureML-minimal-ubuntu18.04-py37-cpu-inference",
    "AzureML-onnxruntime-1.6-ubuntu18.04-py37-cpu-inference",
    "AzureML-pytorch-1.10-ubuntu18.04-py38-cuda11-gpu",
    *(f"AzureML-pytorch-{version}-ubuntu18.04-py37-cpu-inference" for version in ("1.6", "1.7")),
    "AzureML-pytorch-1.9-ubuntu18.04-py37-cuda11-gpu",
    "AzureML-responsibleai-0.20-ubuntu20.04-py38-cpu",
    "AzureML-sklearn-0.24-ubuntu18.04-py37-cpu",
    "AzureML-sklearn-0.24.1-ubuntu18.04-py37-cpu-inference",
    "AzureML-sklearn-1.0-ubuntu20.04-py38-cpu",
    *(f"AzureML-tensorflow-{version}-ubuntu18.04-py37-cpu-inference" for version in ("1.15", "2.4")),
    "AzureML-tensorflow-2.4-ubuntu18.04-py37-cuda11-gpu",
    "AzureML-tensorflow-2.4-ubuntu18.04-py37-cuda11.0.3-gpu-inference",
    "AzureML-tensorflow-2.5-ubuntu20.04-py38-cuda11-gpu",
    "AzureML-tensorflow-2.7-ubuntu20.04-py38-cuda11-gpu",
    "AzureML-xgboost-0.9-ubuntu18.04-py37-cpu-inference",
)
