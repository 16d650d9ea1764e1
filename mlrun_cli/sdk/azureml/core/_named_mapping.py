"""Mappings of names to the objects of a workspace."""

from typing import Any, Callable, Dict, Iterable, Tuple

from azureml.exceptions import AzureMLException

__all__ = ["NamedMapping"]


class NamedMapping(Dict[str, Any]):
    """A mapping of names to objects, whose KeyErrors list the existing names or explain how to create an object.

    Args:
        items: Pairs of a name and an object.
        find: Returns the object with a name that is not in the mapping, or raises an error, whose text is used.
    """

    def __init__(self, items: "Iterable[Tuple[str, Any]]", find: "Callable[[str], Any]") -> None:
        super().__init__(items)
        self._find = find

    def __call__(self) -> "NamedMapping":
        """Return the mapping: before version 1.0, `workspace.compute_targets()` and the like were methods."""
        return self

    def __missing__(self, name: str) -> Any:
        try:
            return self._find(name)  # it may be new, or the name may have a substitute
        except AzureMLException as error:
            raise KeyError(str(error)) from None
