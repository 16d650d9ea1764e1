"""Parts of Azure ML that this program does not have: importable, and refused by name when they are used.

Three ways to have one: `Refused` is the metaclass of a class that can do nothing here, `refuse_package` makes a
whole package of such classes, and `Described` is for what a script builds long before anything happens to it.
"""

import sys
from ast import literal_eval
from functools import partial
from importlib import import_module
from importlib.machinery import ModuleSpec
from inspect import Parameter, Signature
from types import ModuleType
from typing import Any, Callable, Sequence, cast

from azureml.exceptions import UserErrorException

EXPLAIN_INSTEAD = "Explain with the package 'interpret' or 'shap', and keep what it writes with run.upload_folder"


def refusal(call: str, instead: str) -> UserErrorException:
    """The error for the use of `call`.

    Args:
        call: Name of what was used, as the script writes it.
        instead: What to do instead, as a sentence without its end.
    """
    return UserErrorException(f"{call} is a part of Azure ML that mlrun-cli does not have. {instead}.")


def refused_call(call: str, instead: str) -> Callable[..., Any]:
    """A function that refuses every call."""

    def refuse(*_: object, **__: object) -> Any:
        raise refusal(call, instead)

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
        """A class; `instead` may be left out when a base has it."""
        made = super().__new__(mcs, name, bases, namespace)
        if instead is not None:
            made._instead = instead
        if "__init__" not in namespace and not any(isinstance(base, Refused) for base in bases):
            type.__setattr__(made, "__init__", _refuse_instance)
        return made

    def __getattr__(cls, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(f"type object {cls.__name__!r} has no attribute {name!r}")
        return refused_call(f"{cls.__name__}.{name}", cls._instead)


def _refuse_instance(self: Any, *_: object, **__: object) -> None:
    kind = type(self)
    raise refusal(kind.__name__, kind._instead)


def refuse_package(package: str, instead: str) -> Callable[[str], Any]:
    """Make every name in a package, and every module below it that has no file, one that is refused on use.

    Returns:
        The package's `__getattr__`.
    """
    sys.meta_path.append(_Finder(package, instead))
    return names_of(package, instead)


def names_of(package: str, instead: str) -> Callable[[str], Any]:
    """The `__getattr__` of one more package below one that `refuse_package` was called for."""
    return partial(_name_of, package, instead)


def _name_of(package: str, instead: str, name: str) -> Any:
    """A class for a name that looks like one, and a module, which refuses to be called, for any other."""
    if name.startswith("_"):
        raise AttributeError(f"module {package!r} has no attribute {name!r}")
    if not name[0].isupper():
        return import_module(f"{package}.{name}")
    made = Refused(name, (), {"__module__": package}, instead=instead)
    setattr(sys.modules[package], name, made)
    return made


class _Finder:
    """Finds modules that do not exist, below one package; the last to be asked, so that files win."""

    def __init__(self, package: str, instead: str) -> None:
        self._package = package
        self._instead = instead

    def find_spec(self, name: str, path: "Sequence[str] | None" = None, target: object = None) -> "ModuleSpec | None":
        """A package for each name below this one's, None for all others."""
        if not name.startswith(f"{self._package}."):
            return None
        return ModuleSpec(name, cast("Any", self), is_package=True)  # a loader in all but its base class

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        """A module that has every public name."""
        return _RefusedModule(spec.name, self._instead)

    def exec_module(self, module: ModuleType) -> None:
        """Nothing: the module is complete."""


class _RefusedModule(ModuleType):
    def __init__(self, name: str, instead: str) -> None:
        super().__init__(name)
        self.__instead = instead

    def __getattr__(self, name: str) -> Any:
        return _name_of(self.__name__, self.__instead, name)

    def __call__(self, *_: object, **__: object) -> Any:
        raise refusal(self.__name__, self.__instead)


class Described:
    """What a script says of something that is to happen later: its arguments, kept as attributes.

    A subclass names Azure's parameters as `takes="name, datastore=None"`, with a `*` before those that have to be
    named and `**kwargs` last where Azure takes more; they are checked as Python checks those of a function.
    """

    __signature__ = Signature()

    def __init_subclass__(cls, takes: "str | None" = None, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if takes is not None:
            cls.__signature__ = _signature(takes)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        try:
            bound = self.__signature__.bind(*args, **kwargs)
        except TypeError as error:
            raise TypeError(f"{type(self).__name__}: {error}") from None
        bound.apply_defaults()
        vars(self).update(bound.arguments)
        vars(self).update(vars(self).pop("kwargs", {}))


def _signature(takes: str) -> Signature:
    positional, _, named = takes.partition("*, ")
    kinds = {positional: Parameter.POSITIONAL_OR_KEYWORD, named: Parameter.KEYWORD_ONLY}
    return Signature([_parameter(word, kind) for words, kind in kinds.items() for word in words.split(", ") if word])


def _parameter(word: str, kind: Any) -> Parameter:
    if word.startswith("**"):
        return Parameter(word[2:], Parameter.VAR_KEYWORD)
    name, _, default = word.partition("=")
    return Parameter(name, kind, default=literal_eval(default) if default else Parameter.empty)
