"""Names of variables, options and settings that denote secrets, and patterns of their values."""

from __future__ import annotations

import re
from functools import lru_cache

# Patterns are strings, which `re` compiles on first use: most commands never need them.
# Names are compared as uppercase words joined by `_`: `accountKey` and `ACCOUNT-KEY` are the same.
_WORD = r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])"
_NO_LETTERS = r"[^A-Z]+"
_CERTAIN = r"""(?x)
      PASS_?(?: WORD | WD | PHRASE ) | SECRET | CREDENTIAL | AUTHORIZATION | ACCESS_?SIGNATURE
    | (?: ACCESS | ACCOUNT | API | AUTH | ENCRYPTION | MASTER | PRIVATE | SAS | SHARED | SIGNING | STORAGE
        | SUBSCRIPTION )_?KEY
    | CONN(?:ECTION)?_?STR(?:ING)?(?![A-Z])
    | (?: AUTH | COOKIE )_?HEADER | WEB_?HOOK(?:_?UR[IL])?S?(?![A-Z_])
    """
_DOUBTFUL = r"""(?xm)
      TOKEN(?!I[SZ]) | (?:^|_)(?:AUTH|CREDS|JWT|PASS|SAS)$ | _(?:PAT|PW|PWD)$
    | (?:^|_)(?: ADMIN | DB | FTP | MAIL | MYSQL | PROXY | ROOT | SMTP | SSH | USER )PASS$ | (?:^|_)PGPASS(?!FILE)
    | (?:^|_)COOKIES?(?:_(?: STRING | TEXT | VALUE ))?$
    """
_KEY = r"(?m)(?:^|_)KEY$"
# `STRIPE_KEY=hunter2` is a secret; `SORT_KEY=created_at` is none, nor is `--audio_key wav`, as scripts name options.
_VARIABLE = r"[A-Z][A-Z\d]*(?:_[A-Z\d]+)*"
_KEY_OF_DATA = r"""(?x)
    (?:^|_)(?: AGGREGATION | BATCH | CACHE | CLASS | COLUMN | CONFIG | DATA | DATASET | DICT | FEATURE | FILTER
      | FOREIGN | GROUP | HASH | IMAGE | INDEX | INPUT | JOIN | LABEL | LOSS | MASK | METRIC | MODEL | OBJECT | ORDER
      | OUTPUT | PARTITION | PRIMARY | PUBLIC | RANGE | ROUTING | ROW | SAMPLE | SEQUENCE | SORT | SPLIT | STATE | TABLE
      | TARGET | TASK | TEXT | UNIQUE )_KEY$
    """
# `--max-tokens 131072` and `--eos-token-id 128001` are counts and numbers; `--token 131072` may be a secret.
_NUMBERED = r"""(?xm)
      TOKENS(?:_|$) | TOKEN_(?: BUDGET | COUNT | DIM | IDS? | INDEX | LEN | LENGTH | LIMIT | SIZE )$
    """
# Options of tokenizers and of the scripts of Transformers, Diffusers, Keras and sequence models: they name words of a
# vocabulary, as in `--eos-token '<|endoftext|>'`.
_VOCABULARY = r"""(?xm)
    (?:^|_)(?: AUDIO | BOS | CLS | DECODER_START | EOS | IMAGE | INITIALIZER | MASK | MODIFIER | OOV | PAD | PADDING
      | PLACEHOLDER | SEP | SOS | SPECIAL | STOP | UNK | UNKNOWN | VIDEO )_?TOKENS?$
    """
_SWITCH = "true | false | yes | no | on | off | none | null"
# `--use-token 1` and `--single-pass true` hold none.
_NO_COUNT_OR_SWITCH = rf"(?xsi) (?! (?: [+-]?\d{{0,5}}(?:\.\d*)?(?:e[+-]?\d+)? | {_SWITCH} )\Z ) .*"
_NO_NUMBER_OR_SWITCH = rf"(?xsi) (?! (?: [+-]?[\d_]{{0,15}}(?:\.\d*)?(?:e[+-]?\d+|[kmbt])? | {_SWITCH} )\Z ) .*"
# Letters and digits mixed in one long word, or a GUID: `sort_key=created_at` holds none.
_RANDOM = r"""(?xi)
      (?![/.~]) (?=[!-~]*?(?<![a-z\d]) (?=[a-z]*\d) (?=\d*[a-z]) [a-z\d]{12}) \S+
    | [\da-f]{8} (?:-[\da-f]{4}){3} -[\da-f]{12}
    """

ANYTHING = r"(?s).*"


@lru_cache(maxsize=1000)
def get_secret_pattern(name: str, *, is_in_prose: bool = False) -> str | None:
    """Return the pattern of a secret value under this name, or None if no value under it is a secret.

    A free name, such as a tag's, may be about the tokens of a text, so a doubtful one denotes a secret only if the
    value looks like one.
    """
    # Once with words that begin with a capital, and once without, for `PASSword`.
    spellings = "_".join(re.findall(_WORD, name)).upper() + "\n" + re.sub(_NO_LETTERS, "_", name.upper()).strip("_")
    if re.search(_CERTAIN, spellings):
        return ANYTHING
    if re.search(_DOUBTFUL, spellings):
        if is_in_prose or re.search(_VOCABULARY, spellings):
            return _RANDOM
        return _NO_NUMBER_OR_SWITCH if re.search(_NUMBERED, spellings) else _NO_COUNT_OR_SWITCH
    if not re.search(_KEY, spellings):
        return None
    names_no_data = re.fullmatch(_VARIABLE, name) is not None and not re.search(_KEY_OF_DATA, name)
    return _NO_COUNT_OR_SWITCH if names_no_data and not is_in_prose else _RANDOM
