"""Values that options are written in: `key=value` pairs, durations, what Ctrl-C means."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager
from enum import Enum
from typing import TYPE_CHECKING

from mlrun_cli.core.durations import parse_duration
from mlrun_cli.errors import ConflictingOptions, InvalidValue, NothingToChange, UsageError

if TYPE_CHECKING:
    from mlrun_cli.environments.mode import EnvironmentChoice

INTERRUPT_VARIABLE = "MLRUN_ON_INTERRUPT"


class OnInterrupt(str, Enum):
    """Effect of Ctrl-C or SIGTERM on the run that is being streamed."""

    DETACH = "detach"
    CANCEL = "cancel"


def parse_on_interrupt(typed: OnInterrupt | None) -> OnInterrupt:
    """Return the option's value, else that of `MLRUN_ON_INTERRUPT`, else cancel in a Slurm job, which ends by a signal.

    Raises:
        UsageError: the variable says neither.
    """
    if typed is not None:
        return typed
    from mlrun_cli.compute.slurm_job import SLURM_JOB  # noqa: PLC0415 - start-up

    default = OnInterrupt.CANCEL if os.environ.get(SLURM_JOB) else OnInterrupt.DETACH
    text = os.environ.get(INTERRUPT_VARIABLE) or default.value
    try:
        return OnInterrupt(text.lower())
    except ValueError:
        raise InvalidValue(
            f"{INTERRUPT_VARIABLE}: '{text}' is not detach or cancel.",
            hint=f"Set {INTERRUPT_VARIABLE} to detach or cancel, or unset it.",
            target=INTERRUPT_VARIABLE,
        ) from None


def parse_environment_choice(typed: str | None) -> EnvironmentChoice | None:
    """Return the choice of `--environment`; None where it is not given.

    Raises:
        UsageError: there is no such mode, or its day cannot be right.
    """
    if typed is None:
        return None
    from mlrun_cli.environments.mode import EnvironmentChoice  # noqa: PLC0415 - start-up

    try:
        return EnvironmentChoice.parse_and_check(typed)
    except ValueError as error:
        raise InvalidValue(f"--environment: {error}", target="--environment") from None


def parse_tags(
    texts: Iterable[str], *, option: str = "--add-tag", removed: Collection[str] = ()
) -> dict[str, str | None]:
    """Parse `key=value`, or `key` alone, which sets null; the first `=` splits.

    Args:
        texts: as they were typed.
        option: its name.
        removed: keys that the same command takes away.

    Raises:
        UsageError: a key is empty, has two values, or is to be taken away too.
    """
    tags = _parse_mapping(texts, option)
    for key in tags:
        if key in removed:
            raise ConflictingOptions(
                f"The tag '{key}' is given to both {option} and --remove-tag.",
                hint="Leave it out of one of them.",
                target=option,
            )
    return tags


def parse_properties(texts: Iterable[str]) -> dict[str, str]:
    """Parse `key=value`; both are required.

    Raises:
        UsageError: a key is empty or has two values, or there is no value.
    """
    pairs = _parse_mapping(texts, "--add-properties")
    for key, value in pairs.items():
        if value is None:
            raise InvalidValue(
                f"--add-properties: '{key}' has no value.", hint="Write it as key=value.", target="--add-properties"
            )
    return {key: value or "" for key, value in pairs.items()}


def _parse_mapping(texts: Iterable[str], option: str) -> dict[str, str | None]:
    pairs: dict[str, str | None] = {}
    for key, value in (_split_pair(text, option) for text in texts):
        if pairs.setdefault(key, value) != value:
            raise ConflictingOptions(
                f"{option}: '{key}' is given two values.", hint="Leave one of them out.", target=option
            )
    return pairs


def check_changes(changes: Iterable[object], options: str) -> None:
    """Check that an update changes something.

    Args:
        changes: what was typed: None or an empty collection where nothing was, an empty text being one.
        options: those that there are, for the hint.

    Raises:
        UsageError: there is nothing.
    """
    if all(change is None or (not isinstance(change, str) and not change) for change in changes):
        raise NothingToChange("No change is given.", hint=f"Use {options}.")


def _split_pair(text: str, option: str) -> tuple[str, str | None]:
    key, equals, value = text.partition("=")
    if not key.strip():
        raise InvalidValue(f"{option}: '{text}' has no key.", hint=f"Write it as {option} key=value.", target=option)
    return key, value if equals else None


def parse_seconds(text: str, option: str, *, needs_unit: bool = False) -> float:
    """Return the seconds of an option's duration.

    Raises:
        InvalidDuration: it is none, or has no unit where it needs one.
    """
    with add_option_to_errors(option):
        return parse_duration(text, needs_unit=needs_unit)


@contextmanager
def add_option_to_errors(option: str) -> Iterator[None]:
    """Begin errors raised in this context with the option that the value was given for."""
    try:
        yield
    except UsageError as error:
        error.message = f"{option}: {error.message}"
        raise
