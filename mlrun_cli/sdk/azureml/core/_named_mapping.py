"""Mappings by name of a workspace's things of one kind."""

from typing import Any, Callable, Dict, Iterable, Tuple

from azureml.exceptions import AzureMLException

__all__ = ["Named"]


class Named(Dict[str, Any]):
    """By name; one that is not there is a KeyError that says which ones are, and how one is made.

    Args:
        things: those that are there.
        find: looks for one alone, by its name; its errors have the words.
    """

    def __init__(self, things: "Iterable[Tuple[str, Any]]", find: "Callable[[str], Any]") -> None:
        super().__init__(things)
        self._find = find

    def __missing__(self, name: str) -> Any:
        try:
            return self._find(name)  # it may have been made since, or another stands for it
        except AzureMLException as error:
            raise KeyError(str(error)) from None
