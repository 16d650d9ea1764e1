"""Which names of variables, options and settings stand for a secret, and what its value looks like."""

from __future__ import annotations

import re

# Names are looked at as words in capitals with `_` between them: `accountKey` and `ACCOUNT-KEY` are one.
_WORD = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])")
_NO_LETTERS = re.compile(r"[^A-Z]+")
_SECRET = re.compile(
    r"""
      PASS_?(?: WORD | WD | PHRASE ) | SECRET | CREDENTIAL | AUTHORIZATION | ACCESS_?SIGNATURE
    | (?: ACCESS | ACCOUNT | API | AUTH | ENCRYPTION | MASTER | PRIVATE | SAS | SHARED | SIGNING | STORAGE
        | SUBSCRIPTION )_?KEY
    | CONN(?:ECTION)?_?STR(?:ING)?(?![A-Z])
    """,
    re.VERBOSE,
)
_DOUBTFUL = re.compile(r"TOKEN(?!I[SZ]) | (?:^|_)(?:AUTH|PASS|SAS)$ | _(?:PAT|PWD)$", re.VERBOSE | re.MULTILINE)
_KEY = re.compile(r"(?:^|_)KEY$", re.MULTILINE)

ANYTHING = re.compile(r".*", re.DOTALL)
# `--max-tokens 512` and `--single-pass true` hold none.
_NO_COUNT_OR_SWITCH = re.compile(
    r"(?! (?: [+-]?\d{0,5}(?:\.\d*)?(?:e[+-]?\d+)? | true | false | yes | no | on | off | none | null )\Z ) .*",
    re.VERBOSE | re.DOTALL | re.IGNORECASE,
)
# Letters and digits mixed in one long word, or a GUID: `sort_key=created_at` holds none.
_RANDOM = re.compile(
    r"""
      (?![/.~]) (?=[!-~]*?(?<![a-z\d]) (?=[a-z]*\d) (?=\d*[a-z]) [a-z\d]{12}) \S+
    | [\da-f]{8} (?:-[\da-f]{4}){3} -[\da-f]{12}
    """,
    re.VERBOSE | re.IGNORECASE,
)


def secret_values(name: str) -> re.Pattern[str] | None:
    """What matches, as a whole, each value of this name that is a secret; None when no value of it is."""
    # Once with words that begin with a capital, and once without, for `PASSword`.
    spellings = "_".join(_WORD.findall(name)).upper() + "\n" + _NO_LETTERS.sub("_", name.upper()).strip("_")
    if _SECRET.search(spellings):
        return ANYTHING
    if _DOUBTFUL.search(spellings):
        return _NO_COUNT_OR_SWITCH
    return _RANDOM if _KEY.search(spellings) else None
