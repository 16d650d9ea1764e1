"""Options of `az` without effect on this machine, which are accepted, hidden from help, and mentioned in a note."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, ClassVar

from mlrun_cli.cli.declarations import CommandParameter, Option, build_parameter
from mlrun_cli.cli.output.messages import Messages

_PREFIX = "ignored_"


class IgnoredOptions:
    """The given options of a command that have no effect; subclasses declare them.

    Attributes:
        options: the options that take a value, each as its names separated by slashes, the long one first.
        flags: the options that take none.
    """

    options: ClassVar[Sequence[str]] = ()
    flags: ClassVar[Sequence[str]] = ()

    def __init__(self, given: Sequence[str] = ()) -> None:
        self._given = given

    def print_note(self, messages: Messages) -> None:
        """Print a note that the given options, if any, have no effect, without their values, which may be secrets."""
        if self._given:
            *others, last = self._given
            names = f"{', '.join(others)} and {last}" if others else last
            messages.info(f"{names} {'have' if others else 'has'} no effect on this machine.")

    @classmethod
    def build_option_parameters(cls) -> Sequence[CommandParameter]:
        """Return the options that a parameter of this type expands to in a command's signature."""
        kinds = {**dict.fromkeys(cls.options, list[str]), **dict.fromkeys(cls.flags, bool)}
        return [
            build_parameter(
                f"{_PREFIX}{position}",
                Annotated[kind, Option(*names.split("/"), hidden=True)],
                default=False if kind is bool else None,
            )
            for position, (names, kind) in enumerate(kinds.items())
        ]

    @classmethod
    def from_values(cls, values: Mapping[str, Any]) -> IgnoredOptions:
        """Create the group from the values of its parameters, keyed by parameter name."""
        every = [*cls.options, *cls.flags]
        return cls([names.partition("/")[0] for position, names in enumerate(every) if values[f"{_PREFIX}{position}"]])
