"""The names of values of runs in conditions, sort orders and column choices."""

from __future__ import annotations

from collections.abc import Sequence

from mlrun_cli.core.comparison import quote
from mlrun_cli.core.named_tuple import NamedTuple
from mlrun_cli.metrics.metric import LAST, SUMMARIES
from mlrun_cli.runs.order import METRIC, PARAMETER, PROPERTY, TAG, RunOrder
from mlrun_cli.runs.where.tokens import (
    END,
    KEYWORDS,
    QUOTED,
    SIGN,
    WORD,
    Token,
    build_syntax_error,
    is_single_word,
    split_into_tokens,
)

FIELD, PLAIN = "field", "plain"

FIELDS = {
    "status": "status",
    "run_id": "text",
    "display_name": "text",
    "description": "text",
    "experiment": "text",
    "target": "text",
    "submitter": "text",
    "type": "text",
    "run_number": "number",
    "exit_code": "number",
    "created": "time",
    "started": "time",
    "ended": "time",
    "duration": "duration",
}
"""The kind of value of each field of a run."""
_SYNONYMS = {"name": "display_name", "id": "run_id", "user": "submitter", "number": "run_number"}
_PREFIXES = {
    **dict.fromkeys(("metric", "metrics"), METRIC),
    **dict.fromkeys(("param", "params", "parameter", "parameters"), PARAMETER),
    **dict.fromkeys(("tag", "tags"), TAG),
    **dict.fromkeys(("property", "properties"), PROPERTY),
}
_SHORT = {METRIC: "metric", PARAMETER: "param", TAG: "tag", PROPERTY: "property"}


class ValueName(NamedTuple):
    """The name of a value of runs.

    Attributes:
        kind: `FIELD`, `METRIC`, `PARAMETER`, `TAG`, `PROPERTY`, or `PLAIN` for a parameter or a metric.
        name: one of `FIELDS`, or the name or key.
        which: the statistic of a metric: `last`, `min` or `max`.
    """

    kind: str
    name: str
    which: str = LAST

    @classmethod
    def from_order(cls, order: RunOrder) -> ValueName:
        """Create the name of the value that runs are sorted by."""
        kind, colon, name = order.column.partition(":")
        if not colon:
            return cls(FIELD, order.column)
        if kind == METRIC:
            name, _, which = name.rpartition(":")
            return cls(kind, name, which)
        return cls(kind, name)

    @property
    def title(self) -> str:
        """The title of the value's column in lists of runs: `lr`, `rmse` or `max(accuracy)`."""
        return self.name if self.which == LAST else f"{self.which}({self.name})"

    def __str__(self) -> str:
        """Return the source text of the name."""
        if self.kind == FIELD:
            return self.name
        name = self.name if is_single_word(self.name) else quote(self.name)
        if self.kind != PLAIN and self.which == LAST:
            return f"{_SHORT[self.kind]}.{name}"
        if is_single_word(name) and _needs_quotes(name):
            name = quote(name)
        return name if self.which == LAST else f"{self.which}({name})"


def _needs_quotes(word: str) -> bool:
    """Return whether a name must be quoted because it would otherwise be read as a keyword, field or prefix."""
    prefix, dot, _ = word.partition(".")
    return word.lower() in KEYWORDS or word in FIELDS or word in _SYNONYMS or (bool(dot) and prefix in _PREFIXES)


def parse_value_name(text: str, tokens: Sequence[Token], index: int, kind: str | None = None) -> tuple[ValueName, int]:
    """Parse the name that starts at a token; return it and the index of the token after it.

    `kind` is the kind of names without a prefix; without it, they are fields or, if there is no such field, `PLAIN`.

    Raises:
        InvalidFilter: there is no name.
    """
    token = tokens[index]
    if token.kind == QUOTED:
        return ValueName(kind or PLAIN, _get_nonblank_text(text, token)), index + 1
    if token.kind != WORD or token.text.lower() in KEYWORDS:
        raise build_syntax_error(text, token.start, "A name is missing", hint=_HINT)
    following = tokens[index + 1]
    if following.kind == SIGN and following.text == "(":
        return _parse_statistic(text, tokens, index)
    prefix, dot, rest = token.text.partition(".")
    prefixed = _PREFIXES.get(prefix) if dot else None
    if prefixed is None:
        return _build_unprefixed_name(token.text, kind), index + 1
    if rest:
        return ValueName(prefixed, rest), index + 1
    if following.kind == QUOTED and following.start == token.end:
        return ValueName(prefixed, _get_nonblank_text(text, following)), index + 2
    raise build_syntax_error(text, token.end, f"A name is missing after '{token.text}'", hint=_HINT)


def _build_unprefixed_name(word: str, kind: str | None) -> ValueName:
    if kind is not None:
        return ValueName(kind, word)
    field = _SYNONYMS.get(word, word)
    return ValueName(FIELD, field) if field in FIELDS else ValueName(PLAIN, word)


_HINT = 'Write it like: lr, metric.rmse, max(accuracy), param."batch size", tag.team or status.'


def _parse_statistic(text: str, tokens: Sequence[Token], index: int) -> tuple[ValueName, int]:
    word = tokens[index]
    if word.text.lower() not in SUMMARIES:
        raise build_syntax_error(
            text, word.start, f"'{word.text}' is not a function", hint=f"Use {', '.join(f'{s}()' for s in SUMMARIES)}."
        )
    name, after = parse_value_name(text, tokens, index + 2, METRIC)
    if name.kind != METRIC or name.which != LAST:
        raise build_syntax_error(text, tokens[index + 2].start, f"{word.text}() takes the name of a metric")
    closing = tokens[after]
    if closing.kind != SIGN or closing.text != ")":
        raise build_syntax_error(text, closing.start, "A closing parenthesis is missing")
    return ValueName(METRIC, name.name, word.text.lower()), after + 1


def _get_nonblank_text(text: str, token: Token) -> str:
    """Return the text of a token that is a name; raise if it is blank."""
    if not token.text.strip():
        raise build_syntax_error(text, token.start, "The name is empty", hint=_HINT)
    return token.text


def parse_value_names(text: str, kind: str | None = None) -> Sequence[ValueName]:
    """Parse a comma-separated list of value names; return the distinct ones.

    With `kind`, names without a prefix are of this kind, and no others are allowed.

    Raises:
        InvalidFilter: it is not a list of names.
    """
    tokens = split_into_tokens(text)
    names: list[ValueName] = []
    place = 0
    while True:
        first = tokens[place]
        name, place = parse_value_name(text, tokens, place, kind)
        if kind is not None and name.kind != kind:
            raise build_syntax_error(text, first.start, f"'{name}' is not a {kind}")
        names.append(name)
        token = tokens[place]
        if token.kind == END:
            return list(dict.fromkeys(names))
        if token.kind != SIGN or token.text != ",":
            raise build_syntax_error(text, token.start, "A comma is missing", hint=_HINT)
        place += 1
