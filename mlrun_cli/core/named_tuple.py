"""A `NamedTuple` like that of `typing`, whose classes are created in a fifth of the time.

`typing` compiles the annotation of each field, although nothing here uses them, and `collections` compiles a
constructor for each class. Here, annotations remain text, and the constructor is compiled once a class has had several
tuples: `run list` makes some 35 such classes, a submission and a supervisor about 80 each, most for a tuple or two.
"""

from __future__ import annotations

from operator import itemgetter
from typing import TYPE_CHECKING, Any

__all__ = ["NamedTuple"]

if TYPE_CHECKING:
    from typing import NamedTuple
else:
    _COMPILING_COUNT = 10
    """The tuple of a class for which its constructor is compiled; that takes as long as twenty tuples without it."""

    class _Record(tuple):
        """The methods that all named tuples share."""

        __slots__ = ()

        def __new__(cls, *values: Any, **named: Any) -> Any:
            owner = next(each for each in cls.__mro__ if "_fields" in vars(each))
            fields = owner._fields
            found = {**owner._field_defaults, **dict(zip(fields, values, strict=False)), **named}
            is_valid = len(values) <= len(found) == len(fields) and named.keys() <= set(fields[len(values) :])
            owner._tuple_count += 1
            if is_valid and owner._tuple_count < _COMPILING_COUNT:
                return tuple.__new__(cls, map(found.__getitem__, fields))
            owner.__new__ = staticmethod(_compile_constructor(owner))
            return owner.__new__(cls, *values, **named)

        @classmethod
        def _make(cls, values: Any) -> Any:
            made = tuple.__new__(cls, values)
            if len(made) != len(cls._fields):
                raise TypeError(f"Expected {len(cls._fields)} arguments, got {len(made)}")
            return made

        def _replace(self, **changes: Any) -> Any:
            made = self._make(map(changes.pop, self._fields, self))
            if changes:
                raise TypeError(f"Got unexpected field names: {list(changes)!r}")
            return made

        def _asdict(self) -> dict[str, Any]:
            return dict(zip(self._fields, self, strict=True))

        def __repr__(self) -> str:
            fields = ", ".join(f"{name}={value!r}" for name, value in zip(self._fields, self, strict=True))
            return f"{type(self).__name__}({fields})"

        def __getnewargs__(self) -> tuple[Any, ...]:
            return tuple(self)

    def _compile_constructor(owner: type) -> Any:
        """Return the `__new__` of a class, with its fields as parameters."""
        fields = ", ".join(owner._fields)
        code = f"lambda _cls, {fields}: _new(_cls, ({fields}{',' if fields else ''}))"
        constructor = eval(code, {"_new": tuple.__new__})  # noqa: S307 - fields are names in a class of this package
        constructor.__name__ = "__new__"
        constructor.__qualname__ = f"{owner.__qualname__}.__new__"
        constructor.__defaults__ = tuple(owner._field_defaults.values())
        return constructor

    class _NamedTupleMeta(type):
        """The metaclass that creates the tuple class for the annotations in a class body."""

        def __new__(cls, name: str, bases: tuple[type, ...], content: dict[str, Any]) -> type:
            if not bases:
                return super().__new__(cls, name, bases, content)
            fields = tuple(content.get("__annotations__", ()))
            defaults = {field: content[field] for field in fields if field in content}
            if list(defaults) != list(fields[len(fields) - len(defaults) :]):
                raise TypeError(f"{name}: a field without a default follows one with a default.")
            content.update(
                (field, property(itemgetter(position), doc=f"Alias for field number {position}"))
                for position, field in enumerate(fields)
            )
            content |= {"__slots__": (), "_fields": fields, "_field_defaults": defaults, "__match_args__": fields}
            content["_tuple_count"] = 0
            return type(name, (_Record,), content)

    class NamedTuple(metaclass=_NamedTupleMeta):
        """Base class of tuples whose items have names, types and defaults."""
