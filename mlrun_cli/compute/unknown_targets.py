"""Handling of runs whose compute target is not in the workspace."""

from __future__ import annotations

from collections.abc import Mapping

from mlrun_cli.compute.compute_target import LOCAL_TARGET
from mlrun_cli.errors import InvalidValue

TARGETS_VARIABLE = "MLRUN_TARGETS"
UNKNOWN_TARGET_OPTION = "--unknown-target"

_MADE_FOR_EACH_RUN = frozenset({"amlcompute", "containerinstance"})


def is_created_for_each_run(target: str) -> bool:
    """Return whether a target name stands for resources that Azure creates for each run and deletes after it."""
    return target.casefold() in _MADE_FOR_EACH_RUN


def should_run_unknown_targets_here(choice: str | None, environ: Mapping[str, str]) -> bool:
    """Return whether `--unknown-target` or `MLRUN_TARGETS` sends runs for unknown targets to this machine.

    Raises:
        UsageError: the value is neither empty nor `local`.
    """
    name, text = UNKNOWN_TARGET_OPTION, choice
    if text is None:
        name, text = TARGETS_VARIABLE, environ.get(TARGETS_VARIABLE, "").strip()
    if text not in {"", LOCAL_TARGET}:
        raise InvalidValue(
            f"{name}: '{text}' is not '{LOCAL_TARGET}'.",
            hint=f"Use '{LOCAL_TARGET}' to run on this machine what is for a target that the workspace does not have.",
            target=name,
        )
    return text == LOCAL_TARGET
