"""Lookup of modules and names that only Azure's packages define, which are aliased or refused with advice.

Imported when a script first uses such a module or name. The tables are in `_azure_names`.
"""

import sys
from importlib import import_module
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any, Dict, Optional

from azureml._azure_names import ABSENT, ALIASES, AREAS, INSIDE, KNOWN, SHARED
from azureml._unsupported import UnsupportedMeta, create_unsupported_error

_INSTEAD: "Dict[str, str]" = {name: instead for instead, names in KNOWN.items() for name in names.split()}
_DEFINERS: "Dict[str, str]" = {name: module for module, names in SHARED.items() for name in names.split()}


class UnknownModule(ModuleNotFoundError):
    """A module that exists neither in Azure's packages nor in this one; scripts can catch it as an ImportError."""


def find_substitute_spec(module_name: str) -> Optional[ModuleSpec]:
    """Return the spec of a substitute for an Azure module; for an unknown one, raise, or return None to `find_spec`.

    Raises:
        UnknownModule: The module is unknown. Callers of `importlib.util.find_spec`, which only checks whether a
            module exists, get None instead.
    """
    if module_name in ALIASES:
        return ModuleSpec(module_name, _Loader(_Alias), is_package=True)  # type: ignore[arg-type]
    if _find_advice(module_name) is not None:
        return ModuleSpec(module_name, _Loader(_RefusedModule), is_package=True)  # type: ignore[arg-type]
    if sys._getframe(3).f_globals.get("__name__") == "importlib.util":
        return None
    if module_name in ABSENT:
        owner, instead = ABSENT[module_name]
        raise UnknownModule(f"{module_name} is a part of {owner} that mlrun-cli does not have. {instead}.")
    above, _, last = module_name.rpartition(".")
    raise UnknownModule(
        f"{above} has no {last!r}: there is none in Azure ML's SDK v1, and none in mlrun-cli's azureml, which stands "
        "in for it. Correct the name; what another package has is imported from that one."
    )


def find_substitute(module: ModuleType, member_name: str) -> Any:
    """Return the substitute for a name missing in a module: a module, a member, or a class whose use raises an error.

    Raises:
        AttributeError: Azure's module does not have it either.
    """
    of_module = module.__name__
    below = f"{of_module}.{member_name}"
    if hasattr(module, "__path__") and (below in ALIASES or below in AREAS):
        return import_module(below)
    definer = _DEFINERS.get(member_name, of_module)
    if definer != of_module:
        return getattr(import_module(definer), member_name)
    instead = _INSTEAD.get(member_name) or _find_advice(of_module)
    if instead is None:
        raise AttributeError(f"module {of_module!r} has no attribute {member_name!r}")
    if (
        hasattr(module, "__path__")
        and not member_name.lstrip("_")[:1].isupper()
        and _find_advice(of_module) is not None
    ):
        return import_module(below)  # a module or a function: it can be imported from and called, and refuses both
    bases = (Exception,) if member_name.endswith(("Exception", "Error")) else ()  # for who would catch it
    return UnsupportedMeta(member_name, bases, {"__module__": of_module}, instead=instead)


def _find_advice(module_name: str) -> Optional[str]:
    """Return what to use instead of an unsupported module or package of Azure, or None for other modules."""
    parts = module_name.split(".")
    for count in range(len(parts), 1, -1):
        instead = AREAS.get(".".join(parts[:count]))
        if instead is not None:
            return instead
    return INSIDE if any(part.startswith("_") for part in parts) else None


class _RefusedModule(ModuleType):
    """A placeholder for an unsupported module; using any of its names raises an error with advice."""

    def __getattr__(self, name: str) -> Any:
        is_private = "._" in self.__name__
        if name.startswith("__") or (name.startswith("_") and not is_private):
            raise AttributeError(f"module {self.__name__!r} has no attribute {name!r}")
        value = find_substitute(self, name)
        setattr(self, name, value)
        return value

    def __call__(self, *_: object, **__: object) -> Any:
        raise create_unsupported_error(self.__name__, _find_advice(self.__name__) or INSIDE)


class _Alias(_RefusedModule):
    """A module under another name, which refuses names that only Azure's module has."""

    def __getattr__(self, name: str) -> Any:
        try:
            return getattr(import_module(ALIASES[self.__name__]), name)
        except AttributeError:
            return super().__getattr__(name)


class _Loader:
    """A loader of modules that have no file, which creates instances of a given module class."""

    def __init__(self, kind: "type[ModuleType]") -> None:
        self._kind = kind

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        """Return a new module of this loader's class for the spec, already initialized."""
        return self._kind(spec.name)

    def exec_module(self, module: ModuleType) -> None:
        """Do nothing, since `create_module` has initialized the module."""
