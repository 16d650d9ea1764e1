"""A planned environment: the plan, and information that is only used during submission."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from mlrun_cli.core.named_tuple import NamedTuple
from mlrun_cli.environments.environment import EnvironmentPlan


class PlannedEnvironment(NamedTuple):
    """The plan of an environment, with information that is only used during submission.

    Attributes:
        plan: the plan, which the supervisor carries out.
        notes: notes for the user, printed on stderr.
        secrets: environment variables for the installer, which must not be recorded.
        variables: environment variables that the environment sets for its scripts.
    """

    plan: EnvironmentPlan
    notes: tuple[str, ...] = ()
    secrets: Mapping[str, str] = MappingProxyType({})
    variables: Mapping[str, str] = MappingProxyType({})
