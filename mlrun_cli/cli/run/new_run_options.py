"""Options that describe a new run: its tags, properties and names, the variables of its script, and its time limit."""

from __future__ import annotations

import inspect
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer

from mlrun_cli.cli.option_values import parse_properties, parse_seconds, parse_tags, parse_variables
from mlrun_cli.core.names import check_tag_key, check_text
from mlrun_cli.core.problems import Problems
from mlrun_cli.errors import InvalidDuration

if TYPE_CHECKING:
    from mlrun_cli.submit.request import SubmitRequest

_PREFIX = "new_run_"
_Texts = list[str] | None
_OPTIONS: Mapping[str, Any] = {
    "tags": Annotated[_Texts, typer.Option("--tag", metavar="KEY[=VALUE]", help="Tag the run.")],
    "properties": Annotated[
        _Texts,
        typer.Option("--property", metavar="KEY=VALUE", help="Add a property, which cannot be changed later."),
    ],
    "display_name": Annotated[
        str | None, typer.Option("--display-name", metavar="TEXT", help="Name shown instead of the id.")
    ],
    "description": Annotated[str | None, typer.Option("--description", metavar="TEXT", help="Description of the run.")],
    "variables": Annotated[
        _Texts,
        typer.Option("--env", metavar="NAME=VALUE", help="Environment variable of the script, over the runconfig's."),
    ],
    "timeout": Annotated[
        str | None,
        typer.Option(
            "--timeout", metavar="TIME", help="Stop the script after this time, such as 6h, instead of the runconfig's."
        ),
    ],
}


class NewRunOptions:
    """The options of a command that describe a new run, declared by a parameter of this type.

    Attributes:
        typed: the typed values, keyed by option; None where an option was not given.
    """

    def __init__(self, typed: Mapping[str, Any]) -> None:
        self.typed = typed

    def apply_to(self, request: SubmitRequest) -> SubmitRequest:
        """Return a submit request with what the options say.

        Raises:
            UsageError: an option is not valid.
            SeveralProblems: several are not.
        """
        problems = Problems()
        changes: dict[str, Any] = {"display_name": self.typed["display_name"], "description": self.typed["description"]}
        with problems.collect_errors():
            changes["tags"] = {**request.tags, **parse_tags(self.typed["tags"] or (), option="--tag")}
        with problems.collect_errors():
            changes["properties"] = parse_properties(self.typed["properties"] or (), option="--property")
        with problems.collect_errors():
            changes["variables"] = parse_variables(self.typed["variables"] or (), option="--env")
        with problems.collect_errors():
            changes["time_limit_seconds"] = _parse_time_limit(self.typed["timeout"])
        for check in _list_checks(changes):
            with problems.collect_errors():
                check()
        problems.raise_if_any()
        return request._replace(**{name: value for name, value in changes.items() if value is not None})

    @classmethod
    def build_option_parameters(cls) -> Sequence[inspect.Parameter]:
        """Return the parameters that replace a parameter of this type in a command's signature."""
        kind = inspect.Parameter.KEYWORD_ONLY
        return [
            inspect.Parameter(f"{_PREFIX}{name}", kind, default=None, annotation=annotation)
            for name, annotation in _OPTIONS.items()
        ]

    @classmethod
    def from_values(cls, values: Mapping[str, Any]) -> NewRunOptions:
        """Create the options from typed values, keyed by parameter name."""
        return cls({name.removeprefix(_PREFIX): value for name, value in values.items()})


def _list_checks(changes: Mapping[str, Any]) -> Sequence[Any]:
    """Return functions that raise if a key or a text cannot be stored."""
    pairs = [("--tag", changes.get("tags") or {}), ("--property", changes.get("properties") or {})]
    keys = [key for _, given in pairs for key in given]
    texts = {f"the value of '{key}' ({option})": value for option, given in pairs for key, value in given.items()}
    texts |= {"the display name": changes["display_name"], "the description": changes["description"]}
    return [
        *(lambda key=key: check_tag_key(key) for key in keys),
        *(lambda what=what, text=text: check_text(what, text or "") for what, text in texts.items()),
    ]


def _parse_time_limit(text: str | None) -> float | None:
    if text is None:
        return None
    seconds = parse_seconds(text, "--timeout", needs_unit=True)
    if not seconds:
        raise InvalidDuration("--timeout: a run needs more time than none.", hint="Use 30s, 10m, 2h or 7d.")
    return seconds
