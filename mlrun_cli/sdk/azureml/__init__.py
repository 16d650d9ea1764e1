"""A replacement for `azureml.core` that lets scripts written for Azure ML v1 run without Azure.

Standard library only, CPython 3.6 and later. Nothing here imports the rest of the program: `_client` connects to
the run. This module defines how the package's modules are imported: public ones are instances of `Module`, and names
that exist only in Azure's package are looked up in `_azure_lookup`, which is imported on first use.
"""

import sys
from importlib import import_module
from importlib.machinery import PathFinder, SourceFileLoader
from types import ModuleType
from typing import Any

_PARTS = {
    "concurrent": ("futures",),
    "email": ("encoders", "header", "message", "parser", "policy", "utils"),
    "http": ("client", "cookiejar", "cookies"),
    "importlib": ("abc", "machinery", "metadata", "resources", "util"),
    "logging": ("handlers",),
    "urllib": ("error", "parse", "request", "response"),
    "xml": ("etree", "parsers"),
    "xml.etree": ("ElementTree",),
    "xml.parsers": ("expat",),
}
"""Standard library submodules that importing Azure's package loads as a side effect; scripts rely on it."""


class _Package(ModuleType):
    """A standard library package whose submodules are imported at the first access."""

    def __getattr__(self, name: str) -> Any:
        if name in _PARTS.get(self.__name__, ()):
            return import_module(f"{self.__name__}.{name}")
        raise AttributeError(f"module {self.__name__!r} has no attribute {name!r}")

    def __reduce__(self) -> Any:
        return import_module, (self.__name__,)


class Module(_Package):
    """A public module of this package.

    A module's `_MODULES` maps names to the submodules that define them; these names are imported on first access.
    Names that Azure's module re-exports, and unsupported names, are resolved by `_azure_lookup`.
    """

    def __getattr__(self, name: str) -> Any:
        if name == "__version__" and "__path__" in vars(self):  # each of Azure's packages has one
            return import_module("azureml.core").VERSION
        if name.startswith("_"):
            raise AttributeError(f"module {self.__name__!r} has no attribute {name!r}")
        place = vars(self).get("_MODULES", {}).get(name)
        below = f"{self.__name__}.{name}"
        if place is not None:
            value = getattr(import_module(f"{self.__name__}.{place}"), name)
        elif "__path__" in vars(self) and PathFinder.find_spec(below, self.__path__) is not None:
            value = import_module(below)
        else:
            from azureml._azure_lookup import find_substitute

            value = find_substitute(self, name)
        vars(self)[name] = value
        return value

    def __dir__(self) -> "list[str]":
        return sorted({*vars(self), *vars(self).get("__all__", ())})


class _Loader(SourceFileLoader):
    """A loader that creates modules as `Module`, or as `_Package` for the standard library packages."""

    def create_module(self, spec: Any) -> ModuleType:
        return (_Package if spec.name in _PARTS else Module)(spec.name)


class _Finder:
    """An import finder for this package and the packages in `_PARTS`, placed before all other finders."""

    @staticmethod
    def find_spec(name: str, path: Any = None, target: Any = None) -> Any:
        """Return the spec of a module, or None if the module belongs to another package.

        Raises:
            UnknownModule: The module is being imported, and neither Azure nor this package has it.
        """
        is_ours = name.startswith("azureml.")
        if not is_ours and name not in _PARTS:
            return None
        spec = PathFinder.find_spec(name, path, target)
        if spec is None and is_ours:
            from azureml._azure_lookup import find_substitute_spec

            return find_substitute_spec(name)
        if spec is not None and type(spec.loader) is SourceFileLoader and "._" not in name:
            spec.loader = _Loader(spec.loader.name, spec.loader.path)
        return spec


sys.modules[__name__].__class__ = Module
for _name in _PARTS:
    if type(sys.modules.get(_name)) is ModuleType:
        sys.modules[_name].__class__ = _Package
sys.meta_path.insert(0, _Finder)
