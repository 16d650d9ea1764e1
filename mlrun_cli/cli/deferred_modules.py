"""Modules of the standard library that load when they are first used, and not with whoever imports them.

Typer and what it imports bring these for what most commands never do: to start a program, to open an archive, to wrap
text. They take a tenth of the time of a command that only looks at runs.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable
from importlib.util import find_spec, module_from_spec
from threading import RLock
from types import ModuleType
from typing import Any

RARELY_USED = ("bz2", "ipaddress", "lzma", "subprocess", "textwrap", "tokenize", "zlib")
"""Modules that are imported as a whole at a start, of which nothing is used before a command needs it."""

_lock = RLock()
_loading: set[str] = set()


class _DeferredModule(ModuleType):
    """A module that is not loaded yet; when it is, this is a plain module."""

    def __getattr__(self, name: str) -> Any:
        """Load the module, then return its attribute."""
        if name != "__path__":  # by this, the import system asks whether it is a package
            with _lock:
                _load(self)
        return self.__getattribute__(name)


def defer_modules(names: Iterable[str]) -> None:
    """Have modules load when an attribute of theirs is first used; those that are loaded, or not there, stay so."""
    for name in names:
        spec = None if name in sys.modules else find_spec(name)
        if spec is not None:
            module = module_from_spec(spec)
            if type(module) is ModuleType:  # a built-in one is made with all that it has
                module.__class__ = _DeferredModule
                sys.modules[name] = module


def _load(module: ModuleType) -> None:
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
