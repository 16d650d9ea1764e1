"""Keeps secrets out of records: which names hold one, and what is shown instead."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence

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
_URL_WITH_USER = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*://)[^/\s@]+@")


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
        return _URL_WITH_USER.sub(rf"\1{REDACTED}@", value)

    def variables(self, variables: Mapping[str, str]) -> dict[str, str]:
        """The same names; secret values hidden."""
        return {name: REDACTED if self.is_secret(name) else self.text(value) for name, value in variables.items()}

    def arguments(self, arguments: Sequence[str]) -> list[str]:
        """A command line with the values of secret options and of secret assignments hidden."""
        shown: list[str] = []
        hide_next = False
        for argument in arguments:
            name, equals, value = argument.partition("=")
            is_secret = self._is_secret_option(name) if name.startswith("-") else self._is_secret_variable(name)
            if hide_next and not argument.startswith("--"):
                shown.append(REDACTED)
            elif is_secret and equals and value:
                shown.append(f"{name}={REDACTED}")
            else:
                shown.append(self.text(argument))
            hide_next = is_secret and not equals and name.startswith("-")
        return shown

    def _is_secret_variable(self, name: str) -> bool:
        return _NAME.fullmatch(name) is not None and self.is_secret(name)

    def _is_secret_option(self, option: str) -> bool:
        name = option.lstrip("-")
        return name.lower() in _SECRET_OPTIONS or self.is_secret(name)
