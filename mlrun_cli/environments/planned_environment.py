"""A planned environment: what a submit knows of it before anything is built."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from mlrun_cli.environments.environment import EnvironmentPlan


@dataclass(frozen=True, slots=True)
class PlannedEnvironment:
    """The plan of an environment, with what only the submit needs.

    Attributes:
        plan: what the supervisor makes of it.
        notes: lines for stderr.
        secrets: environment variables for the program that builds; no record may hold them.
        variables: environment variables that the environment gives its scripts.
    """

    plan: EnvironmentPlan
    notes: tuple[str, ...] = ()
    secrets: Mapping[str, str] = field(default_factory=dict)
    variables: Mapping[str, str] = field(default_factory=dict)
