"""Arguments of `docker run` in a runconfig, interpreted for runs outside of a container."""

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
    """A file or folder of the machine, and its path in the container; `words` are the arguments that request it."""

    source: str
    target: str
    words: str


class DockerArguments(NamedTuple):
    """Arguments of `docker run`, parsed into volumes, variables and others.

    Attributes:
        volumes: files and folders of the machine.
        variables: environment variables with their values.
        others: all other arguments as typed, an option with its value as one text.
    """

    volumes: tuple[Volume, ...]
    variables: Mapping[str, str]
    others: tuple[str, ...]


def split_options(arguments: Sequence[str]) -> list[str]:
    """Return the arguments, splitting those that combine an option and its value, such as `-v /a:/b`."""
    words: list[str] = []
    for argument in arguments:
        found = _OPTION_AND_VALUE.fullmatch(argument)
        words += found.groups() if found else (argument,)
    return words


def parse_docker_arguments(arguments: Sequence[str]) -> DockerArguments:
    """Parse arguments of `docker run` into volumes, variables, and others that have no effect outside a container."""
    volumes: list[Volume] = []
    variables: dict[str, str] = {}
    others: list[str] = []
    for option, value, words in _iterate_options(split_options(arguments)):
        volume = None
        if value is not None and option in _VOLUME:
            volume = _parse_volume(value.split(":"))
        elif value is not None and option in _MOUNT:
            volume = _parse_mount(value)
        if volume is not None:
            volumes.append(Volume(*volume, words))
        elif value is not None and option in _VARIABLE:
            name, has_value, text = value.partition("=")
            if has_value:  # a variable without a value is the submitter's, which the script inherits anyway
                variables[name] = text
        else:
            others.append(words)
    return DockerArguments(tuple(volumes), variables, tuple(others))


def _iterate_options(arguments: list[str]) -> Iterator[tuple[str, str | None, str]]:
    """Yield each option with its value, or None if it has none, and its original text."""
    rest = deque(arguments)
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
    """Return the source and target in `SOURCE:TARGET[:OPTIONS]`, or None for a volume that the engine manages."""
    source, *others = parts
    is_path = source.startswith((".", "~")) or "/" in source
    return (source, os.path.normpath(others[0])) if others and others[0].startswith("/") and is_path else None


def _parse_mount(text: str) -> tuple[str, str] | None:
    """Return the source and target in a value of `--mount`, or None if the mount is not a bind mount."""
    keys = dict(field.partition("=")[::2] for field in text.split(","))
    source = keys.get("source") or keys.get("src")
    target = keys.get("target") or keys.get("destination") or keys.get("dst")
    is_bound = keys.get("type") == "bind" and source and target
    return (str(source), os.path.normpath(str(target))) if is_bound else None
