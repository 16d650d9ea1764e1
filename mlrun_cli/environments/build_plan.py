"""Planning of a run's environment at submission, quickly and without network access."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from mlrun_cli.core.redaction import Redactor
from mlrun_cli.environments.base_pythons import can_uv_provide, find_base_python, rank_pythons
from mlrun_cli.environments.conda_file import CondaDependencies
from mlrun_cli.environments.cutoff_date import CutoffDate, create_cutoff_date, determine_cutoff_date
from mlrun_cli.environments.environment import BasePython, Builder, EnvironmentBuild, EnvironmentPlan
from mlrun_cli.environments.folder import EnvironmentFolder
from mlrun_cli.environments.installer_search import find_conda, find_uv
from mlrun_cli.environments.interpreters import PythonRequest, probe_interpreter
from mlrun_cli.environments.local_sources import compute_source_digests, list_local_sources
from mlrun_cli.environments.mode import EnvironmentChoice, EnvironmentMode
from mlrun_cli.environments.placeholders import replace_secrets
from mlrun_cli.environments.planned_environment import PlannedEnvironment
from mlrun_cli.environments.python_search import find_python, list_search_folders
from mlrun_cli.environments.requirements import PipLine
from mlrun_cli.environments.translation import Translation, build_conda_part, translate_dependencies
from mlrun_cli.errors import EnvironmentNotBuilt, InterpreterNotFound

_KEY_LENGTH = 24
_PINNED = EnvironmentChoice()


def plan_conda_environment(
    dependencies: CondaDependencies,
    *,
    home: Path,
    environ: Mapping[str, str],
    environment_choice: EnvironmentChoice = _PINNED,
) -> PlannedEnvironment:
    """Plan an environment with conda dependencies, to be built by conda, or from PyPI if conda cannot be used.

    Raises:
        EnvironmentNotBuilt: the requested Python is not available, or the day for `dated` is unknown or unusable.
        Unsupported: a conda package is not known to be on PyPI, or an option of pip is not supported.
        InvalidFile: a pip line or a version is not valid.
    """
    is_relaxed, is_dated = (
        environment_choice.mode is EnvironmentMode.RELAXED,
        environment_choice.mode is EnvironmentMode.DATED,
    )
    conda = find_conda(environ)
    if conda is not None and not is_dated and (dependencies.packages or dependencies.pip):
        return _plan_with_conda(dependencies, conda, home, is_relaxed=is_relaxed)
    wanted = translate_dependencies(dependencies, assumes_same_names=is_relaxed)
    uv = find_uv(environ)
    day = _choose_cutoff_date(environment_choice, wanted, uv, environ) if is_dated else None
    pythons = _list_candidate_pythons(wanted.python, environment_choice, day, uv, environ)
    if not pythons:
        raise _build_python_not_found_error(wanted.python, dependencies, uv, environ)
    use_uv = uv is not None and (pythons[0].is_uv_managed or not any(line.pip_only for line in wanted.lines))
    hidden, secrets = replace_secrets([line.text for line in wanted.lines])
    build = _create_build(
        home,
        pythons=pythons,
        builder=Builder.UV if use_uv else Builder.PIP,
        installer=uv if use_uv and uv else pythons[0].python,
        lines=[replace(line, text=text) for line, text in zip(wanted.lines, hidden, strict=True)],
        is_relaxed=is_relaxed,
        day=day,
    )
    folder = EnvironmentFolder(Path(build.folder))
    notes = (*wanted.notes, *_iterate_notes(wanted.python, build, dependencies, replaces_conda=conda is not None))
    return PlannedEnvironment(EnvironmentPlan(str(folder.interpreter), build), notes, secrets, dependencies.variables)


def _list_candidate_pythons(
    request: PythonRequest,
    environment_choice: EnvironmentChoice,
    day: CutoffDate | None,
    uv_path: str | None,
    environ: Mapping[str, str],
) -> list[BasePython]:
    """Return the Pythons to try in order: only the requested one if versions are pinned; empty if there is none."""
    if environment_choice.mode is EnvironmentMode.PINNED:
        python = find_base_python(request, uv_path, environ)
        return [] if python is None else [python]
    return rank_pythons(request, uv_path, environ, None if day is None else day.day)


def _choose_cutoff_date(
    environment_choice: EnvironmentChoice, translation: Translation, uv_path: str | None, environ: Mapping[str, str]
) -> CutoffDate:
    """Return the user's cutoff date, or else the date of the files' last change; raise if uv cannot apply it."""
    if uv_path is None:
        raise EnvironmentNotBuilt(
            f"'{environment_choice}' needs packages as of a day, which uv can install and pip cannot, and uv is not"
            " installed.",
            hint="Install it ('pip install uv', or 'pip install mlrun-cli[uv]').",
        )
    for line in translation.lines:
        if line.pip_only:
            raise EnvironmentNotBuilt(
                f"{line.file}: '{Redactor().redact_value(line.text)}' is pip's alone, and '{environment_choice}' needs"
                " uv.",
                hint="Take the line out, or submit without 'dated'.",
            )
    if environment_choice.day is not None:
        return create_cutoff_date(environment_choice.day)
    return determine_cutoff_date(translation.files, environ)


def _iterate_notes(
    request: PythonRequest, build: EnvironmentBuild, dependencies: CondaDependencies, *, replaces_conda: bool
) -> Iterator[str]:
    """Yield notes about a Python other than the requested one, and about the cutoff date of unpinned packages."""
    origin, first = dependencies.origin, build.pythons[0]
    where = "which uv fetches" if first.is_uv_managed else f"'{first.python}'"
    if first.only_wheels:
        yield f"{origin}: Python {request} cannot be had; relaxed to {first}, {where}."
    if build.day is not None:
        by_uv = " from PyPI, since conda knows of no days" if replaces_conda else ""
        yield (
            f"{origin}: what is not pinned is as it was on {build.day} ({build.day_source}), on Python {first}, {where}"
            f"{by_uv}."
        )


def _plan_with_conda(
    dependencies: CondaDependencies, conda_path: str, home: Path, *, is_relaxed: bool
) -> PlannedEnvironment:
    """Plan an environment that conda creates with all of its packages."""
    part = build_conda_part(dependencies)
    hidden, secrets = replace_secrets([*dependencies.channels, *part.packages, *(line.text for line in part.lines)])
    channels = hidden[: len(dependencies.channels)]
    packages = hidden[len(channels) : len(channels) + len(part.packages)]
    lines = hidden[len(channels) + len(part.packages) :]
    build = _create_build(
        home,
        pythons=(),
        builder=Builder.CONDA,
        installer=conda_path,
        lines=[replace(line, text=text) for line, text in zip(part.lines, lines, strict=True)],
        packages=packages,
        channels=channels,
        is_relaxed=is_relaxed,
    )
    folder = EnvironmentFolder(Path(build.folder))
    plan = EnvironmentPlan(str(folder.interpreter), build)
    return PlannedEnvironment(plan, part.notes, secrets, dependencies.variables)


def _create_build(
    home: Path,
    *,
    pythons: Sequence[BasePython],
    builder: Builder,
    installer: str,
    lines: Sequence[PipLine],
    packages: Sequence[str] = (),
    channels: Sequence[str] = (),
    is_relaxed: bool,
    day: CutoffDate | None = None,
) -> EnvironmentBuild:
    """Create a build; its key and folder are derived from everything that determines the environment's content."""
    requirements = tuple(line.text for line in lines if not line.is_option)
    options = tuple(line.text for line in lines if line.is_option)
    local = list_local_sources(lines)
    uploaded_before = "" if day is None else day.uploaded_before
    first = pythons[0] if pythons else BasePython("")
    content: list[object] = [
        first.python,
        builder.value,
        sorted(requirements),
        options,
        first.version,
        *_describe_machine(),
    ]
    content += compute_source_digests(local)
    if builder is Builder.CONDA:
        content += [sorted(packages), list(channels)]
    if is_relaxed:
        content.append(EnvironmentMode.RELAXED.value)
    if uploaded_before:
        content.append(uploaded_before)
    if first.only_wheels or len(pythons) > 1:
        content.append(list(pythons))
    key, folder = compute_key_and_folder(home, content)
    return EnvironmentBuild(
        key=key,
        folder=folder,
        pythons=tuple(pythons),
        builder=builder,
        installer=installer,
        requirements=requirements,
        options=options,
        packages=tuple(packages),
        channels=tuple(channels),
        is_relaxed=is_relaxed,
        uploaded_before=uploaded_before,
        day_source="" if day is None else day.source,
        local=local,
    )


