"""The base class of run configuration sections, which maps snake-case attributes to camel-case document keys."""

from typing import Any, ClassVar, Dict, Mapping, Sequence, Type, TypeVar

from azureml._wire.camel_case import to_camel_case
from azureml.exceptions import UserErrorException

_Self = TypeVar("_Self", bound="RunConfigElement")

_NAMES_OF_USERS = frozenset({"environmentVariables", "condaDependencies"})
"""Sections whose keys are chosen by the user."""


class RunConfigElement:
    """Base class of the sections of a run configuration.

    Each class lists its attributes in the order in which Azure writes them. Other attributes cannot be set; unknown
    keys of a document are passed on to a run.
    """

    _fields: ClassVar["tuple[str, ...]"] = ()
    """The attributes; the key of each is its name in camel case, without a leading underscore."""
    _keys: ClassVar[Mapping[str, str]] = {}
    """Keys that deviate from that rule, keyed by attribute."""
    _kinds: ClassVar["Kinds"] = {}
    """Attributes that are sections themselves, with their classes."""
    _lists_of: ClassVar["Kinds"] = {}
    """Attributes that are lists of sections, with the classes of the items."""
    _maps_of: ClassVar["Kinds"] = {}
    """Attributes that are mappings from names to sections, with the classes of the values."""
    _left_out: ClassVar["frozenset[str]"] = frozenset()
    """Attributes that are written only if they are not None."""

    _keeps_keys: ClassVar[bool] = True
    """Whether saving preserves the unknown keys and the key order that were read, as Azure does for some sections."""

    _unknown: Mapping[str, Any] = {}
    _order: Sequence[str] = ()

    def __setattr__(self, name: str, value: Any) -> None:
        if not (name.startswith("_") or name in self._fields or hasattr(type(self), name)):
            known = ", ".join(field for field in self._fields if not field.startswith("_"))
            raise AttributeError(f"{type(self).__name__} has no attribute {name!r}; it has: {known}")
        super().__setattr__(name, value)

    def _to_document(self, *, for_file: bool = False) -> "dict[str, Any]":
        """Return the section as a JSON-compatible dict with Azure's keys, for a run or, with `for_file`, for a file."""
        document = {}
        for name in self._fields:
            value = to_json_compatible(getattr(self, name), for_file=for_file)
            if value is not None or name not in self._left_out:
                document[self._get_document_key(name)] = value
        if self._keeps_keys or not for_file:
            document.update(self._unknown)
        return {**{key: document[key] for key in self._order if key in document}, **document}

    @classmethod
    def _from_document(cls: "type[_Self]", document: Any, location: str = "") -> _Self:
        """Create the section from a JSON-compatible mapping, with defaults for missing keys.

        Raises:
            UserErrorException: A section is not a mapping; the message starts with its key path, `location`.
        """
        element = cls._create_blank()
        unknown = dict(_check_mapping(document, location))
        for name in cls._fields:
            key = cls._get_document_key(name)
            if key in unknown:
                element._load_field(name, unknown.pop(key), f"{location}.{key}" if location else key)
        element._unknown = unknown
        element._order = [*document] if cls._keeps_keys else ()
        return element

    @classmethod
    def _create_blank(cls: "type[_Self]") -> _Self:
        """Create an instance with default values, into which a document will be loaded."""
        return cls()

    @classmethod
    def _get_document_key(cls, attribute_name: str) -> str:
        """Return an attribute's key in documents, such as `nodeCount` for `node_count`."""
        return cls._keys.get(attribute_name) or to_camel_case(attribute_name.lstrip("_"))

    def _load_field(self, attribute_name: str, value: Any, key_path: str) -> None:
        """Set an attribute from a document, creating nested sections; ignore None for sections and collections."""
        if value is None and isinstance(getattr(self, attribute_name), (list, dict, RunConfigElement)):
            return  # a key without a value counts as missing
        if value is not None and attribute_name in self._kinds:
            value = self._kinds[attribute_name]._from_document(value, key_path)
        elif value and attribute_name in self._lists_of:
            if not isinstance(value, list):
                raise UserErrorException(f"{key_path}: expected a list, found {value!r}.")
            kind = self._lists_of[attribute_name]
            value = [kind._from_document(item, f"{key_path}[{index}]") for index, item in enumerate(value)]
        elif value and attribute_name in self._maps_of:
            kind = self._maps_of[attribute_name]
            items = _check_mapping(value, key_path).items()
            value = {key: kind._from_document(item, f"{key_path}.{key}") for key, item in items}
        setattr(self, attribute_name, value)


Kinds = Dict[str, Type[RunConfigElement]]
"""Section classes, keyed by the attribute that contains them."""


def to_json_compatible(value: Any, *, for_file: bool = False) -> Any:
    """Return a JSON-compatible copy of a value, with nested sections converted to dicts."""
    if isinstance(value, RunConfigElement):
        return value._to_document(for_file=for_file)
    if isinstance(value, Mapping):
        return {str(key): to_json_compatible(inner, for_file=for_file) for key, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [to_json_compatible(inner, for_file=for_file) for inner in value]
    section = getattr(value, "_build_data_section", None)
    return to_json_compatible(section()[2], for_file=for_file) if callable(section) else value


def convert_keys_to_camel_case(document: Any) -> Any:
    """Return a document with all keys converted to camel case, except in variables and packages.

    If two keys would become equal, the second is left unchanged.
    """
    if isinstance(document, list):
        return [convert_keys_to_camel_case(item) for item in document]
    if not isinstance(document, Mapping):
        return document
    renamed: dict[str, Any] = {}
    for key, value in document.items():
        name = to_camel_case(key)
        taken = name != key and (name in document or name in renamed)
        renamed[key if taken else name] = value if name in _NAMES_OF_USERS else convert_keys_to_camel_case(value)
    return renamed


def _check_mapping(value: Any, location: str) -> Mapping[str, Any]:
    """Return the given value; raise UserErrorException if it is not a mapping."""
    if not isinstance(value, Mapping):
        place = f"{location}: " if location else ""
        raise UserErrorException(f"{place}expected a mapping, found {value!r}.")
    return value
