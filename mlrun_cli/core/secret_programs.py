"""Secrets in command lines of well-known programs, found by short options or positions: `mysql -pSECRET`."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cache

from mlrun_cli.core.named_tuple import NamedTuple
from mlrun_cli.core.secret_names import get_secret_pattern

# Patterns are strings, which `re` compiles on first use: most commands never need them.
_SEPARATORS = frozenset({";", "|", "&", "&&", "||", "\n"})
_WORD_OF_SHELL = r"""(?xs) [;|&\n] | (?: '[^']*' | "(?:\\.|[^"\\])*" | \\. | [^\s;|&'"\\] )+"""
_REFERENCE = r"\$(?:\w+|\{\w+\}|\(.*)"
"""A shell's reference to a variable or another command, which is no secret itself."""
_SHORT_NUMBER = r"\d{1,3}"
"""A count rather than a password, as in `train.py zip -P 4`."""
_KEY = r"(?=[\w-]*\d)[\w-]{20,}"
"""An API key; in prose, other words follow the same subcommand."""
_SIGNS = (" -", " login ", " set ", " config ")
"""Texts without any of them contain no secret of these programs."""


class _Options(NamedTuple):
    """The options of a program whose values are secrets, and the other words that are.

    Attributes:
        apart: those whose value is the next word, or, after a single letter, joined.
        joined: those whose value is a secret only if it is joined, as `-p` alone asks for it.
        logins: those whose value is a user, a separator and a password.
        separator: what separates user and password.
        assignments: those whose value is a secret only behind `=`, such as cookies; without one it is a file.
        has_key: whether a word after the subcommand that looks like a key is a secret.
        has_settings: whether the word after the name of a secret, behind the subcommand, is a secret.
        subcommand: the subcommand that has these options; others have other meanings for them.
    """

    apart: tuple[str, ...] = ()
    joined: tuple[str, ...] = ()
    logins: tuple[str, ...] = ()
    separator: str = ":"
    assignments: tuple[str, ...] = ()
    has_key: bool = False
    has_settings: bool = False
    subcommand: str = ""


_OPTIONS: Mapping[str, _Options] = {
    **dict.fromkeys(("mysql", "mysqldump", "mysqladmin", "mysqlimport", "mysqlcheck"), _Options(joined=("-p",))),
    **dict.fromkeys(("mariadb", "mariadb-dump", "mariadb-admin", "7z", "7za", "7zr"), _Options(joined=("-p",))),
    **dict.fromkeys(("docker", "podman", "az", "oc", "helm"), _Options(apart=("-p",), subcommand="login")),
    **dict.fromkeys(("mongo", "mongosh", "mongodump", "mongorestore"), _Options(apart=("-p",))),
    **dict.fromkeys(("mongoexport", "mongoimport", "sshpass", "twine"), _Options(apart=("-p",))),
    **dict.fromkeys(("ldapsearch", "ldapadd", "ldapmodify", "ldapdelete"), _Options(apart=("-w",))),
    **dict.fromkeys(("zip", "unzip", "sqlcmd", "bcp"), _Options(apart=("-P",))),
    **dict.fromkeys(("http", "https", "xh"), _Options(logins=("-a", "--auth"))),
    **dict.fromkeys(("aws", "npm"), _Options(has_settings=True, subcommand="set")),
    "curl": _Options(logins=("-u", "--user", "-U", "--proxy-user"), assignments=("-b", "--cookie")),
    "poetry": _Options(has_settings=True, subcommand="config"),
    "wandb": _Options(has_key=True, subcommand="login"),
    "lftp": _Options(logins=("-u", "--user"), separator=","),
    "smbclient": _Options(logins=("-U", "--user"), separator="%"),
    "redis-cli": _Options(apart=("-a",)),
    "openssl": _Options(logins=("-passin", "-passout"), separator="pass:"),
    **dict.fromkeys(("ssh", "scp", "sftp", "rsync"), _Options()),
}
"""The last ones have no secrets, and end the options of `sshpass`."""
_PROGRAM = rf"(?<![\w.=:-])(?P<program>{'|'.join(map(re.escape, _OPTIONS))})(?=[ \t])"
_OPTION_WITH_VALUE = r"--(?!rm$)[\w-]+|-(?![EHciprt0]$)\w"
"""An option before a word that is more likely its value than a program: not `--`, `-exec` or a flag of `sudo`."""
_LONGEST_OPTION = 40
_LONGEST_QUOTED_LINE, _SHORT_QUOTED_LINE = 4000, 200
_QUOTED_LETTERS = 200_000
"""The letters that are read in quoted lines of a text before only the starts of further ones are read."""


class WordPart(NamedTuple):
    """A part of a word: the index of the word, and the part's start and end in it."""

    place: int
    start: int
    end: int


