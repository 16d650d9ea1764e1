"""Conditions on runs: comparisons of their values, combined by `and`, `or` and `not`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TypeAlias

from mlrun_cli.core.comparison import quote
from mlrun_cli.core.named_tuple import NamedTuple
from mlrun_cli.runs.where.tokens import KEYWORDS, is_single_word
from mlrun_cli.runs.where.value_name import ValueName

EXISTS, IN = "exists", "in"

Value: TypeAlias = float | int | str


class Literal(NamedTuple):
    """A value in a condition as the user typed it, with or without quotation marks."""

    text: str
    is_quoted: bool = False

    def __str__(self) -> str:
        """Return the source text of the literal."""
        needs_marks = self.is_quoted or not is_single_word(self.text) or self.text.lower() in KEYWORDS
        return quote(self.text) if needs_marks else self.text


class Predicate(NamedTuple):
    """A comparison with a value of a run; false for runs without the value.

    Attributes:
        name: the name of the value.
        operator: one of `tokens.OPERATORS`, `in`, or `exists`, which compares nothing.
        literals: what it is compared with, as typed: one, or several for `in`.
        values: the values of the literals. A status is the name of one or, for a word that stands for several, of each
            of them; a time is two, the start and the end of a day or twice the same; a duration is a number of seconds.
    """

    name: ValueName
    operator: str
    literals: tuple[Literal, ...] = ()
    values: tuple[Value, ...] = ()

    def __str__(self) -> str:
        """Return the source text of the comparison."""
        if self.operator == EXISTS:
            return str(self.name)
        listed = ", ".join(map(str, self.literals))
        return f"{self.name} {self.operator} {f'({listed})' if self.operator == IN else listed}"


class AllOf(NamedTuple):
    """A conjunction of at least two conditions."""

    conditions: tuple[Condition, ...]

    def __str__(self) -> str:
        """Return the source text of the condition."""
        return " and ".join(f"({each})" if isinstance(each, (AllOf, AnyOf)) else str(each) for each in self.conditions)


class AnyOf(NamedTuple):
    """A disjunction of at least two conditions."""

    conditions: tuple[Condition, ...]

    def __str__(self) -> str:
        """Return the source text of the condition."""
        return " or ".join(f"({each})" if isinstance(each, AnyOf) else str(each) for each in self.conditions)


class Negation(NamedTuple):
    """The negation of a condition."""

    condition: Condition

    def __str__(self) -> str:
        """Return the source text of the condition."""
        inner = self.condition
        return f"not ({inner})" if isinstance(inner, (AllOf, AnyOf)) else f"not {inner}"


Condition: TypeAlias = Predicate | AllOf | AnyOf | Negation


def iterate_predicates(condition: Condition) -> Iterator[Predicate]:
    """Yield the comparisons in a condition in their original order."""
    if isinstance(condition, Predicate):
        yield condition
    elif isinstance(condition, Negation):
        yield from iterate_predicates(condition.condition)
    else:
        for each in condition.conditions:
            yield from iterate_predicates(each)


def join_conditions(conditions: Sequence[Condition]) -> Condition | None:
    """Return the conjunction of the conditions, a single condition itself, or None if there are none."""
    parts = [part for each in conditions for part in (each.conditions if isinstance(each, AllOf) else (each,))]
    return AllOf(tuple(parts)) if len(parts) > 1 else next(iter(parts), None)
