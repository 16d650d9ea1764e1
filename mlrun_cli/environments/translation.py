"""The translation of conda dependencies to pip requirements."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from packaging.utils import canonicalize_name

from mlrun_cli.core.redaction import Redactor
from mlrun_cli.environments.azureml_packages import AZUREML_MLFLOW, list_missing_dependencies
from mlrun_cli.environments.conda_file import CondaDependencies, CondaSpec, VersionTerm
from mlrun_cli.environments.conda_names import find_pypi_name, is_non_python_package
from mlrun_cli.environments.interpreters import PythonRequest
from mlrun_cli.environments.requirements import PipLine, is_azureml_package, parse_pip_requirements
from mlrun_cli.errors import InvalidFile, Unsupported

# Known packages on these channels are on PyPI too, so that no note is needed.
_PUBLIC_CHANNELS = {"defaults", "main", "anaconda", "conda-forge", "pytorch", "nvidia", "fastai"}

_INDEX_OF_AZUREML = re.compile(r"://azureml[\w-]*\.azureedge\.net(?:[/:]|$)")


@dataclass(frozen=True, slots=True)
class Translation:
    """Conda dependencies translated for pip or uv.

    Attributes:
        python: the requested Python version.
        lines: the packages and options to install with.
        notes: notes about what was left out or is handled differently.
        files: the files that list the packages.
    """

    python: PythonRequest
    lines: tuple[PipLine, ...]
    notes: tuple[str, ...]
    files: tuple[Path, ...]


@dataclass(frozen=True, slots=True)
class CondaPart:
    """Dependencies to install with conda: packages, additional lines for pip, and notes about omissions."""

    packages: tuple[str, ...]
    lines: tuple[PipLine, ...]
    notes: tuple[str, ...]


def build_conda_part(dependencies: CondaDependencies) -> CondaPart:
    """Return the dependencies to install with conda: all but azureml, adding Python and, if needed, pip.

    Raises:
        Unsupported, InvalidFile: a pip line is not supported or not valid.
    """
    packages = [spec.text for spec in dependencies.packages if not is_azureml_package(spec.name)]
    names = {spec.name for spec in dependencies.packages}
    pip_lines = parse_pip_requirements(dependencies.pip, dependencies.folder, dependencies.path)
    lines = _drop_azureml(pip_lines)
    packages += ["python"] if "python" not in names else []
    packages += ["pip"] if lines and "pip" not in names else []
    return CondaPart(tuple(packages), tuple(lines), tuple(_list_azureml_notes(dependencies, pip_lines)))


def translate_dependencies(dependencies: CondaDependencies, *, assumes_same_names: bool = False) -> Translation:
    """Translate conda dependencies into a Python request and pip requirements.

    With `assumes_same_names`, conda packages not known to be on PyPI are requested from it by their conda names.

    Raises:
        Unsupported: conda packages are not known to be on PyPI, or a pip option is not supported.
        InvalidFile: a pip line or a Python version is not valid.
    """
    path = dependencies.path
    python = [spec for spec in dependencies.packages if spec.name in {"python", "cpython"}]
    skipped = [spec for spec in dependencies.packages if is_non_python_package(spec.name)]
    others = [
        spec
        for spec in dependencies.packages
        if spec not in python and spec not in skipped and spec.name != "pip" and not is_azureml_package(spec.name)
    ]
    unknown = [spec.text for spec in others if find_pypi_name(spec.name) is None]
    if unknown and not assumes_same_names:
        raise Unsupported(
            f"{dependencies.origin}: not known outside conda: {_join_redacted(unknown)}.",
            hint="Move what is on PyPI under 'pip:', with its name there, and remove the rest; or make the "
            "environment yourself and set userManagedDependencies and interpreterPath. "
            "'--environment relaxed' tries them on PyPI under their own names.",
        )
    pip_lines = parse_pip_requirements(dependencies.pip, dependencies.folder, path)
    conda_lines = [_build_conda_line(spec) for spec in others]
    origin = dependencies.origin
    tried = f"{origin}: not known outside conda, tried on PyPI under its own name: {_join_redacted(unknown)}."
    return Translation(
        python=_build_python_request(python, dependencies),
        lines=tuple(_merge_requirements(conda_lines, _drop_azureml(pip_lines))),
        notes=(
            *_list_azureml_notes(dependencies, pip_lines),
            *_list_notes(dependencies, skipped, others),
            *((tried,) if unknown else ()),
        ),
        files=tuple(dict.fromkeys([path, *(line.file for line in pip_lines if line.file)])),
    )


def _drop_azureml(lines: Sequence[PipLine]) -> list[PipLine]:
    """Return the lines without azureml packages, but with the other packages that those would install."""
    kept = [line for line in lines if not is_azureml_package(line.name) and not _adds_azureml_index(line)]
    return [*kept, *list_missing_dependencies(lines)]


def _adds_azureml_index(line: PipLine) -> bool:
    """Return whether an option adds the index of azureml previews, since uv would fail if it is unreachable."""
    return line.is_option and _INDEX_OF_AZUREML.search(line.text) is not None


def _list_azureml_notes(dependencies: CondaDependencies, pip_lines: Sequence[PipLine]) -> list[str]:
    azureml = [line for line in pip_lines if is_azureml_package(line.name)]
    left_out = [line.text for line in azureml if line.name != AZUREML_MLFLOW]
    left_out += [line.text for line in pip_lines if _adds_azureml_index(line)]
    left_out += [spec.text for spec in dependencies.packages if is_azureml_package(spec.name)]
    notes = []
    if left_out:
        companions = [line.text for line in list_missing_dependencies(pip_lines) if line.is_bare]
        notes.append(
            f"{dependencies.origin}: left out, since a run is given mlrun-cli's azureml: {_join_redacted(left_out)}."
            + (f" What scripts expect to come with them is installed: {', '.join(companions)}." if companions else "")
        )
    if any(line.name == AZUREML_MLFLOW for line in azureml):
        notes.append(f"{dependencies.origin}: instead of azureml-mlflow, MLflow is installed, which logs into the run.")
    return notes


def _build_python_request(specs: Sequence[CondaSpec], dependencies: CondaDependencies) -> PythonRequest:
    text = ",".join(spec.version_text for spec in specs if spec.version)
    try:
        return PythonRequest(text)
    except ValueError as error:
        raise InvalidFile(dependencies.path, f"'{error}' is not a version of Python") from error


def _build_conda_line(spec: CondaSpec) -> PipLine:
    name = find_pypi_name(spec.name) or spec.name
    text = name + ",".join(map(_format_pip_version, spec.version))
    return PipLine(text, name=canonicalize_name(name), is_bare=not spec.version)


def _format_pip_version(condition: VersionTerm) -> str:
    """Return a version condition in pip's notation, such as `==1.2.*` for `=1.2`."""
    if condition.operator != "=":
        return condition.operator + condition.version
    return f"=={condition.version}.*" if re.fullmatch(r"\d+(\.\d+)*", condition.version) else f"=={condition.version}"


