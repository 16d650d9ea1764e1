"""Placeholders for secrets in a plan, such as `${MLRUN_INSTALL_SECRET_1}`, whose values only the installer receives."""

from __future__ import annotations

import re
from collections.abc import Sequence

from mlrun_cli.core.redaction import LEAST_LETTERS, URL_SECRET, Redactor, build_alternation

SECRET_PREFIX = "MLRUN_INSTALL_SECRET_"  # noqa: S105 - a variable's name

_PLACEHOLDER = rf"\$\{{{SECRET_PREFIX}\d+\}}"
_IMAGE = r"(?im:^[ \t]*FROM[ \t]+(?:--\S+[ \t]+)*\S+(?:[ \t]+AS[ \t]+\S+)?[ \t]*$)"
_VARIABLE = r"\$\{[A-Z0-9_]+\}(?::\$\{[A-Z0-9_]+\})?"


def replace_secrets(lines: Sequence[str]) -> tuple[list[str], dict[str, str]]:
    """Replace secrets in URLs with placeholders; return the lines and a mapping from variables to secrets.

    pip and uv expand the variables when they read the file.
    """
    placeholders = _Placeholders()
    hidden = [re.sub(URL_SECRET, lambda found: placeholders.create_placeholder(found[0]), line) for line in lines]
    return hidden, placeholders.get_variables()


def replace_secrets_in_dockerfile(text: str, redactor: Redactor) -> tuple[str, dict[str, str]]:
    """Replace all secrets in a Dockerfile with placeholders; return the text and a mapping from variables to secrets.

    Every occurrence of a secret is replaced. The engine gets the text with the secrets restored.
    """
    placeholders = _Placeholders()
    hidden = redactor.replace_secrets(text, placeholders.create_placeholder)
    return placeholders.replace_known_secrets(hidden), placeholders.get_variables()


class _Placeholders:
    """The placeholders for the secrets in a text, one for each distinct secret."""

    def __init__(self) -> None:
        self._placeholders: dict[str, str] = {}

    def create_placeholder(self, secret_text: str) -> str:
        """Return a placeholder in the same quotes as the secret text, or a reference to a variable unchanged."""
        secret = secret_text.strip("\"'")
        if not secret or re.fullmatch(_VARIABLE, secret):
            return secret_text
        before, _, after = secret_text.partition(secret)
        # Placeholders are expanded only once, so a secret must not contain the placeholder of another.
        for inner, placeholder in self._placeholders.items():
            secret = secret.replace(placeholder, inner)
        name = f"{SECRET_PREFIX}{len(self._placeholders) + 1}"
        return f"{before}{self._placeholders.setdefault(secret, f'${{{name}}}')}{after}"

    def replace_known_secrets(self, text: str) -> str:
        """Replace remaining occurrences of known secrets, except in image names of a Dockerfile.

        An image name may be the same word as a password.
        """
        known = [secret for secret in self._placeholders if len(secret) >= LEAST_LETTERS]
        found = re.compile(f"{_IMAGE}|{_PLACEHOLDER}|{build_alternation(known)}")
        return found.sub(lambda match: self._placeholders.get(match[0], match[0]), text)

    def get_variables(self) -> dict[str, str]:
        """Return a mapping from the names of the placeholder variables to the secrets."""
        return {placeholder[2:-1]: secret for secret, placeholder in self._placeholders.items()}
