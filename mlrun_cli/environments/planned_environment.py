"""A planned environment: what a submit knows of it before anything is built."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from mlrun_cli.core.named_tuple import NamedTuple
from mlrun_cli.environments.environment import EnvironmentPlan


class PlannedEnvironment(NamedTuple):
    """The plan of an environment, with what only the submit needs.

    Attributes:
        plan: what the supervisor makes of it.
        notes: lines for stderr.
        secrets: environment variables for the program that builds; no record may hold them.
        variables: environment variables that the environment gives its scripts.
    """

    plan: EnvironmentPlan
    notes: tuple[str, ...] = ()
    secrets: Mapping[str, str] = MappingProxyType({})
    variables: Mapping[str, str] = MappingProxyType({})
