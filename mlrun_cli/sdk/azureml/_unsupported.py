"""Parts of Azure ML that this program does not have: importable, and refused by name when they are used.

`Refused` is the metaclass of a class that can do nothing here; `_azure_lookup` makes one of every name in the tables of
`_azure_names`. `Described` is for what a script builds long before anything happens to it.
"""

from ast import literal_eval
from inspect import Parameter, Signature
from typing import Any, Callable

from azureml.exceptions import UserErrorException


def create_refusal(call: str, instead: str) -> UserErrorException:
    """Return the error for an unsupported `call`.

    Args:
        call: Name of what was used, as the script writes it.
        instead: What to do instead, as a sentence without its end.
    """
    return UserErrorException(f"{call} is a part of Azure ML that mlrun-cli does not have. {instead}.")


def make_refusing_call(call: str, instead: str) -> Callable[..., Any]:
    """Return a function that raises for every call."""

    def refuse(*_: object, **__: object) -> Any:
        raise create_refusal(call, instead)

    refuse.__name__ = refuse.__qualname__ = call.rpartition(".")[2]
    return refuse


class Refused(type):
    """Metaclass of classes that cannot be made, and whose every public attribute is a function that refuses.

    They can be derived from and asked about with `isinstance`: scripts do so at their top.
    """

    _instead: str

    def __new__(
        mcs, name: str, bases: "tuple[type, ...]", namespace: "dict[str, Any]", *, instead: "str | None" = None
    ) -> "Refused":
        """Return a class; `instead` may be left out when a base has it."""
        made = super().__new__(mcs, name, bases, namespace)
        if instead is not None:
            made._instead = instead
        if "__init__" not in namespace and not any(isinstance(base, Refused) for base in bases):
            type.__setattr__(made, "__init__", _refuse_instance)
        return made

    def __getattr__(cls, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(f"type object {cls.__name__!r} has no attribute {name!r}")
        return make_refusing_call(f"{cls.__name__}.{name}", cls._instead)

    # Some are no classes in Azure, but lists and dicts.

    def __iter__(cls) -> Any:
        raise create_refusal(cls.__name__, cls._instead)

    def __contains__(cls, item: object) -> bool:
        raise create_refusal(cls.__name__, cls._instead)

    def __getitem__(cls, key: object) -> Any:
        raise create_refusal(cls.__name__, cls._instead)


def _refuse_instance(self: Any, *_: object, **__: object) -> None:
    kind = type(self)
    raise create_refusal(kind.__name__, kind._instead)


class Described:
    """A description of something that is to happen later: arguments, kept as attributes.

    A subclass names Azure's parameters as `takes="name, datastore=None"`, with a `*` before those that have to be
    named and `**kwargs` last where Azure takes more; they are checked as Python checks those of a function.
    """

    __signature__ = Signature()

    def __init_subclass__(cls, takes: "str | None" = None, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if takes is not None:
            cls.__signature__ = _build_signature(takes)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        try:
            bound = self.__signature__.bind(*args, **kwargs)
        except TypeError as error:
            raise TypeError(f"{type(self).__name__}: {error}") from None
        bound.apply_defaults()
        vars(self).update(bound.arguments)
        vars(self).update(vars(self).pop("kwargs", {}))


def _build_signature(takes: str) -> Signature:
    positional, _, named = takes.partition("*, ")
    kinds = {positional: Parameter.POSITIONAL_OR_KEYWORD, named: Parameter.KEYWORD_ONLY}
    return Signature(
        [_build_parameter(word, kind) for words, kind in kinds.items() for word in words.split(", ") if word]
    )


def _build_parameter(word: str, kind: Any) -> Parameter:
    if word.startswith("**"):
        return Parameter(word[2:], Parameter.VAR_KEYWORD)
    name, _, default = word.partition("=")
    return Parameter(name, kind, default=literal_eval(default) if default else Parameter.empty)
