"""Packages that Azure's `azureml-…` packages would install and scripts rely on, such as pandas.

Facts from the packages' own requirements; only what scripts import is here, and only names, since any version will do.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from mlrun_cli.environments.requirements import PipLine, get_extras, is_azureml_package

AZUREML_MLFLOW = "azureml-mlflow"
# The same bound as azureml-mlflow has: later versions may store their data elsewhere.
_MLFLOW = PipLine("mlflow-skinny<3", name="mlflow-skinny")

_TABLES = ("pandas", "pyarrow")
_MODELS = ("pandas", "scikit-learn")
_WITH_PACKAGE: Mapping[str, Sequence[str]] = {
    "azureml-automl-runtime": _MODELS,
    "azureml-contrib-explain-model": _MODELS,
    "azureml-contrib-interpret": _MODELS,
    "azureml-datadrift": (*_MODELS, "matplotlib"),
    "azureml-dataset-runtime": ("numpy",),
    "azureml-explain-model": _MODELS,
    "azureml-interpret": _MODELS,
    "azureml-opendatasets": ("pandas",),
    "azureml-responsibleai": _MODELS,
    "azureml-train-automl": _MODELS,
    "azureml-train-automl-runtime": _MODELS,
}
_WITH_EXTRA: Mapping[str, Sequence[str]] = {
    "automl": _MODELS,
    "explain": _MODELS,
    "interpret": _MODELS,
    "pandas": _TABLES,
}


def list_missing_dependencies(lines: Sequence[PipLine]) -> list[PipLine]:
    """Return the packages that the azureml packages would install but no line names; empty if a line has a hash.

    Nothing is added to lines with hashes, because pip would want a hash of it too.
    """
    if any("--require-hashes" in line.text or "--hash" in line.text for line in lines):
        return []
    named = {line.name for line in lines}
    missing = [line for line in _iterate_dependencies(lines) if line.name not in named]
    return list(dict.fromkeys(missing))


def _iterate_dependencies(lines: Sequence[PipLine]) -> Iterator[PipLine]:
    for line in lines:
        if line.name == AZUREML_MLFLOW and not any(other.name == "mlflow" for other in lines):
            yield _MLFLOW
        if is_azureml_package(line.name):
            names = list(_WITH_PACKAGE.get(line.name, ()))
            names += [name for extra in get_extras(line.text) for name in _WITH_EXTRA.get(extra, ())]
            yield from (PipLine(name, name=name, is_bare=True) for name in names)
