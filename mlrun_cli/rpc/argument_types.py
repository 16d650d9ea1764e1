"""Argument types of handlers, compiled from annotations to checks and descriptions of JSON values."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from types import NoneType, UnionType
from typing import Any, Union, get_args, get_origin

from mlrun_cli.core.named_tuple import NamedTuple


class ArgumentType(NamedTuple):
    """The type of an argument, compiled from its annotation.

    Attributes:
        accepts: a function that returns whether a value is of this type.
        noun: a description of one value, such as `a string`.
        plural: a description of several values, such as `strings`.
    """

    accepts: Callable[[object], bool]
    noun: str
    plural: str


_ANYTHING = ArgumentType(lambda _: True, "a value", "values")
_SCALARS: Mapping[object, ArgumentType] = {
    Any: _ANYTHING,
    object: _ANYTHING,
    NoneType: ArgumentType(lambda value: value is None, "None", "None"),
    str: ArgumentType(lambda value: isinstance(value, str), "a string", "strings"),
    bool: ArgumentType(
        lambda value: isinstance(value, (bool, int)), "a boolean", "booleans"
    ),  # Python's truth is 0 or 1
    int: ArgumentType(lambda value: isinstance(value, int) and not isinstance(value, bool), "an integer", "integers"),
    float: ArgumentType(
        lambda value: isinstance(value, (int, float)) and not isinstance(value, bool), "a number", "numbers"
    ),
}


def compile_type(annotation: object) -> ArgumentType:
    """Return the validator for values of an annotated type: a scalar, `Any`, a union, a sequence, or a `str` mapping.

    Raises:
        TypeError: the annotation is not the type of a JSON value.
    """
    scalar = _SCALARS.get(annotation)
    if scalar is not None:
        return scalar
    origin, parameters = get_origin(annotation), get_args(annotation)
    if origin in {Union, UnionType}:
        return _compile_union([compile_type(parameter) for parameter in parameters])
    if origin in {Sequence, list} and len(parameters) == 1:
        return _compile_sequence(compile_type(parameters[0]))
    if origin in {Mapping, dict} and parameters[0] is str:
        return _compile_mapping(compile_type(parameters[1]))
    raise TypeError(f"{annotation} is not the type of a JSON value")


def _compile_union(member_types: Sequence[ArgumentType]) -> ArgumentType:
    checks = tuple(member.accepts for member in member_types)
    return ArgumentType(
        lambda value: any(accepts(value) for accepts in checks),
        " or ".join(member.noun for member in member_types),
        " or ".join(member.plural for member in member_types),
    )


def _compile_sequence(item_type: ArgumentType) -> ArgumentType:
    def accepts(value: object) -> bool:
        return isinstance(value, (list, tuple)) and all(map(item_type.accepts, value))

    return ArgumentType(accepts, f"a list of {item_type.plural}", f"lists of {item_type.plural}")


def _compile_mapping(value_type: ArgumentType) -> ArgumentType:
    def accepts(value: object) -> bool:
        return (
            isinstance(value, Mapping)
            and all(isinstance(key, str) for key in value)
            and all(map(value_type.accepts, value.values()))
        )

    return ArgumentType(accepts, f"a dict of {value_type.plural}", f"dicts of {value_type.plural}")
