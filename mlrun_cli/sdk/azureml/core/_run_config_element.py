"""What the parts of a run configuration have in common: attributes in snake case, a document in camel case."""

from __future__ import annotations

from typing import Any, ClassVar, Dict, Mapping, Sequence, Type, TypeVar

from azureml.exceptions import UserErrorException

_Self = TypeVar("_Self", bound="RunConfigElement")


class RunConfigElement:
    """A section of a run configuration.

    Each class names its attributes in the order in which Azure writes them. An attribute that it does not have
    cannot be set; keys that it does not know are kept and written again.
    """

    _fields: ClassVar[tuple[str, ...]] = ()
    """Attributes. The key of one is its name in camel case, without a leading underscore."""
    _keys: ClassVar[Mapping[str, str]] = {}
    """Keys that are named otherwise, by attribute."""
    _kinds: ClassVar[Kinds] = {}
    """Attributes that are elements of their own."""
    _lists_of: ClassVar[Kinds] = {}
    """Attributes that are lists of elements."""
    _maps_of: ClassVar[Kinds] = {}
    """Attributes that are elements by name."""
    _left_out: ClassVar[frozenset[str]] = frozenset()
    """Attributes that are written only when they have a value."""

    _keeps_order: ClassVar[bool] = True
    """Whether the keys that were read are written in the order in which they stood, as Azure does it, and first."""

    _unknown: Mapping[str, Any] = {}
    _order: Sequence[str] = ()

    def __setattr__(self, name: str, value: Any) -> None:
        if not (name.startswith("_") or name in self._fields or hasattr(type(self), name)):
            known = ", ".join(field for field in self._fields if not field.startswith("_"))
            raise AttributeError(f"{type(self).__name__} has no attribute {name!r}; it has: {known}")
        super().__setattr__(name, value)

    def _to_document(self) -> dict[str, Any]:
        """The section as plain values, under Azure's keys."""
        document = {}
        for name in self._fields:
            value = plain(getattr(self, name))
            if value is not None or name not in self._left_out:
                document[self._key(name)] = value
        document.update(self._unknown)
        return {**{key: document[key] for key in self._order if key in document}, **document}

    @classmethod
    def _from_document(cls: type[_Self], document: Any, where: str = "") -> _Self:
        """The section from plain values; what they do not say stands at its default.

        Raises:
            UserErrorException: a section is no mapping; `where` is its key path.
        """
        element = cls._blank()
        unknown = dict(_mapping(document, where))
        for name in cls._fields:
            key = cls._key(name)
            if key in unknown:
                element._read_field(name, unknown.pop(key), f"{where}.{key}" if where else key)
        element._unknown = unknown
        element._order = [*document] if cls._keeps_order else ()
        return element

    @classmethod
    def _blank(cls: type[_Self]) -> _Self:
        return cls()

    @classmethod
    def _key(cls, name: str) -> str:
        first, *others = name.lstrip("_").split("_")
        return cls._keys.get(name) or first + "".join(word.capitalize() for word in others)

    def _read_field(self, name: str, value: Any, key_path: str) -> None:
        if value is None and isinstance(getattr(self, name), (list, dict, RunConfigElement)):
            return  # a key without a value is a key left out
        if value is not None and name in self._kinds:
            value = self._kinds[name]._from_document(value, key_path)
        elif value and name in self._lists_of:
            if not isinstance(value, list):
                raise UserErrorException(f"{key_path}: expected a list, found {value!r}.")
            kind = self._lists_of[name]
            value = [kind._from_document(item, f"{key_path}[{index}]") for index, item in enumerate(value)]
        elif value and name in self._maps_of:
            kind = self._maps_of[name]
            items = _mapping(value, key_path).items()
            value = {key: kind._from_document(item, f"{key_path}.{key}") for key, item in items}
        setattr(self, name, value)


Kinds = Dict[str, Type[RunConfigElement]]
"""Classes of elements, by the attribute that holds them."""


def plain(value: Any) -> Any:
    """A value as JSON can hold it: elements as their documents, everything in lists and mappings too."""
    if isinstance(value, RunConfigElement):
        return value._to_document()
    if isinstance(value, Mapping):
        return {str(key): plain(inner) for key, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(inner) for inner in value]
    section = getattr(value, "_data_section", None)
    return plain(section()[2]) if callable(section) else value


def _mapping(value: Any, where: str) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        place = f"{where}: " if where else ""
        raise UserErrorException(f"{place}expected a mapping, found {value!r}.")
    return value
