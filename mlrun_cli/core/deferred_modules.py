"""Deferred loading of standard library modules until one of their attributes is first used.

This package, the standard library and Typer import them for tasks that most commands never do: starting a program,
opening an archive, quoting a word of an error. Loading them would take a tenth of the time of a command that only lists
runs.
"""

from __future__ import annotations

import sys
from _thread import RLock
from collections.abc import Iterable
from importlib.util import find_spec, module_from_spec
from types import ModuleType
from typing import Any

RARELY_USED = (
    "bz2",
    "difflib",
    "ipaddress",
    "locale",
    "lzma",
    "shlex",
    "shutil",
    "subprocess",
    "textwrap",
    "threading",
    "tokenize",
    "zlib",
)
"""Modules imported at start-up by `import NAME`, of which nothing is used until a command needs it."""

RARELY_USED_BY_PROGRAMS = ("bz2", "ipaddress", "locale", "lzma")
"""Those that a supervisor does not use either."""

_lock = RLock()
_loading: set[str] = set()


class _DeferredModule(ModuleType):
    """A module that is loaded at the first access to an attribute and then becomes a plain module."""

    def __getattr__(self, name: str) -> Any:
        """Load the module and return its attribute."""
        if name != "__path__":  # by this, the import system asks whether it is a package
            with _lock:
                _load_module(self)
        return self.__getattribute__(name)


def defer_modules(names: Iterable[str]) -> None:
    """Defer the loading of modules to their first use; skip loaded and missing modules."""
    for name in names:
        spec = None if name in sys.modules else find_spec(name)
        if spec is not None:
            module = module_from_spec(spec)
            if type(module) is ModuleType:  # a built-in one is made with all that it has
                module.__class__ = _DeferredModule
                sys.modules[name] = module


def _load_module(module: ModuleType) -> None:
    name, spec = module.__name__, module.__spec__
    is_deferred = isinstance(module, _DeferredModule)
    # Its own code may look for what it has not yet; an interrupted load begins anew.
    if is_deferred and name not in _loading and spec is not None and spec.loader is not None:
        _loading.add(name)
        try:
            spec.loader.exec_module(module)
            module.__class__ = ModuleType
        finally:
            _loading.discard(name)