def find_program_secrets(words: Sequence[str]) -> Iterator[WordPart]:
    """Yield the secrets among the words of a command line, for each well-known program in it."""
    options = None
    sees_subcommand = False
    for index, word in enumerate(words):
        program = _OPTIONS.get(word.rpartition("/")[2])
        if program is not None and not (index and re.fullmatch(_OPTION_WITH_VALUE, words[index - 1])):
            options, sees_subcommand = program, not program.subcommand
        elif word in _SEPARATORS:
            options = None
        elif options is not None:
            sees_subcommand = sees_subcommand or word == options.subcommand
            part = _find_secret(options, words, index) if sees_subcommand else None
            if part is not None:
                yield part


def replace_program_secrets(text: str, replacement: Callable[[str], str]) -> str:
    """Replace the secrets in a shell command line, or in text that quotes one, and return the text."""
    if not any(sign in text for sign in _SIGNS) or re.search(_PROGRAM, text) is None:
        return text
    shown, end = [], 0
    for start, secret_end in sorted(_find_secrets_in_text(text)):
        if start >= end:
            shown += [text[end:start], replacement(text[start:secret_end])]
            end = secret_end
    return "".join(shown) + text[end:]


def _find_secrets_in_text(text: str) -> Iterator[tuple[int, int]]:
    """Yield the start and end of each secret in a text; the same secret may be found more than once.

    A line is read once for all programs that are words of it, and again for those in its quotes, up to a limit.
    """
    read_words: set[int] = set()
    read_end, quoted_letters = 0, 0
    for found in re.finditer(_PROGRAM, text):
        if found.start() in read_words or _follows_option(text, found.start()):
            continue
        limit = len(text)
        if found.start() < read_end:
            is_short = quoted_letters > _QUOTED_LETTERS
            limit = found.end() + (_SHORT_QUOTED_LINE if is_short else _LONGEST_QUOTED_LINE)
        matches = [found, *_iterate_segment(text, found.end(), limit)]
        read_words.update(match.start() + match[0].rfind("/") + 1 for match in matches)
        if found.start() < read_end:
            quoted_letters += matches[-1].end() - found.start()
        read_end = max(read_end, matches[-1].end())
        for part in find_program_secrets([found["program"], *(match[0] for match in matches[1:])]):
            start = matches[part.place].start()
            yield start + part.start, start + part.end


def _follows_option(text: str, start: int) -> bool:
    """Return whether the word before a position in a text is an option that takes a value."""
    before = text[max(start - _LONGEST_OPTION, 0) : start]
    return before[-1:].isspace() and re.fullmatch(_OPTION_WITH_VALUE, (before.split() or [""])[-1]) is not None


def _iterate_segment(text: str, start: int, limit: int) -> Iterator[re.Match[str]]:
    """Yield the words of a shell command, which ends at the next command separator or at `limit`."""
    for match in re.compile(_WORD_OF_SHELL).finditer(text, start, limit):
        if match[0] in _SEPARATORS:
            return
        yield match


def _find_secret(options: _Options, words: Sequence[str], index: int) -> WordPart | None:
    """Return the secret in the word at an index, such as the value of an option, or None if there is none."""
    word, before = words[index], words[index - 1]
    separators = _get_separators(options)
    flag = f"-{before[-1]}" if re.fullmatch("-[A-Za-z]{2,}", before) else ""  # as `-u` in `curl -sSu`
    separator = separators.get(before, separators.get(flag) or None)
    if separator is not None and before not in options.joined and not word.startswith("-"):
        return _extract_secret(word, index, 0, separator)
    quotes = len(word) - len(word.lstrip("'\""))
    for option, mark in separators.items():
        beginning = option if len(option) == 2 else f"{option}="
        if word.startswith(beginning, quotes) and len(word) > quotes + len(beginning):
            return _extract_secret(word.rstrip("'\"") if quotes else word, index, quotes + len(beginning), mark)
    return _extract_secret(word, index, 0, "") if _is_secret_by_position(options, word, before) else None


@cache
def _get_separators(options: _Options) -> Mapping[str, str]:
    """Return the options whose values are secrets, each with the separator before the secret in its value."""
    return {
        **dict.fromkeys((*options.apart, *options.joined), ""),
        **dict.fromkeys(options.logins, options.separator),
        **dict.fromkeys(options.assignments, "="),
    }


def _is_secret_by_position(options: _Options, word: str, before: str) -> bool:
    """Return whether a word is a secret because of the word or the subcommand before it."""
    if word.startswith("-"):
        return False
    pattern = get_secret_pattern(before) if options.has_settings else _KEY if options.has_key else None
    return pattern is not None and re.fullmatch(pattern, word.strip("'\"")) is not None


def _extract_secret(word: str, index: int, start: int, separator: str) -> WordPart | None:
    """Return the part of a word after `start` or a separator, without quotes, or None if that part is no secret."""
    end = len(word)
    if word[start : start + 1] in ("'", '"') and word.endswith(word[start]) and end > start + 1:
        start, end = start + 1, end - 1
    if separator:
        found = word.find(separator, start, end)
        if found < 0:
            return None
        start = found + len(separator)
    secret = word[start:end]
    harmless = _REFERENCE if separator else rf"{_REFERENCE}|{_SHORT_NUMBER}"
    return None if not secret or re.fullmatch(harmless, secret) else WordPart(index, start, end)
