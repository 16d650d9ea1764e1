"""A reader of JSON objects from files and requests, whose errors name the key path."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from mlrun_cli.errors import InvalidValue


class JsonReader:
    """The values of a JSON object, checked as they are read; null is the same as a key that is absent.

    `get` methods raise if the key is absent, `find` methods return None or something empty.
    """

    def __init__(self, document: object, key_path: str) -> None:
        self._key_path = key_path
        if not isinstance(document, Mapping) or not all(isinstance(key, str) for key in document):
            raise self.build_error("expected a mapping")
        self._document = document

    def build_error(self, reason: str, key: str | None = None) -> InvalidValue:
        """Return an error about a key or, without a key, about the object itself, for the caller to raise."""
        path = self._key_path if key is None else self._build_key_path(key)
        return InvalidValue(f"{path}: {reason}.", target=path)

    def _build_key_path(self, key: str) -> str:
        return f"{self._key_path}.{key}"

    def find(self, key: str) -> Any:
        """Return the value of a key, or None if it is absent."""
        return self._document.get(key)

    def find_text(self, key: str) -> str | None:
        """Return the string under a key, or None if it is absent."""
        return self._find_of_type(key, (str,), "text")  # type: ignore[no-any-return]

    def get_text(self, key: str) -> str:
        """Return the string under a required key; raise if it is missing or empty."""
        found = self.find_text(key)
        if not found:
            raise self.build_error("expected a text that is not empty", key)
        return found

    def find_integer(self, key: str) -> int | None:
        """Return the integer under a key, or None if it is absent."""
        if isinstance(self.find(key), bool):
            raise self.build_error("expected a whole number", key)
        return self._find_of_type(key, (int,), "a whole number")  # type: ignore[no-any-return]

    def find_boolean(self, key: str, default: bool) -> bool:
        """Return the boolean under a key, or the default value if the key is absent."""
        found = self._find_of_type(key, (bool,), "true or false")
        return default if found is None else found

    def find_choice(self, key: str, choices: Sequence[str]) -> str | None:
        """Return the string under a key, or None if the key is absent; raise if the string is not one of `choices`."""
        found = self.find(key)
        if found is not None and found not in choices:
            raise self.build_error(f"{found!r} is not one of {', '.join(choices)}", key)
        return None if found is None else str(found)

    def get_choice(self, key: str, choices: Sequence[str]) -> str:
        """Return the string under a required key; raise if the string is not one of `choices`."""
        found = self.find_choice(key, choices)
        if found is None:
            raise self.build_error(f"expected one of {', '.join(choices)}", key)
        return found

    def get_only_key(self, choices: Sequence[str]) -> str:
        """Return the only key whose value is not null; raise unless there is exactly one, and it is in `choices`."""
        keys = [key for key, value in self._document.items() if value is not None]
        if len(keys) != 1 or keys[0] not in choices:
            raise self.build_error(f"expected one of {', '.join(choices)}")
        return str(keys[0])

    def find_list(self, key: str) -> Sequence[Any]:
        """Return the list under a key, or an empty list if it is absent."""
        return self._find_of_type(key, (list, tuple), "a list") or []

    def find_text_list(self, key: str) -> tuple[str, ...]:
        """Return the strings in the list under a key; empty if it is absent."""
        found = self.find_list(key)
        if not all(isinstance(one, str) for one in found):
            raise self.build_error("expected a list of texts", key)
        return tuple(found)

    def find_mapping(self, key: str) -> Mapping[str, Any]:
        """Return the mapping under a key, or an empty one if it is absent."""
        return self._find_of_type(key, (Mapping,), "a mapping") or {}

    def find_text_mapping(self, key: str) -> Mapping[str, str]:
        """Return the mapping of strings to strings under a key, or an empty one if it is absent."""
        found = self.find_mapping(key)
        if not all(isinstance(one, str) for pair in found.items() for one in pair):
            raise self.build_error("expected a mapping from texts to texts", key)
        return dict(found)

    def get_object(self, key: str) -> JsonReader:
        """Return a reader for the object under a required key."""
        return JsonReader(self.find(key), self._build_key_path(key))

    def find_object(self, key: str) -> JsonReader:
        """Return a reader for the object under a key, or for an empty object if it is absent."""
        return JsonReader(self.find_mapping(key), self._build_key_path(key))

    def iterate_objects(self, key: str) -> Iterator[tuple[str, JsonReader]]:
        """Yield each key of the mapping under `key`, with a reader for the object under it."""
        inner = self.find_object(key)
        for name in self.find_mapping(key):
            yield name, inner.get_object(name)

    def list_objects(self, key: str) -> list[JsonReader]:
        """Return readers for the objects in the list under a key."""
        return [
            JsonReader(one, f"{self._build_key_path(key)}[{index}]") for index, one in enumerate(self.find_list(key))
        ]

    def _find_of_type(self, key: str, types: tuple[type, ...], expected: str) -> Any:
        """Return the value of a key, or None if it is absent; raise if it is of none of these types."""
        found = self.find(key)
        if found is not None and not isinstance(found, types):
            raise self.build_error(f"expected {expected}", key)
        return found
