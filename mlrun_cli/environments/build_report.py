"""The report of an environment's build: its document in the run folder, and messages."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from mlrun_cli.environments.environment import BuiltEnvironment, ContainerPlan, EnvironmentBuild, EnvironmentPlan
from mlrun_cli.environments.image import build_image_name, get_registry

_MAX_LINES = 2_000
_RELAXED = "'--environment relaxed' leaves open the versions that cannot be had"
_WANTS_LOGIN = r"(?i)denied|unauthori[sz]ed|authenticat|credential|log ?in"
_WANTS_WHOLE_NAME = "short-name"
_CURRENT = "'--environment current' takes the python on PATH as it is"


def build_environment_document(environment: BuiltEnvironment, build: EnvironmentBuild) -> dict[str, Any]:
    """Return the content of `system_logs/environment.json`: the environment and its installed packages."""
    return {
        "key": environment.key,
        "builder": environment.build.builder.value,
        "python": environment.python_version,
        "image": None if environment.build.image is None else build_image_name(environment.key),
        "installed": list(environment.installed[:_MAX_LINES]),
        "loosened": list(environment.unpinned),
        "day": build.day,
        "day_source": build.day_source or None,
    }


def list_build_warnings(environment: BuiltEnvironment) -> tuple[str, ...]:
    """Return warnings about versions that the build left open, and about a Python other than the planned one."""
    unpinned, other = environment.unpinned, environment.other_python
    first = environment.build.pythons[0] if environment.build.pythons else ""
    return (
        *((f"Not to be had on Python {first} as pinned, so that it is Python {other}.",) if other else ()),
        *((f"Not to be had as pinned, so that the version was left open: {', '.join(unpinned)}.",) if unpinned else ()),
    )


def describe_failed_build(plan: EnvironmentPlan, reason: str) -> str:
    """Return an error message for a failed build, with the installer's `reason` and suggested solutions."""
    if plan.container is None:
        ways = "" if plan.build is None else _suggest_solutions(plan.build)
        return f"The environment could not be built: {reason} {ways}".rstrip()
    source = None if plan.build is None else plan.build.image
    bases = (plan.container.image,) if source is None else source.base_images
    named = f" (FROM {', '.join(bases)})" if bases else ""
    what = f"The image '{plan.container.image}'" if source is None else f"The image of the Dockerfile{named}"
    return f"{what} cannot be used: {reason} ({_suggest_image_access(plan.container, bases, reason)}{_CURRENT}.)"


def _suggest_solutions(build: EnvironmentBuild) -> str:
    if build.is_relaxed:
        return f"({_CURRENT}.)"
    return f"(Change what cannot be had; or {_RELAXED}, {_CURRENT}.)"


def _suggest_image_access(container: ContainerPlan, images: Sequence[str], reason: str) -> str:
    """Return advice on how to get access to the images, or an empty string if the reason gives no clue."""
    short = [f"'docker.io/{image}'" for image in images if not get_registry(image)]
    if short and _WANTS_WHOLE_NAME in reason:
        return f"Write its whole name, such as {' and '.join(short)}; or "
    if not re.search(_WANTS_LOGIN, reason):
        return ""
    logins = (f"{Path(container.engine).name} login {get_registry(image)}".rstrip() for image in images)
    typed = " and ".join(f"'{login}'" for login in dict.fromkeys(logins))
    return f"If it needs a login, type {typed} once; or "
