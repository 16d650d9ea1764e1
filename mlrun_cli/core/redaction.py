"""Redaction of secrets in records: how they are recognized and replaced."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from functools import cache, cached_property
from types import MappingProxyType
from typing import Any

from mlrun_cli.core.secret_names import ANYTHING, get_secret_pattern
from mlrun_cli.core.secret_programs import find_program_secrets, replace_program_secrets

REDACTED = "***"

NAMES_VARIABLE = "MLRUN_SECRET_NAMES"

_SOME_TEXT = "text"
_SIGNS_OF_NAMES = str.maketrans("", "", "._/-")
LEAST_LETTERS = 6
"""The minimum length of a secret that is redacted everywhere: other words are unlikely to contain it."""
# Patterns are strings, which `re` compiles on first use and caches: most commands never need them.
_COMMON = r"(?s)[a-z]{0,9}|\d+|[/~.].*"
"""Common values of variables with doubtful names that are not secrets: words, numbers, paths."""
_NO_WORD = r"(?s)(?=.*[^a-z,.]).+"

_SECRET_OPTIONS = {"password", "pwd", "token", "key"}
_NAME = r"[A-Za-z_][\w.-]*"
_URL_WITH_USER = r"://[^/\s]+@"
# The user reaches to the last `@` before the path: a password may hold others. Over ssh, a user alone is no secret.
URL_SECRET = r"""(?xi)
      (?<=http://) (?!git@) [^/\s]+ (?=@)
    | (?<=https://) (?!git@) [^/\s]+ (?=@)
    | (?<=://) [^/\s@:]* : [^/\s]+ (?=@)
    | (?<=/t/) [\w-]{8,} (?=/)
    | (?<=[?&]sig=) [^&\s#]+
    | (?<=[?&]token=) [^&\s#]+
    | (?<=[?&]access_token=) [^&\s#]+
    | (?<=[?&]api_key=) [^&\s#]+
    | (?<=[?&]apikey=) [^&\s#]+
    | (?<=[?&]key=) [\w-]{16,}
    | (?<=://hooks\.slack\.com/services/) [^\s"']+
    | (?<=://discord\.com/api/webhooks/) [^\s"']+
    | (?<=://discordapp\.com/api/webhooks/) [^\s"']+
    | (?<=://hooks\.zapier\.com/hooks/catch/) [^\s"']+
    | (?<=://outlook\.office\.com/webhook/) [^\s"']+
    | (?<=\.webhook\.office\.com/webhookb2/) [^\s"']+
    | (?<=://api\.telegram\.org/bot) [^\s"'/]+
    """  # noqa: S105 - a pattern of secrets
"""The secrets in a URL, including Azure signatures, conda tokens and the ends of webhook URLs."""
# Outside of a URL, `/t/` is an ordinary folder.
_ADDRESS = r"""(?:://|[?&])[^\s"']+"""
_CONNECTION_PART = r"""(?x)
    (?: (?P<joined> (?<=;) ) | (?P<spaced> (?<=;[ ]) ) )?
    (?<![\w.=-]) (?P<name> [A-Za-z]\w* ) (?P<equals> [ ]*=[ ]* )
    (?P<value> (?(joined) [^;"'\n]+ | (?(spaced) [^;"'\s]+ | [^;"'\s]{1,512}(?=;) ) ) )
    """
_CREDENTIALS = r"(?x)\b(?P<scheme> [Bb]earer | Basic )(?P<space> \s+ )(?P<given> [\w.~+/-]+ =* )"
_LIKELY_CREDENTIALS = r"(?=\S*(?:\d|[a-z][A-Z])).+|.{20,}"
_TOKENS = {
    "gh": r"[opsru]_[A-Za-z\d]{30,}",
    "github_pat_": r"\w{22,}",
    "glpat-": r"[\w-]{20,}",
    "hf_": r"[A-Za-z\d]{30,}",
    "xox": r"[abeprs]-[\w-]{10,}",
    "pypi-": r"AgE[\w-]{50,}",
    "npm_": r"[A-Za-z\d]{36}",
    "sk-": r"(?=[\w-]*\d)(?=[\w-]*[A-Z])(?=[\w-]*[A-Za-z\d]{16})[\w-]{32,}",
    "sk_": r"live_[A-Za-z\d]{16,}",
    "rk_": r"live_[A-Za-z\d]{16,}",
    "AIza": r"[\w-]{35}",
    "dapi": r"[\da-f]{32}",
    "eyJ": r"[\w-]{10,}\.eyJ[\w-]{10,}\.[\w-]{10,}",
    "SG.": r"[\w-]{22}\.[\w-]{43}",
}
"""The starts of tokens, each with the pattern of the rest.

They are of GitHub, GitLab, Hugging Face, Slack, PyPI, npm, OpenAI, Stripe, Google, Databricks and SendGrid, and JWTs.
"""
_TOKEN_STARTS = tuple(_TOKENS)
_SERVICE_TOKEN = rf"(?<![\w-])(?:{'|'.join(re.escape(start) + rest for start, rest in _TOKENS.items())})(?![\w-])"
_PRIVATE_KEY = r"(?s)(?<=PRIVATE KEY-----).+?(?=-----END |\Z)"
_NAME_BEFORE_VALUE = r"""(?x)
    (?<![\w.-]) (?P<name> [\w.-]+) ["']?
    (?:
        (?P<assigned> (?:\s|\\\n)* (?: (?! ==\d+(?:\.\w+)*(?![^\s"',;)]) ) [+:]?=+ | :(?=[\s"']) ) )
        (?: [^\S\n] | \\\n | \n(?=[ \t]) )*
      | (?:\s|\\\n)+
    )
    """
"""Excludes `secretstorage==3.3.1`, where a version follows. The value may be on the next line if that is indented."""
_INSTRUCTION = r"""(?xm)
    (?P<before> (?: (?<![\w.$-]) ENV | ^[ \t]*env ) (?:[ \t]|\\\n)+ (?P<name> [\w.-]+ ) (?:[ \t]|\\\n)+ )
    (?P<value> (?![=\s]) (?: \\\n | [^\n] )+ )
    """
"""`ENV NAME value`, which Dockerfiles allow besides `ENV NAME=value`; the value is the rest of the instruction."""
_SHELL_OPTION = r"-[a-z]*c"
# An unclosed quote ends a quotation around the value, and is otherwise an ordinary character.
_VALUE = r"""(?xs)
    (?!--) (?: (?i:Bearer|Basic|Token) \s+ )?
    (?: \\(?P<quote>["']) .*? \\(?P=quote) | \\. | "(?:\\.|[^"\\])*" | '[^']*' | \S )+
    """
_ALREADY_REDACTED = r"""["']?\*{3}["']?[]}),;]*"""
"""A value and what closes it in JSON or code, whose quotes and brackets stay so that it can still be read."""


def build_alternation(texts: Collection[str]) -> str:
    """Return a regular expression that matches any of the texts, preferring the longest, or nothing without texts."""
    return "|".join(map(re.escape, sorted(texts, key=len, reverse=True))) or "(?!)"


def _is_plain_word(value: str) -> bool:
    """Return whether a value contains none of the characters by which secrets are recognized, such as `:` and `=`."""
    letters = value.translate(_SIGNS_OF_NAMES)
    return (letters.isalnum() or not letters) and not value.startswith(_TOKEN_STARTS)


def _mask_secret(_secret: str) -> str:
    return REDACTED


@cache
def get_process_redactor() -> Redactor:
    """Return the redactor for this process's environment, for the entry point to pass on."""
    return Redactor.from_environment(os.environ)


class Redactor:
    """Redacts secrets, which it recognizes by built-in and user-defined names and by the form of a text."""

    def __init__(
        self,
        more_names: Iterable[str] = (),
        environ: Mapping[str, str] = MappingProxyType({}),
        list_secrets: Callable[[], Collection[str]] | None = None,
    ) -> None:
        """Create a redactor.

        Args:
            more_names: parts of names that denote secrets, besides the built-in ones.
            environ: the variables whose secrets errors may repeat.
            list_secrets: returns secrets that any text may repeat, of which common words, numbers and paths count only
              as a whole text; called on first use.
        """
        self._given_names = tuple(more_names)
        self._environment = environ
        self._list_secrets = list_secrets
        self._secrets_of: dict[str, str] = {}
        self._secrets: frozenset[str] | None = None

    @classmethod
    def from_environment(cls, environ: Mapping[str, str]) -> Redactor:
        """Create a redactor for the secrets in an environment's variables, which are read at each use.

        The comma-separated names of `MLRUN_SECRET_NAMES` are added to the built-in ones.
        """
        return cls((), environ)

    @classmethod
    def for_run(cls, environ: Mapping[str, str], arguments: Sequence[str]) -> Redactor:
        """Create a redactor that knows the secrets in a run's variables and in its command line.

        These are redacted wherever the run repeats them, as in its errors and tags.
        """
        return cls((), environ, lambda: cls((), environ).list_distinctive_secrets(arguments))

    @cached_property
    def run_secrets(self) -> frozenset[str]:
        """The secrets in the run's environment variables and command line, which are redacted in any text."""
        return frozenset(() if self._list_secrets is None else self._list_secrets())

    @cached_property
    def _run_secret_redactor(self) -> Callable[[str], str]:
        return _build_secret_redactor(self.run_secrets)

    def is_secret(self, name: str, value: str = _SOME_TEXT) -> bool:
        """Return whether the value of a variable or option with this name is a secret.

        Without a value, return whether most values under this name would be secrets.
        """
        return _matches_secret(self._get_secret_pattern(name), value)

    def redact_text(self, value: str) -> str:
        """Redact secrets that are recognizable by their form.

        These are users and signatures in URLs, parts of connection strings, HTTP tokens, private keys, tokens of
        well-known services, and passwords in the command lines of well-known programs.
        """
        if self._list_secrets is not None:
            value = self._run_secret_redactor(value)
        if _is_plain_word(value):
            return value
        shown = replace_program_secrets(re.sub(_URL_WITH_USER, f"://{REDACTED}@", value), _mask_secret)
        return self._replace_recognizable_secrets(shown, _mask_secret)

    def redact_optional(self, value: str | None) -> str | None:
        """Redact text like `redact_text`, or return None for None."""
        return None if value is None else self.redact_text(value)

    def redact_value(self, value: str) -> str:
        """Redact a value of any kind, such as a command, including values that follow the name of a secret.

        If quotes make the extent of a value unclear, more than the value is redacted.
        """
        if _is_plain_word(value):
            return value
        shown = replace_program_secrets(value, _mask_secret)
        return self.redact_text(self._replace_named_secrets(shown, _mask_secret))

    def redact_prose(self, value: str) -> str:
        """Redact text like `redact_text`, and also values after names that clearly denote secrets."""
        return self.redact_text(self._replace_after_names(value, _mask_secret, self._find_value_pattern_in_prose))

    def replace_secrets(self, value: str, replacement: Callable[[str], str]) -> str:
        """Replace each secret that `redact_value` would hide, including its quotes, and return the text.

        A user name without a password in a URL is kept.
        """
        shown = self._replace_named_secrets(replace_program_secrets(value, replacement), replacement)
        return self._replace_recognizable_secrets(shown, replacement)

    def redact_setting(self, name: str, value: str) -> str:
        """Redact the value of a variable or setting, entirely if its name denotes a secret."""
        return REDACTED if self.is_secret(name, value) else self.redact_value(value)

    def redact_document(self, value: Any) -> Any:
        """Return a JSON value with each secret under a key replaced, and its other strings redacted as prose."""

        def redact(name: str, text: str) -> str:
            return (
                REDACTED
                if _matches_secret(self._get_secret_pattern(name, is_in_prose=True), text)
                else self.redact_prose(text)
            )

        return _map_texts(value, redact)

    def redact_run_secrets(self, value: Any) -> Any:
        """Redact only the run's own secrets, in every string of a JSON value."""
        return _map_texts(value, lambda _name, text: self._run_secret_redactor(text)) if self.run_secrets else value

    def redact_error(self, value: Any) -> Any:
        """Redact every string of a JSON value as prose, and all known secrets wherever they appear.

        An exception may quote its arguments, as `repr` or `json` spell them.
        """
        if not value:
            return value
        known = self._list_known_secrets() | self.run_secrets
        secrets = re.compile(_build_pattern_of_words({spelling for one in known for spelling in _list_spellings(one)}))

        def redact(_name: str, text: str) -> str:
            return self.redact_prose(secrets.sub(REDACTED, text))

        return _map_texts(value, redact)

    def _list_known_secrets(self) -> frozenset[str]:
        """Return the values of the environment's secrets that are distinctive enough to be redacted anywhere."""
        variables = dict(self._environment)
        if self._secrets is None or variables != self._secrets_of:
            named = variables.items()
            self._secrets_of = variables
            self._secrets = frozenset(
                value for name, value in named if name != NAMES_VARIABLE and self._is_distinctive_secret(name, value)
            )
        return self._secrets

    def _is_distinctive_secret(self, name: str, value: str) -> bool:
        """Return whether a variable's secret is distinctive enough to be redacted wherever it appears."""
        secrets = self._get_secret_pattern(name)
        is_common = secrets != ANYTHING and _is_common(value)
        return len(value) >= LEAST_LETTERS and _matches_secret(secrets, value) and not is_common

    def redact_variables(self, variables: Mapping[str, str]) -> dict[str, str]:
        """Return variables with the secrets in their values redacted."""
        return {name: self.redact_setting(name, value) for name, value in variables.items()}

    def redact_arguments(self, arguments: Sequence[str]) -> list[str]:
        """Redact the values of secret options and assignments in a command line, wherever they appear in it.

        Secrets of the environment's variables are redacted too. An argument that is a shell command, as after `sh -c`,
        is redacted like a value. Elsewhere than after its name, a secret is redacted only if it is unlikely that other
        arguments have it by chance: `--num-tokens 1000000` leaves `--steps 1000000` as it is.
        """
        shown, secrets = self._redact_by_position(arguments)
        return list(map(_build_secret_redactor(secrets), shown))

    def redact_command(self, command: str | Sequence[str]) -> str | tuple[str, ...]:
        """Redact the secrets in a command, which is a string for a shell or a list of words."""
        if isinstance(command, str):
            return self.redact_arguments(["sh", "-c", command])[-1]
        return tuple(self.redact_arguments(command))

    def list_distinctive_secrets(self, arguments: Sequence[str]) -> set[str]:
        """Return the secrets of a command line and of the environment that are to be redacted anywhere."""
        return self._redact_by_position(arguments)[1]

    def redact_with_secrets(self, value: Any, secrets: Collection[str]) -> Any:
        """Redact every string of a JSON value like `redact_document`, and the given secrets anywhere in it."""
        redact = _build_secret_redactor(secrets)
        return _map_texts(self.redact_document(value), lambda _name, text: redact(text))

    def _redact_by_position(self, arguments: Sequence[str]) -> tuple[list[str], set[str]]:
        """Return arguments redacted by their positions, and the secrets to be redacted wherever they appear."""
        shown: list[str] = []
        secrets_here: set[str] = set()

        def record_secret(secret: str, name: str = "") -> str:
            secrets_here.update(self._list_recognizable_parts(secret, name))
            return REDACTED

        awaited: str | None = None
        option = ""
        of_programs = {part.place: part for part in find_program_secrets(arguments)}
        for place, argument in enumerate(arguments):
            part = of_programs.get(place)
            if part is not None:
                secret = record_secret(argument[part.start : part.end])
                shown.append(f"{argument[: part.start]}{secret}{argument[part.end :]}")
                awaited, option = None, ""
                continue
            name, equals, value = argument.partition("=")
            is_option = name.startswith("-")
            secrets = None
            if is_option:
                secrets = self._get_option_pattern(name)
            elif equals:
                secrets = self._get_variable_pattern(name)
            if not argument.startswith("--") and _matches_secret(awaited, argument):
                shown.append(record_secret(argument, option))
            elif equals and value and _matches_secret(secrets, value) and not _is_shell_command(arguments, place):
                shown.append(f"{name}={record_secret(value, name)}")
            else:
                self.replace_secrets(argument, record_secret)
                shown.append(self.redact_value(argument))
            awaited, option = (secrets, name) if is_option and not equals else (None, "")
        return shown, secrets_here | {secret for secret in self._list_known_secrets() if not _is_common(secret)}

    def _list_recognizable_parts(self, secret: str, name: str) -> Sequence[str]:
        """Return the strings to recognize a secret by elsewhere: its text without quotes, and any password in it.

        What is a common value, or follows a name that is often none of a secret, may be another argument by chance.
        """
        plain = secret.strip("\"'")
        parts = [part for part in {plain, plain.partition(":")[2]} if len(part) >= LEAST_LETTERS]
        secrets = self._get_secret_pattern(name.lstrip("-"))
        if secrets == ANYTHING:
            return parts
        return [part for part in parts if not _is_common(part) and (secrets is None or _matches_secret(secrets, part))]

    def _replace_recognizable_secrets(self, value: str, replacement: Callable[[str], str]) -> str:
        """Replace secrets that are recognizable by their form."""

        def redact_connection_part(match: re.Match[str]) -> str:
            is_secret = match["name"].upper() == "PWD" or self.is_secret(match["name"], match["value"])
            return f"{match['name']}{match['equals']}{replacement(match['value'])}" if is_secret else match[0]

        def redact_credentials(match: re.Match[str]) -> str:
            given = replacement(match["given"]) if _has_credentials(match) else match["given"]
            return f"{match['scheme']}{match['space']}{given}"

        def redact_secret(match: re.Match[str]) -> str:
            return replacement(match[0])

        shown = re.sub(_SERVICE_TOKEN, redact_secret, value)
        shown = re.sub(_ADDRESS, lambda found: re.sub(URL_SECRET, redact_secret, found[0]), shown)
        shown = re.sub(_CONNECTION_PART, redact_connection_part, shown)
        return re.sub(_PRIVATE_KEY, redact_secret, re.sub(_CREDENTIALS, redact_credentials, shown))

    def _replace_named_secrets(self, value: str, replacement: Callable[[str], str]) -> str:
        """Replace secrets that follow a name that denotes them."""

        def redact_instruction(match: re.Match[str]) -> str:
            is_secret = self.is_secret(match["name"], match["value"].strip("\"'"))
            return f"{match['before']}{replacement(match['value'])}" if is_secret else match[0]

        return self._replace_after_names(
            re.sub(_INSTRUCTION, redact_instruction, value), replacement, self._find_value_pattern
        )

    def _replace_after_names(
        self,
        value: str,
        replacement: Callable[[str], str],
        find_value_pattern: Callable[[re.Match[str]], str | None],
    ) -> str:
        shown = []
        end = 0
        for found in re.finditer(_NAME_BEFORE_VALUE, value):
            if found.start() < end or (secrets := find_value_pattern(found)) is None:
                continue
            given = re.compile(_VALUE).match(value, found.end())
            if given is not None and re.fullmatch(_ALREADY_REDACTED, given[0]):
                continue
            if given is not None and _matches_secret(secrets, given[0].strip("\"'")):
                shown += [value[end : given.start()], replacement(given[0])]
                end = given.end()
        return "".join(shown) + value[end:]

    def _find_value_pattern(self, match: re.Match[str]) -> str | None:
        if match["name"].startswith("-"):
            return self._get_option_pattern(match["name"])
        return None if match["assigned"] is None else self._get_secret_pattern(match["name"])

    def _find_value_pattern_in_prose(self, match: re.Match[str]) -> str | None:
        """Return the pattern of a secret's value after a name in prose, or None if an ordinary word may follow.

        In prose such names are ordinary words too: `--api-key: expected one argument`.
        """
        if self._find_value_pattern(match) != ANYTHING:
            return None
        return _NO_WORD if ":" in (match["assigned"] or "") else ANYTHING

    def _get_variable_pattern(self, name: str) -> str | None:
        return self._get_secret_pattern(name) if re.fullmatch(_NAME, name) else None

    def _get_option_pattern(self, option: str) -> str | None:
        name = option.lstrip("-")
        return ANYTHING if name.lower() in _SECRET_OPTIONS else self._get_secret_pattern(name)

    def _get_secret_pattern(self, name: str, *, is_in_prose: bool = False) -> str | None:
        plain = name.upper().replace("-", "_")
        names = (*self._given_names, *self._environment.get(NAMES_VARIABLE, "").split(","))
        is_certain = any(name.strip().upper() in plain for name in names if name.strip())
        return ANYTHING if is_certain else get_secret_pattern(name, is_in_prose=is_in_prose)


def _map_texts(value: Any, replace: Callable[[str, str], str], name: str = "") -> Any:
    """Return a JSON value with each string replaced with `replace(key, string)`."""
    if isinstance(value, str):
        return replace(name, value)
    if isinstance(value, Mapping):
        return {replace("", key): _map_texts(inner, replace, key) for key, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [_map_texts(inner, replace, name) for inner in value]
    return value


def _matches_secret(pattern: str | None, value: str) -> bool:
    return pattern is not None and re.fullmatch(pattern, value) is not None


def _is_common(secret_value: str) -> bool:
    """Return whether a secret is such a common word or number that it may occur in other places by chance."""
    return re.fullmatch(_COMMON, secret_value) is not None


def _build_secret_redactor(secrets: Collection[str]) -> Callable[[str], str]:
    """Return a function that redacts these secrets anywhere in a text, but common ones only as the whole text."""
    distinctive = {secret for secret in secrets if not _is_common(secret)}
    pattern = re.compile(_build_pattern_of_words(distinctive)) if distinctive else None

    def redact(text: str) -> str:
        name, equals, value = text.partition("=")
        if text in secrets:
            return REDACTED
        if equals and value in secrets:
            return f"{name}={REDACTED}"
        return text if pattern is None else pattern.sub(REDACTED, text)

    return redact


def _build_pattern_of_words(texts: Collection[str]) -> str:
    return rf"(?<!\w)(?:{build_alternation(texts)})(?!\w)"


def _list_spellings(secret: str) -> set[str]:
    """Return a secret, and its forms in Python's and JSON's string literals."""
    if secret.isalnum():
        return {secret}
    escaped = secret.replace("\\", "\\\\")
    return {secret, repr(secret)[1:-1], repr(f'"{secret}')[2:-1], escaped.replace('"', '\\"').replace("\n", "\\n")}


def _has_credentials(match: re.Match[str]) -> bool:
    """Return whether a matched HTTP authentication scheme has credentials, unlike the prose `Basic training`."""
    if match["scheme"] == "Basic":
        return _is_base64_text(match["given"])
    return match[0] == match.string or re.fullmatch(_LIKELY_CREDENTIALS, match["given"]) is not None


def _is_base64_text(text: str) -> bool:
    import binascii  # noqa: PLC0415 - start-up

    try:
        decoded = binascii.a2b_base64(text)
    except binascii.Error:
        return False
    return decoded != b"" and decoded.isascii()


def _is_shell_command(arguments: Sequence[str], index: int) -> bool:
    """Return whether an argument is a shell command, following `sh -c` or the `-c` of another shell."""
    return (
        index >= 2
        and re.fullmatch(_SHELL_OPTION, arguments[index - 1]) is not None
        and arguments[index - 2].endswith("sh")
    )
