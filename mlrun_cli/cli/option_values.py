"""Values that options are written in: `key=value` pairs, statuses, spans of time, what Ctrl-C means."""

from __future__ import annotations

import os
import re
from collections.abc import Collection, Iterable, Sequence
from enum import Enum

from mlrun_cli.compute.slurm_job import SLURM_JOB
from mlrun_cli.environments.mode import EnvironmentChoice
from mlrun_cli.errors import UsageError
from mlrun_cli.runs.filter import TagFilter
from mlrun_cli.runs.status import RunStatus

INTERRUPT_VARIABLE = "MLRUN_ON_INTERRUPT"

_SPAN = re.compile(r"([0-9]+(?:\.[0-9]+)?)\s*(s|m|h|d)?")
_LONGEST_SECONDS = 36_500 * 86_400
_MOST_SHOWN = 40
_SECONDS = {None: 1, "s": 1, "m": 60, "h": 3600, "d": 86400}


class OnInterrupt(str, Enum):
    """What Ctrl-C or SIGTERM means for the run that is being streamed."""

    DETACH = "detach"
    CANCEL = "cancel"


def on_interrupt(typed: OnInterrupt | None) -> OnInterrupt:
    """What was typed, else what `MLRUN_ON_INTERRUPT` says; else cancel within a job of Slurm, which ends with a signal.

    Raises:
        UsageError: the variable says neither.
    """
    if typed is not None:
        return typed
    default = OnInterrupt.CANCEL if os.environ.get(SLURM_JOB) else OnInterrupt.DETACH
    text = os.environ.get(INTERRUPT_VARIABLE) or default.value
    try:
        return OnInterrupt(text.lower())
    except ValueError:
        raise UsageError(f"{INTERRUPT_VARIABLE} is '{text}'.", hint="It may be 'detach' or 'cancel'.") from None


def environment_choice(typed: str | None) -> EnvironmentChoice | None:
    """Return what `--environment` says; None where it is not given.

    Raises:
        UsageError: there is no such mode, or its day cannot be right.
    """
    if typed is None:
        return None
    try:
        return EnvironmentChoice.typed(typed)
    except ValueError as error:
        raise UsageError(f"--environment: {error}") from None


def tags_of(texts: Iterable[str], *, option: str = "--add-tag", removed: Collection[str] = ()) -> dict[str, str | None]:
    """`key=value` or `key` alone, which sets null; the first `=` splits.

    Args:
        texts: as they were typed.
        option: its name.
        removed: keys that the same command takes away.

    Raises:
        UsageError: a key is empty, has two values, or is to be taken away too.
    """
    tags = _mapping(texts, option)
    for key in tags:
        if key in removed:
            raise UsageError(
                f"The tag '{key}' is in {option} and in --remove-tag.", hint="Leave it out of one of them."
            )
    return tags


def properties_of(texts: Iterable[str]) -> dict[str, str]:
    """`key=value`, both needed.

    Raises:
        UsageError: a key is empty or has two values, or there is no value.
    """
    pairs = _mapping(texts, "--add-properties")
    for key, value in pairs.items():
        if value is None:
            raise UsageError(f"--add-properties: '{key}' has no value.", hint="Write it as key=value.")
    return {key: value or "" for key, value in pairs.items()}


def tag_filters(texts: Iterable[str]) -> tuple[TagFilter, ...]:
    """`key` for any value, `key=value` for that one.

    Raises:
        UsageError: a key is empty.
    """
    pairs = [_pair(text, "--tags") for text in texts]
    return tuple(TagFilter(key, value, any_value=value is None) for key, value in pairs)


def _mapping(texts: Iterable[str], option: str) -> dict[str, str | None]:
    pairs: dict[str, str | None] = {}
    for key, value in (_pair(text, option) for text in texts):
        if pairs.setdefault(key, value) != value:
            raise UsageError(f"{option}: '{key}' is given two values.", hint="Leave one of them out.")
    return pairs


def check_changes(changes: Iterable[object], options: str) -> None:
    """See that there is something to do.

    Args:
        changes: what was typed: None or an empty collection where nothing was, an empty text being one.
        options: those that there are, for the hint.

    Raises:
        UsageError: there is nothing.
    """
    if all(change is None or (not isinstance(change, str) and not change) for change in changes):
        raise UsageError("There is nothing to change.", hint=f"Say what: {options}.")


def _pair(text: str, option: str) -> tuple[str, str | None]:
    key, equals, value = text.partition("=")
    if not key.strip():
        raise UsageError(f"{option}: '{text}' has no key.", hint=f"Write it as {option} key=value.")
    return key, value if equals else None


def statuses_of(texts: Sequence[str]) -> frozenset[RunStatus]:
    """Statuses in any letter case, in comma lists.

    Raises:
        UsageError: there is no such status; names the nearest, or all.
    """
    known = {status.value.lower(): status for status in RunStatus}
    found = set()
    for text in texts:
        for word in text.split(","):
            status = known.get(word.strip().lower())
            if status is None:
                raise _unknown_status(word.strip(), known)
            found.add(status)
    return frozenset(found)


def _unknown_status(word: str, known: dict[str, RunStatus]) -> UsageError:
    import difflib  # noqa: PLC0415

    nearest = difflib.get_close_matches(word.lower(), known, n=1)
    names = ", ".join(status.value for status in RunStatus)
    hint = f"Did you mean '{known[nearest[0]].value}'?" if nearest else f"There are: {names}."
    return UsageError(f"--status: there is no status '{word}'.", hint=hint)


def seconds_of(text: str, option: str) -> float:
    """`90`, `90s`, `1.5h`, `90m` or `2d`, in seconds.

    Raises:
        UsageError: it is none of these, or more than a hundred years.
    """
    return _seconds(text, option, is_unit_needed=False)


def age_of(text: str, option: str) -> float:
    """As `seconds_of`, for what decides over what is removed: a number without its unit is refused.

    Raises:
        UsageError: it is none of these, has no unit, or is more than a hundred years.
    """
    return _seconds(text, option, is_unit_needed=True)


def _seconds(text: str, option: str, *, is_unit_needed: bool) -> float:
    match = _SPAN.fullmatch(text.strip().lower())
    shown = text if len(text) <= _MOST_SHOWN else f"{text[:_MOST_SHOWN]}…"
    if match is None:
        raise UsageError(f"{option}: '{shown}' is not a duration.", hint="Use 30s, 10m, 2h or 7d.")
    if match[2] is None and is_unit_needed:
        raise UsageError(
            f"{option}: '{shown}' has no unit.",
            hint=f"Say which is meant: {shown}s, {shown}m, {shown}h or {shown}d (seconds, minutes, hours, days).",
        )
    seconds = float(match[1]) * _SECONDS[match[2]]
    if seconds > _LONGEST_SECONDS:
        raise UsageError(f"{option}: '{shown}' is longer than a hundred years.", hint="Use at most 36500d.")
    return seconds
