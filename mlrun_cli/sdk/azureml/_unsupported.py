"""Unsupported parts of Azure ML, which can be imported but raise an error with advice when used.

`UnsupportedMeta` is the metaclass of unsupported classes; `_azure_lookup` creates them for the names in the tables of
`_azure_names`. `StoredArguments` is the base of configurations that scripts build long before they use them.
"""

from ast import literal_eval
from inspect import Parameter, Signature
from typing import Any, Callable

from azureml.exceptions import UserErrorException


def create_unsupported_error(call: str, alternative: str) -> UserErrorException:
    """Return the error for an unsupported call, for the caller to raise.

    Args:
        call: The name of the unsupported function or class, as the script writes it.
        alternative: Advice on the alternative, as a sentence without its full stop.
    """
    return UserErrorException(f"{call} is a part of Azure ML that mlrun-cli does not have. {alternative}.")


def create_unsupported_call(call: str, alternative: str) -> Callable[..., Any]:
    """Return a function that accepts any arguments and raises the error for an unsupported call."""

    def refuse(*_: object, **__: object) -> Any:
        raise create_unsupported_error(call, alternative)

    refuse.__name__ = refuse.__qualname__ = call.rpartition(".")[2]
    return refuse


class UnsupportedMeta(type):
    """Metaclass of unsupported classes: instantiating one, or calling any public attribute, raises an error.

    Subclassing and `isinstance` work, since scripts use them at import time.
    """

    _instead: str

    def __new__(
        mcs, name: str, bases: "tuple[type, ...]", namespace: "dict[str, Any]", *, instead: "str | None" = None
    ) -> "UnsupportedMeta":
        """Create a class whose errors contain the advice `instead`, by default the advice of its base class."""
        made = super().__new__(mcs, name, bases, namespace)
        if instead is not None:
            made._instead = instead
        if "__init__" not in namespace and not any(isinstance(base, UnsupportedMeta) for base in bases):
            type.__setattr__(made, "__init__", _refuse_instance)
        return made

    def __getattr__(cls, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(f"type object {cls.__name__!r} has no attribute {name!r}")
        return create_unsupported_call(f"{cls.__name__}.{name}", cls._instead)

    # Some of these names are lists or dicts in Azure, not classes.

    def __iter__(cls) -> Any:
        raise create_unsupported_error(cls.__name__, cls._instead)

    def __contains__(cls, item: object) -> bool:
        raise create_unsupported_error(cls.__name__, cls._instead)

    def __getitem__(cls, key: object) -> Any:
        raise create_unsupported_error(cls.__name__, cls._instead)


def _refuse_instance(self: Any, *_: object, **__: object) -> None:
    """Raise the error for an unsupported class; used as the `__init__` method of such classes."""
    kind = type(self)
    raise create_unsupported_error(kind.__name__, kind._instead)


class StoredArguments:
    """Base class of configurations that store their arguments as attributes.

    A subclass declares Azure's parameters as `takes="name, datastore=None"`, with a `*` before keyword-only ones and
    `**kwargs` last if Azure accepts more; arguments are checked as in a normal function call.
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


def _build_signature(parameters: str) -> Signature:
    """Return the signature for a parameter list such as `name, version=None, *, tags=None`."""
    positional, _, named = parameters.partition("*, ")
    kinds = {positional: Parameter.POSITIONAL_OR_KEYWORD, named: Parameter.KEYWORD_ONLY}
    return Signature(
        [_build_parameter(word, kind) for words, kind in kinds.items() for word in words.split(", ") if word]
    )


def _build_parameter(parameter_text: str, kind: Any) -> Parameter:
    """Return the parameter for text such as `version=None` or `**kwargs`."""
    if parameter_text.startswith("**"):
        return Parameter(parameter_text[2:], Parameter.VAR_KEYWORD)
    name, _, default = parameter_text.partition("=")
    return Parameter(name, kind, default=literal_eval(default) if default else Parameter.empty)
