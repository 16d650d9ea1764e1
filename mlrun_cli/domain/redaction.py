"""Keeps secrets out of records: which names hold one, and what is shown instead."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

REDACTED = "***"

SECRET_NAMES = (
    "PASSWORD",
    "PASSWD",
    "SECRET",
    "TOKEN",
    "API_KEY",
    "ACCESS_KEY",
    "ACCOUNT_KEY",
    "CONNECTION_STRING",
    "CREDENTIAL",
)
NAMES_VARIABLE = "MLRUN_SECRET_NAMES"

_SECRET_OPTIONS = {"password", "token", "key"}
_NAME = re.compile(r"[A-Za-z_][\w.-]*")
_URL_WITH_USER = re.compile(r"://[^/\s]+@")
# The user reaches to the last `@` before the path: a password may hold others. Over ssh, a user alone is no secret.
URL_SECRET = re.compile(
    r"""
      (?<=http://) (?!git@) [^/\s]+ (?=@)
    | (?<=https://) (?!git@) [^/\s]+ (?=@)
    | (?<=://) [^/\s@:]* : [^/\s]+ (?=@)
    | (?<=/t/) [\w-]{8,} (?=/)
    | (?<=[?&]sig=) [^&\s#]+
    | (?<=[?&]token=) [^&\s#]+
    | (?<=[?&]access_token=) [^&\s#]+
    """,
    re.VERBOSE | re.IGNORECASE,
)
"""What an address holds of secrets; Azure's signatures and conda's tokens are among them."""
_NAME_BEFORE_VALUE = re.compile(
    r"""
    (?<![\w.-]) (?P<name> [\w.-]+) ["']?
    (?: (?P<assigned> (?:\s|\\\n)* (?: [+:]?=+ | :(?=[\s"']) ) ) (?:\s|\\\n)* | (?:\s|\\\n)+ )
    """,
    re.VERBOSE,
)
_SHELL_OPTION = re.compile(r"-[a-z]*c")
# A quote that nothing closes ends what is quoted around the value, and is a character like others.
_VALUE = re.compile(
    r"""
    (?!--) (?: \\(?P<quote>["']) .*? \\(?P=quote) | \\. | "(?:\\.|[^"\\])*" | '[^']*' | \S )+
    """,
    re.VERBOSE | re.DOTALL,
)


class Redaction:
    """Decides what is a secret: the built-in names and those that the user adds."""

    def __init__(self, more_names: Iterable[str] = ()) -> None:
        self._names = (*SECRET_NAMES, *(name.strip().upper() for name in more_names if name.strip()))

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> Redaction:
        """With the comma-separated names of `MLRUN_SECRET_NAMES` added."""
        return cls(environment.get(NAMES_VARIABLE, "").split(","))

    def is_secret(self, name: str) -> bool:
        """Whether a variable or option of this name holds a secret."""
        plain = name.upper().replace("-", "_")
        return any(secret in plain for secret in self._names)

    def text(self, value: str) -> str:
        """The text with the user information of every URL hidden."""
        return _URL_WITH_USER.sub(f"://{REDACTED}@", value)

    def quoted(self, value: str) -> str:
        """A value that an error quotes, whatever it is: hidden is what would be in a command or an address."""
        return URL_SECRET.sub(REDACTED, self._shell_text(value))

    def document(self, value: Any) -> Any:
        """The same JSON value, with every text in it as `text` gives it."""
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, Mapping):
            return {self.text(name): self.document(inner) for name, inner in value.items()}
        if isinstance(value, (list, tuple)):
            return [self.document(inner) for inner in value]
        return value

    def variables(self, variables: Mapping[str, str]) -> dict[str, str]:
        """The same names; secret values hidden."""
        return {name: REDACTED if self.is_secret(name) else self.text(value) for name, value in variables.items()}

    def arguments(self, arguments: Sequence[str]) -> list[str]:
        """A command line with the values of secret options and of secret assignments hidden.

        An argument that is text for a shell, as after `sh -c`, is treated like that within.
        """
        shown: list[str] = []
        hide_next = False
        for place, argument in enumerate(arguments):
            name, equals, value = argument.partition("=")
            is_secret = self._is_secret_option(name) if name.startswith("-") else self._is_secret_variable(name)
            if hide_next and not argument.startswith("--"):
                shown.append(REDACTED)
            elif is_secret and equals and value and not _is_for_shell(arguments, place):
                shown.append(f"{name}={REDACTED}")
            else:
                shown.append(self._shell_text(argument))
            hide_next = is_secret and not equals and name.startswith("-")
        return shown

    def _shell_text(self, text: str) -> str:
        """The text of a command with its secrets hidden; where quotes leave a doubt, with more than them."""
        shown = []
        end = 0
        for found in _NAME_BEFORE_VALUE.finditer(text):
            if found.start() < end or not self._names_secret(found):
                continue
            value = _VALUE.match(text, found.end())
            if value is not None:
                shown += [text[end : value.start()], REDACTED]
                end = value.end()
        return self.text("".join(shown) + text[end:])

    def _names_secret(self, found: re.Match[str]) -> bool:
        name = found["name"]
        if name.startswith("-"):
            return self._is_secret_option(name)
        return found["assigned"] is not None and self.is_secret(name)

    def _is_secret_variable(self, name: str) -> bool:
        return _NAME.fullmatch(name) is not None and self.is_secret(name)

    def _is_secret_option(self, option: str) -> bool:
        name = option.lstrip("-")
        return name.lower() in _SECRET_OPTIONS or self.is_secret(name)


def _is_for_shell(arguments: Sequence[str], place: int) -> bool:
    """Whether the argument follows `sh -c`, or the like of another shell."""
    return (
        place >= 2 and _SHELL_OPTION.fullmatch(arguments[place - 1]) is not None and arguments[place - 2].endswith("sh")
    )