def _merge_requirements(conda: Sequence[PipLine], pip: Sequence[PipLine]) -> list[PipLine]:
    """Merge conda and pip requirements without duplicates, preferring the pip requirement (like conda)."""
    said = {line.name for line in pip if line.name and not line.is_bare}
    kept = [line for line in conda if line.name not in said]
    names = {line.name for line in kept}
    return list(dict.fromkeys([*kept, *(line for line in pip if not (line.is_bare and line.name in names))]))


def _list_notes(
    dependencies: CondaDependencies, skipped: Sequence[CondaSpec], installed: Sequence[CondaSpec]
) -> list[str]:
    origin = dependencies.origin
    notes = []
    if skipped:
        texts = [spec.text for spec in skipped]
        notes.append(f"{origin}: left out, since pip does not install it: {_join_redacted(texts)}.")
    builds = [spec.text for spec in installed if spec.build and spec.build != "*"]
    if builds:
        notes.append(f"{origin}: installed from PyPI, so that the build is not looked at: {_join_redacted(builds)}.")
    channels = [*dependencies.channels, *(spec.channel for spec in installed if spec.channel)]
    private = [channel for channel in dict.fromkeys(channels) if channel not in _PUBLIC_CHANNELS]
    if private and installed:
        notes.append(f"{origin}: installed from PyPI, not from the channel: {_join_redacted(private)}.")
    return notes


def _join_redacted(texts: Iterable[str]) -> str:
    """Return texts as a comma-separated list with secrets redacted, for errors and notes."""
    return ", ".join(map(Redactor().redact_value, texts))
