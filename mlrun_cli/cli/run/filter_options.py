"""Options that filter runs, one for each row of `TERMS` in `runs/filter.py` that has an option; none is added here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any

from mlrun_cli.cli.declarations import CommandParameter, Option, build_parameter
from mlrun_cli.cli.option_values import add_option_to_errors
from mlrun_cli.core.time import now
from mlrun_cli.runs.filter import TERMS, RunFilter, parse_filter

_PREFIX = "filter_"


class FilterOptions:
    """The run filters of a command, declared as a parameter of this type.

    Attributes:
        texts: the typed values, keyed by term of the filter language; terms whose option was not given are missing.
    """

    def __init__(self, texts: Mapping[str, Sequence[str]]) -> None:
        self.texts = texts

    def __bool__(self) -> bool:
        return bool(self.texts)

    def parse(self) -> RunFilter:
        """Return the run filter that the options describe.

        Raises:
            UsageError: a filter is not valid; the message begins with its option.
        """
        parsed = parse_filter(self.texts, now())
        for word, fault in parsed.faults.items():
            with add_option_to_errors(TERMS[word].option):
                raise fault.error
        return parsed.which

    @classmethod
    def build_option_parameters(cls) -> Sequence[CommandParameter]:
        """Return the options that a parameter of this type expands to in a command's signature."""
        return [
            build_parameter(
                f"{_PREFIX}{word}",
                Annotated[
                    list[str] if term.repeats else str,
                    Option(term.option, metavar=term.metavar, help=term.help),
                ],
            )
            for word, term in TERMS.items()
            if term.option
        ]

    @classmethod
    def from_values(cls, values: Mapping[str, Any]) -> FilterOptions:
        """Create the filters from given option values, keyed by parameter name."""
        return cls(
            {
                name.removeprefix(_PREFIX): [value] if isinstance(value, str) else value
                for name, value in values.items()
                if value is not None
            }
        )


NO_FILTERS = FilterOptions({})
