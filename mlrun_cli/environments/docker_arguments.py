"""Arguments of `docker run` in a runconfig, for a run that is in no container."""

from __future__ import annotations

import os
import re
import shlex
from collections import deque
from collections.abc import Iterator, Mapping, Sequence

from mlrun_cli.core.named_tuple import NamedTuple

_VOLUME = ("-v", "--volume")
_MOUNT = ("--mount",)
_VARIABLE = ("-e", "--env")
_OPTION_AND_VALUE = re.compile(r"(--?[\w-]+)\s+(\S.*)", re.DOTALL)


class Volume(NamedTuple):
    """A folder or file of the machine and where a container would have it; `words` are those that ask for it."""

    source: str
    target: str
    words: str


class DockerArguments(NamedTuple):
    """Volumes, variables and the rest of the arguments.

    Attributes:
        volumes: folders and files of the machine.
        variables: environment variables with their values.
        others: all else, as it is typed, an option and its value as one text.
    """

    volumes: tuple[Volume, ...]
    variables: Mapping[str, str]
    others: tuple[str, ...]


def split_options(arguments: Sequence[str]) -> list[str]:
    """Return the arguments, split where an option and its value were written as one, as in `-v /a:/b`."""
    words: list[str] = []
    for argument in arguments:
        found = _OPTION_AND_VALUE.fullmatch(argument)
        words += found.groups() if found else (argument,)
    return words


def read_docker_arguments(arguments: Sequence[str]) -> DockerArguments:
    """Parse Docker's arguments into volumes, variables, and those without a meaning outside of a container."""
    volumes: list[Volume] = []
    variables: dict[str, str] = {}
    others: list[str] = []
    for option, value, words in _split_options(split_options(arguments)):
        volume = None
        if value is not None and option in _VOLUME:
            volume = _parse_volume(value.split(":"))
        elif value is not None and option in _MOUNT:
            volume = _parse_mount(value)
        if volume is not None:
            volumes.append(Volume(*volume, words))
        elif value is not None and option in _VARIABLE:
            name, has_value, text = value.partition("=")
            if has_value:  # one without a value is the submitter's, which a script has anyway
                variables[name] = text
        else:
            others.append(words)
    return DockerArguments(tuple(volumes), variables, tuple(others))


def _split_options(words: list[str]) -> Iterator[tuple[str, str | None, str]]:
    """Yield each option with its value, if it has one, and as it was typed."""
    rest = deque(words)
    while rest:
        word = rest.popleft()
        option, has_value, value = word.partition("=")
        if word[:2] in _VOLUME + _VARIABLE and len(word) > 2 and not word.startswith("--"):
            yield word[:2], word[2:].removeprefix("="), shlex.quote(word)
        elif has_value:
            yield option, value, shlex.quote(word)
        elif rest and not rest[0].startswith("-"):
            value = rest.popleft()
            yield word, value, shlex.join((word, value))
        else:
            yield word, None, shlex.quote(word)


def _parse_volume(parts: list[str]) -> tuple[str, str] | None:
    """Return source and target of `SOURCE:TARGET[:OPTIONS]`; None for a volume that an engine keeps."""
    source, *others = parts
    is_path = source.startswith((".", "~")) or "/" in source
    return (source, os.path.normpath(others[0])) if others and others[0].startswith("/") and is_path else None


def _parse_mount(text: str) -> tuple[str, str] | None:
    keys = dict(field.partition("=")[::2] for field in text.split(","))
    source = keys.get("source") or keys.get("src")
    target = keys.get("target") or keys.get("destination") or keys.get("dst")
    is_bound = keys.get("type") == "bind" and source and target
    return (str(source), os.path.normpath(str(target))) if is_bound else None
