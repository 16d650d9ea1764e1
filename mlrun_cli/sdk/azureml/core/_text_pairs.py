"""Conversion of tags and properties to strings."""

from typing import Any, Iterable

from azureml._client.scalars import escape_surrogates
from azureml.exceptions import UserErrorException


def convert_values_to_strings(pairs: "dict[str, Any]", noun: str) -> "dict[str, str | None]":
    """Return tags or properties with all values except None converted to strings.

    Raises:
        UserErrorException: The value is not a dict, or a key is not a nonempty string.
    """
    if not isinstance(pairs, dict):
        raise UserErrorException(f"The {noun} are a dict, as in {{'key': 'value'}}, not {type(pairs).__name__}.")
    for key in pairs:
        if not isinstance(key, str) or not key:
            raise UserErrorException(f"The keys of {noun} are texts that are not empty, not {key!r}.")
    try:
        return {
            escape_surrogates(key): None if value is None else escape_surrogates(str(value))
            for key, value in pairs.items()
        }
    except ValueError as error:  # an integer of thousands of digits
        raise UserErrorException(f"A value of the {noun} cannot become a text: {error}.") from error


def convert_properties(pairs: "dict[str, Any]") -> "dict[str, str]":
    """Return properties with their values converted to strings, omitting properties with the value None.

    azureml-core takes None, as in `properties={"precision": metrics.get("precision")}` of a metric that was not logged.

    Raises:
        UserErrorException: The value is not a dict, or a key is not a nonempty string.
    """
    strings = convert_values_to_strings(pairs, "properties")
    return {key: value for key, value in strings.items() if value is not None}


def to_tag_keys(tags: Any) -> "list[str]":
    """Return a single tag key, or several keys, as a list."""
    keys: Iterable[Any] = [tags] if isinstance(tags, str) else list(tags)
    return list(convert_values_to_strings(dict.fromkeys(keys), "tags"))
