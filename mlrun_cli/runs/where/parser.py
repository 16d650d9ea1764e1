"""The parser of conditions: `rmse < 0.3 and (lr >= 0.01 or not tag.team = a) and status in (failed, canceled)`."""

from __future__ import annotations

from mlrun_cli.core.named_tuple import NamedTuple
from mlrun_cli.runs.where.condition import EXISTS, IN, AllOf, AnyOf, Condition, Literal, Negation, Predicate
from mlrun_cli.runs.where.tokens import (
    END,
    KEYWORDS,
    OPERATOR,
    OPERATORS,
    QUOTED,
    SIGN,
    WORD,
    Token,
    build_syntax_error,
    split_into_tokens,
)
from mlrun_cli.runs.where.value_name import FIELD, PLAIN, ValueName, parse_value_name
from mlrun_cli.runs.where.values import check_operator, parse_values

_MAX_NESTED = 30
_EXAMPLE = "Write it like: rmse < 0.3 and lr >= 0.01 and tag.team = a and status = failed and started > 2d"
_LIST = "Write it like: status in (failed, canceled)"
_FOREIGN = {"&&": "and", "&": "and", ";": "and", "||": "or", "|": "or", "like": "~", "ilike": "~", "contains": "~"}
"""Words of other languages, with what to write instead."""


def parse_condition(text: str, now: int) -> Condition:
    """Parse a condition as typed after `--where`.

    Args:
        text: the text as typed.
        now: the current time in microseconds, from which durations are counted back.

    Raises:
        InvalidFilter: it is not a condition; the message shows the place.
    """
    parser = _Parser(text, now)
    found = parser.parse_disjunction()
    token = parser.token
    if token.kind != END:
        raise parser.build_error(token, _explain_unexpected_token(token), hint=_find_token_hint(token))
    return found


def _explain_unexpected_token(token: Token) -> str:
    if token.kind == SIGN and token.text == ")":
        return "This parenthesis has no counterpart"
    return f"'and' or 'or' is missing before '{token.text}'"


def _find_token_hint(token: Token) -> str | None:
    """Return a hint for an unexpected token, or None for a punctuation mark."""
    if token.kind == SIGN:
        return None
    instead = _FOREIGN.get(token.text.lower())
    if instead is not None:
        return f"Write {instead} instead of {token.text}."
    return 'Put a name or a text of several words in quotation marks: tag.quality = "fantastic run"'


class _Parser:
    def __init__(self, text: str, now: int) -> None:
        self._text = text
        self._now = now
        self._tokens = split_into_tokens(text)
        self._place = 0
        self._depth = 0

    @property
    def token(self) -> Token:
        """The current token."""
        return self._tokens[self._place]

    def build_error(self, token: Token, reason: str, *, hint: str | None = None) -> Exception:
        """Return a syntax error that points to a token."""
        return build_syntax_error(self._text, token.start, reason, hint=hint)

    def parse_disjunction(self) -> Condition:
        """Parse conditions joined by `or`."""
        parts = [self._parse_conjunction()]
        while self._skip_keyword("or"):
            parts.append(self._parse_conjunction())
        return parts[0] if len(parts) == 1 else AnyOf(tuple(parts))

    def _parse_conjunction(self) -> Condition:
        parts = [self._parse_operand()]
        while self._skip_keyword("and"):
            parts.append(self._parse_operand())
        return parts[0] if len(parts) == 1 else AllOf(tuple(parts))

    def _parse_operand(self) -> Condition:
        token = self.token
        self._depth += 1
        if self._depth > _MAX_NESTED:
            raise self.build_error(token, f"Conditions are nested more than {_MAX_NESTED} deep")
        try:
            if self._skip_keyword("not"):
                return Negation(self._parse_operand())
            if token.kind == SIGN and token.text == "(":
                self._place += 1
                inner = self.parse_disjunction()
                self._expect_closing_parenthesis(token)
                return inner
            return self._parse_predicate()
        finally:
            self._depth -= 1

    def _expect_closing_parenthesis(self, opening: Token) -> None:
        token = self.token
        if token.kind != SIGN or token.text != ")":
            if token.kind == END:
                raise self.build_error(opening, "This parenthesis has no counterpart")
            raise self.build_error(token, _explain_unexpected_token(token), hint=_find_token_hint(token))
        self._place += 1

    def _parse_predicate(self) -> Condition:
        first = self.token
        if first.kind == END:
            raise self.build_error(first, "A condition is missing", hint=_EXAMPLE)
        name, self._place = parse_value_name(self._text, self._tokens, self._place)
        token = self.token
        if token.kind == OPERATOR:
            self._place += 1
            return self._build_comparison(name, token, token.text, [self._parse_literal(token)])
        is_negated = self._skip_keyword("not")
        if self._skip_keyword(IN):
            found: Condition = self._build_comparison(name, token, IN, self._parse_list())
            return Negation(found) if is_negated else found
        if is_negated:
            raise self.build_error(self.token, "'in' is missing after 'not'", hint=_EXAMPLE)
        if name.kind in {FIELD, PLAIN}:
            instead = _FOREIGN.get(token.text.lower()) if token.kind == WORD else None
            hint = f"Write {instead}." if instead else f"Use one of {' '.join(OPERATORS)} or in (…)."
            raise self.build_error(token, f"An operator is missing after '{name}'", hint=hint)
        return Predicate(name, EXISTS)

    def _build_comparison(
        self, name: ValueName, token: Token, operator: str, literals: list[_PlacedLiteral]
    ) -> Predicate:
        """Return the comparison of a name with literals, converted to the type of the name's values."""
        check_operator(self._text, name, operator, token)
        values = tuple(
            value
            for literal, place in literals
            for value in parse_values(self._text, name, operator, literal, place, self._now)
        )
        return Predicate(name, operator, tuple(literal for literal, _ in literals), values)

    def _parse_literal(self, preceding_token: Token) -> _PlacedLiteral:
        token = self.token
        if token.kind == QUOTED or (token.kind == WORD and token.text.lower() not in KEYWORDS):
            self._place += 1
            return _PlacedLiteral(Literal(token.text, token.kind == QUOTED), token)
        raise self.build_error(token, f"A value is missing after '{preceding_token.text}'", hint=_EXAMPLE)

    def _parse_list(self) -> list[_PlacedLiteral]:
        opening = self.token
        if opening.kind != SIGN or opening.text != "(":
            raise self.build_error(
                opening, "A list is missing after 'in'", hint="Write it like: status in (failed, canceled)"
            )
        found: list[_PlacedLiteral] = []
        while not found or (self.token.kind == SIGN and self.token.text == ","):
            before = self.token
            self._place += 1
            found.append(self._parse_literal(before))
        self._expect_closing_parenthesis(opening)
        return found

    def _skip_keyword(self, word: str) -> bool:
        """Skip a keyword if it is the current token; return whether it was."""
        token = self.token
        if token.kind != WORD or token.text.lower() != word:
            return False
        self._place += 1
        return True


class _PlacedLiteral(NamedTuple):
    literal: Literal
    token: Token
