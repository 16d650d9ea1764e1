"""Parsing of option values: `key=value` pairs, durations, and the effect of Ctrl-C."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from enum import Enum
from typing import TYPE_CHECKING

from mlrun_cli.core.durations import parse_duration
from mlrun_cli.errors import ConflictingOptions, InvalidValue, NothingToChange, UsageError

if TYPE_CHECKING:
    from mlrun_cli.cli.global_options import GlobalOptions
    from mlrun_cli.environments.mode import EnvironmentChoice

_TRUE, _FALSE = frozenset({"true", "yes", "1"}), frozenset({"false", "no", "0"})
INTERRUPT_VARIABLE = "MLRUN_ON_INTERRUPT"


class OnInterrupt(str, Enum):
    """The effect of Ctrl-C or SIGTERM on the run that is being streamed."""

    DETACH = "detach"
    CANCEL = "cancel"


def resolve_on_interrupt(option_value: OnInterrupt | None) -> OnInterrupt:
    """Return the effect of Ctrl-C given by the option or `MLRUN_ON_INTERRUPT`, or else the default.

    The default is detach, except in a Slurm job, which is ended by a signal: there it is cancel.

    Raises:
        UsageError: the variable is neither detach nor cancel.
    """
    if option_value is not None:
        return option_value
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


def parse_environment_choice(text: str | None) -> EnvironmentChoice | None:
    """Return the parsed value of `--environment`, or None if it is not given.

    Raises:
        UsageError: the mode does not exist, or its day is not valid.
    """
    if text is None:
        return None
    from mlrun_cli.environments.mode import EnvironmentChoice  # noqa: PLC0415 - start-up

    try:
        return EnvironmentChoice.parse_and_check(text)
    except ValueError as error:
        raise InvalidValue(f"--environment: {error}", target="--environment") from None


def parse_tags(
    texts: Iterable[str], *, option: str = "--add-tag", removed_keys: Collection[str] = ()
) -> dict[str, str | None]:
    """Parse tags written as `key=value`, or as `key` for the value None; only the first `=` is a separator.

    Args:
        texts: the tags, as they were typed.
        option: the name of their option, for errors.
        removed_keys: the keys that the same command removes.

    Raises:
        UsageError: a key is empty, has two values, or is to be removed too.
    """
    tags = _parse_pairs(texts, option)
    for key in tags:
        if key in removed_keys:
            raise ConflictingOptions(
                f"The tag '{key}' is given to both {option} and --remove-tag.",
                hint="Leave it out of one of them.",
                target=option,
            )
    return tags


def parse_properties(texts: Iterable[str], *, option: str = "--add-properties") -> dict[str, str]:
    """Parse properties written as `key=value`; both parts are required.

    Raises:
        UsageError: a key is empty or has two values, or a value is missing.
    """
    pairs = _parse_pairs(texts, option)
    for key, value in pairs.items():
        if value is None:
            raise InvalidValue(f"{option}: '{key}' has no value.", hint="Write it as key=value.", target=option)
    return {key: value or "" for key, value in pairs.items()}


def warn_of_missing_tags(
    global_options: GlobalOptions, removed_keys: Iterable[str], tags: Sequence[Collection[str]]
) -> None:
    """Warn of each key of `--remove-tag` that is a tag of none of the objects, whose tags are given."""
    known = sorted({key for each in tags for key in each})
    for key in dict.fromkeys(removed_keys):
        if key not in known:
            others = f"the tags are: {', '.join(known)}" if known else "there are no tags"
            global_options.notes.warning(f"--remove-tag: there is no tag '{key}' to remove; {others}.")


def parse_variables(texts: Iterable[str], *, option: str) -> dict[str, str]:
    """Parse environment variables written as `NAME=VALUE`; errors do not contain values.

    Raises:
        UsageError: a name is empty or has two values, or a value is missing.
    """
    pairs: dict[str, str] = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if not equals or not name.strip():
            shown = f"'{name}' has no value" if name.strip() else "a variable has no name"
            raise InvalidValue(f"{option}: {shown}.", hint=f"Write it as {option} NAME=VALUE.", target=option)
        if pairs.setdefault(name, value) != value:
            raise ConflictingOptions(
                f"{option}: '{name}' is given two values.", hint="Leave one of them out.", target=option
            )
    return pairs


def _parse_pairs(texts: Iterable[str], option: str) -> dict[str, str | None]:
    pairs: dict[str, str | None] = {}
    for key, value in (_split_pair(text, option) for text in texts):
        if pairs.setdefault(key, value) != value:
            raise ConflictingOptions(
                f"{option}: '{key}' is given two values.", hint="Leave one of them out.", target=option
            )
    return pairs


def check_changes(changes: Iterable[object], options: str) -> None:
    """Raise an error if an update does not change anything.

    Args:
        changes: the typed values: None or an empty collection is no change, an empty string is one.
        options: the available options, for the hint.

    Raises:
        UsageError: there is no change.
    """
    if all(change is None or (not isinstance(change, str) and not change) for change in changes):
        raise NothingToChange("No change is given.", hint=f"Use {options}.")


def _split_pair(text: str, option: str) -> tuple[str, str | None]:
    key, equals, value = text.partition("=")
    if not key.strip():
        raise InvalidValue(f"{option}: '{text}' has no key.", hint=f"Write it as {option} key=value.", target=option)
    return key, value if equals else None


def parse_seconds(text: str, option: str, *, needs_unit: bool = False) -> float:
    """Return the duration given for an option, in seconds.

    Raises:
        InvalidDuration: the text is not a duration, or lacks a unit that it needs.
    """
    with add_option_to_errors(option):
        return parse_duration(text, needs_unit=needs_unit)


@contextmanager
def add_option_to_errors(option: str) -> Iterator[None]:
    """Prefix usage errors raised in the block with the name of the option that they are about."""
    try:
        yield
    except UsageError as error:
        error.message = f"{option}: {error.message}"
        raise


def parse_boolean(text: str, option: str) -> bool:
    """Return the truth value of an option that takes `true` or `false`.

    Raises:
        InvalidValue: the text is neither.
    """
    if text.lower() in _TRUE:
        return True
    if text.lower() in _FALSE:
        return False
    raise InvalidValue(f"{option}: '{text}' is not true.", hint=f"Write {option} true, or leave it out.", target=option)
