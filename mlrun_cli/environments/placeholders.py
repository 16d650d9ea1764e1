"""Placeholders of secrets in a plan: `${MLRUN_INSTALL_SECRET_1}` …, variables for the installer alone."""

from __future__ import annotations

import re
from collections.abc import Sequence

from mlrun_cli.core.redaction import LEAST_LETTERS, URL_SECRET, Redaction, build_alternation

SECRET_PREFIX = "MLRUN_INSTALL_SECRET_"  # noqa: S105 - a variable's name

_PLACEHOLDER = rf"\$\{{{SECRET_PREFIX}\d+\}}"
_IMAGE = r"(?im:^[ \t]*FROM[ \t]+(?:--\S+[ \t]+)*\S+(?:[ \t]+AS[ \t]+\S+)?[ \t]*$)"
_VARIABLE = r"\$\{[A-Z0-9_]+\}(?::\$\{[A-Z0-9_]+\})?"


def replace_secrets(lines: Sequence[str]) -> tuple[list[str], dict[str, str]]:
    """Return the lines with placeholders for what URLs hold of secrets, and these variables.

    pip and uv put the variables' values back when they read the file.
    """
    placeholders = _Placeholders()
    hidden = [re.sub(URL_SECRET, lambda found: placeholders.make_placeholder(found[0]), line) for line in lines]
    return hidden, placeholders.variables()


def replace_secrets_of_dockerfile(text: str, redaction: Redaction) -> tuple[str, dict[str, str]]:
    """Return the text with placeholders for all its secrets, and the variables that hold them.

    A secret is hidden wherever it stands. Its engine gets the text with the values put back.
    """
    placeholders = _Placeholders()
    hidden = redaction.replace_secrets(text, placeholders.make_placeholder)
    return placeholders.replace_known(hidden), placeholders.variables()


class _Placeholders:
    """The placeholders of one text, one for each secret."""

    def __init__(self) -> None:
        self._placeholders: dict[str, str] = {}

    def make_placeholder(self, found: str) -> str:
        """Return the placeholder, with the quotes that were around the secret; a user's own variable stays."""
        secret = found.strip("\"'")
        if not secret or re.fullmatch(_VARIABLE, secret):
            return found
        before, _, after = found.partition(secret)
        # One that is found in a wider secret must not be left in it: each is put back once.
        for inner, placeholder in self._placeholders.items():
            secret = secret.replace(placeholder, inner)
        name = f"{SECRET_PREFIX}{len(self._placeholders) + 1}"
        return f"{before}{self._placeholders.setdefault(secret, f'${{{name}}}')}{after}"

    def replace_known(self, text: str) -> str:
        """Replace also those occurrences of known secrets that are recognizable by nothing else.

        A Dockerfile's images are as they are named: one may be the word that a password is too.
        """
        known = [secret for secret in self._placeholders if len(secret) >= LEAST_LETTERS]
        found = re.compile(f"{_IMAGE}|{_PLACEHOLDER}|{build_alternation(known)}")
        return found.sub(lambda match: self._placeholders.get(match[0], match[0]), text)

    def variables(self) -> dict[str, str]:
        """Return the secrets, by the names of the variables that stand for them."""
        return {placeholder[2:-1]: secret for secret, placeholder in self._placeholders.items()}