def compute_key_and_folder(home: Path, content: Sequence[object]) -> tuple[str, str]:
    """Return the key of an environment, a hash of its content, and the folder for that key under `home`."""
    key = hashlib.sha256(json.dumps(content).encode()).hexdigest()[:_KEY_LENGTH]
    return key, str(home.absolute() / "environments" / key)


def _describe_machine() -> list[str]:
    """Return the system, the architecture and the C library, which all affect the packages to install."""
    system = os.uname()
    return [
        f"{system.sysname} {system.machine}",
        os.confstr("CS_GNU_LIBC_VERSION") or "" if "CS_GNU_LIBC_VERSION" in os.confstr_names else "",
    ]


def _build_python_not_found_error(
    request: PythonRequest, dependencies: CondaDependencies, uv_path: str | None, environ: Mapping[str, str]
) -> EnvironmentNotBuilt:
    on_path = find_python(list_search_folders(environ.get("PATH", "")))
    there = probe_interpreter(on_path, environ) if on_path else None
    here = f" (the python on PATH is {there.version_text})" if there else ""
    fetch = (
        "; uv cannot fetch it either" if uv_path else "; there is no uv to fetch it" if can_uv_provide(request) else ""
    )
    ways = f"Change the pin{here}, or put such a Python on PATH"
    if uv_path is None and can_uv_provide(request):
        ways += ", or install uv ('pip install uv')"
    instead = (
        "'--environment relaxed' takes the nearest Python there is, '--environment current' the one on PATH as it is"
    )
    return InterpreterNotFound(
        f"{dependencies.origin} needs Python {request}, which is not on this machine{fetch}.",
        hint=f"{ways}. {instead}.",
        target=request,
    )
