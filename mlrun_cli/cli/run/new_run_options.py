"""Options that describe a new run: its tags, names and variables, its time limit, and who is notified of its end."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import Enum
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

from mlrun_cli.cli.context import Context
from mlrun_cli.cli.declarations import CommandParameter, Option, build_parameter
from mlrun_cli.cli.option_values import (
    add_option_to_errors,
    parse_properties,
    parse_seconds,
    parse_tags,
    parse_variables,
)
from mlrun_cli.core.durations import parse_begin_time
from mlrun_cli.core.named_tuple import NamedTuple
from mlrun_cli.core.names import check_display_name, check_tag_key, check_text
from mlrun_cli.core.problems import Problems
from mlrun_cli.core.time import now
from mlrun_cli.errors import ConflictingOptions, InvalidDuration
from mlrun_cli.runs.priority import Priority

if TYPE_CHECKING:
    from mlrun_cli.runs.retry_policy import RetryPolicy
    from mlrun_cli.runs.run import Run
    from mlrun_cli.submit.pipeline import PipelineRequest
    from mlrun_cli.submit.request import SubmitRequest


class Keep(str, Enum):
    """The part of a working folder that is kept after the end of its run."""

    ALL = "all"
    OUTPUTS = "outputs"


_PREFIX = "new_run_"
_Texts = list[str] | None
_OPTIONS: Mapping[str, Any] = {
    "tags": Annotated[_Texts, Option("--tag", metavar="KEY[=VALUE]", help="Tag the run.")],
    "properties": Annotated[
        _Texts,
        Option("--property", metavar="KEY=VALUE", help="Add a property, which cannot be changed later."),
    ],
    "display_name": Annotated[
        str | None, Option("--display-name", metavar="TEXT", help="Name shown instead of the id.")
    ],
    "description": Annotated[str | None, Option("--description", metavar="TEXT", help="Description of the run.")],
    "variables": Annotated[
        _Texts,
        Option("--env", metavar="NAME=VALUE", help="Environment variable of the script, over the runconfig's."),
    ],
    "retry": Annotated[
        int | None,
        Option("--retry", metavar="N", min=0, max=1000, help="Start the script again up to N times if it fails."),
    ],
    "retry_on": Annotated[
        str | None,
        Option(
            "--retry-on",
            metavar="END[,END]...",
            help="Ends to start again after: exit, exit:75, signal, or reboot, also of the supervisor alone. "
            "Default: any.",
        ),
    ],
    "after": Annotated[
        str | None,
        Option("--after", metavar="ID", help="Start when this run, an id or @latest, has completed."),
    ],
    "begin": Annotated[
        str | None,
        Option("--begin", metavar="TIME", help="Start not before +2h, 22:00 or 2026-12-01T09:00."),
    ],
    "priority": Annotated[
        Priority | None, Option("--priority", help="Place in the queue: before or after runs of normal priority.")
    ],
    "keep": Annotated[
        Keep | None,
        Option("--keep", help="What is kept of the files in the working folder: all, or only outputs and logs."),
    ],
    "timeout": Annotated[
        str | None,
        Option(
            "--timeout", metavar="TIME", help="Stop the script after this time, such as 6h, instead of the runconfig's."
        ),
    ],
    "notify": Annotated[
        _Texts,
        Option("--notify", metavar="ADDRESS", help="Notify cmd:'COMMAND' or a URL (mailto://…, slack://…) of the end."),
    ],
}


class RunDescription(NamedTuple):
    """The description of a new run from a command's options; None for options not given."""

    tags: Mapping[str, str | None]
    properties: Mapping[str, str]
    variables: Mapping[str, str]
    time_limit_seconds: float | None
    display_name: str | None
    description: str | None
    retry: RetryPolicy | None
    notify: Sequence[str]
    after: str | None
    begin_at: int | None
    priority: int
    keep: Keep | None
    predecessor: Run | None = None

    def resolve_predecessor(self, context: Context) -> RunDescription:
        """Return a copy whose `predecessor` is the run named by `--after`, or this object if the option is not given.

        Raises:
            RunNotFound: there is no such run.
            RunEnded: it has ended without being completed, so the new run would never start.
        """
        if self.after is None:
            return self
        from mlrun_cli.actions.runs import get_predecessor  # noqa: PLC0415 - start-up

        experiment = context.attached_experiment
        with add_option_to_errors("--after"):
            return self._replace(predecessor=get_predecessor(context.workspace, self.after, experiment))

    def apply_to(self, request: SubmitRequest) -> SubmitRequest:
        """Return a submit request to which the values in this description are applied."""
        return request._replace(
            tags={**request.tags, **self.tags},
            properties={**request.properties, **self.properties},
            variables={**request.variables, **self.variables},
            time_limit_seconds=self.time_limit_seconds or request.time_limit_seconds,
            display_name=request.display_name if self.display_name is None else self.display_name,
            description=request.description if self.description is None else self.description,
            retry=request.retry if self.retry is None else self.retry,
            notify=(*request.notify, *self.notify),
            keeps_outputs_only=request.keeps_outputs_only if self.keep is None else self.keep is Keep.OUTPUTS,
            predecessor=self.predecessor,
            begin_at=self.begin_at,
            priority=self.priority,
        )

    def apply_to_sweep(self, request: SubmitRequest) -> SubmitRequest:
        """Return the request for a sweep's runs with the values in this description applied.

        Raises:
            ConflictingOptions: the sweep is to start later.
        """
        if self.after is not None or self.begin_at is not None:
            raise ConflictingOptions(
                "A sweep starts at once: --begin and --after are for single runs.",
                hint="Leave them out.",
                target="--begin" if self.after is None else "--after",
            )
        return self.apply_to(request)

    def apply_to_pipeline(self, request: PipelineRequest) -> PipelineRequest:
        """Return the request for a pipeline with the values in this description applied.

        Raises:
            ConflictingOptions: an option is for single runs.
        """
        options = {
            "--timeout": self.time_limit_seconds is not None,
            "--keep": self.keep is not None,
            "--after": self.after is not None,
            "--begin": self.begin_at is not None,
            "--priority": self.priority != 0,
        }
        given = [name for name, is_given in options.items() if is_given]
        if given:
            raise ConflictingOptions(
                f"{', '.join(given)}: a pipeline does not have this.", hint="Leave it out.", target=given[0]
            )
        return request._replace(
            tags={**request.tags, **self.tags},
            properties={**request.properties, **self.properties},
            variables={**request.variables, **self.variables},
            display_name=request.display_name if self.display_name is None else self.display_name,
            description=request.description if self.description is None else self.description,
            retry=request.retry if self.retry is None else self.retry,
            notify=(*request.notify, *self.notify),
        )


class NewRunOptions:
    """The options of a command that describe a new run, declared as a parameter of this type.

    Attributes:
        values: the typed values, keyed by option; None where an option was not given.
        names: the keys of the options that the command has.
    """

    names: ClassVar[Sequence[str]] = tuple(_OPTIONS)

    def __init__(self, values: Mapping[str, Any]) -> None:
        self.typed = values

    def parse(self) -> RunDescription:
        """Return the run description given by the options.

        Raises:
            UsageError: an option is not valid.
            SeveralProblems: several are not.
        """
        problems, typed = Problems(), self.typed
        tags: Mapping[str, str | None] = {}
        properties: Mapping[str, str] = {}
        variables: Mapping[str, str] = {}
        time_limit_seconds, retry, begin_at = None, None, None
        with problems.collect_errors():
            tags = parse_tags(typed["tags"] or (), option="--tag")
        with problems.collect_errors():
            properties = parse_properties(typed["properties"] or (), option="--property")
        with problems.collect_errors():
            variables = parse_variables(typed["variables"] or (), option="--env")
        with problems.collect_errors():
            time_limit_seconds = _parse_time_limit(typed["timeout"])
        with problems.collect_errors():
            retry = _parse_retry(typed["retry"], typed["retry_on"])
        if typed["begin"] is not None:
            with problems.collect_errors(), add_option_to_errors("--begin"):
                begin_at = parse_begin_time(typed["begin"], now())
        for key in (*tags, *properties):
            with problems.collect_errors():
                check_tag_key(key)
        texts = {
            **{f"the value of '{key}'": value for key, value in (*tags.items(), *properties.items())},
            "the description": typed["description"],
        }
        for what, text in texts.items():
            with problems.collect_errors():
                check_text(what, text or "")
        with problems.collect_errors():
            check_display_name(typed["display_name"])
        addresses = typed["notify"] or ()
        for address in addresses:
            with problems.collect_errors():
                _check_address(address)
        problems.raise_if_any()
        return RunDescription(
            tags=tags,
            properties=properties,
            variables=variables,
            time_limit_seconds=time_limit_seconds,
            display_name=typed["display_name"],
            description=typed["description"],
            retry=retry,
            after=typed["after"],
            keep=typed["keep"],
            begin_at=begin_at,
            priority=0 if typed["priority"] is None else typed["priority"].rank,
            notify=addresses,
        )

    @classmethod
    def build_option_parameters(cls) -> Sequence[CommandParameter]:
        """Return the options that a parameter of this type expands to in a command's signature."""
        return [build_parameter(f"{_PREFIX}{name}", _OPTIONS[name]) for name in cls.names]

    @classmethod
    def from_values(cls, values: Mapping[str, Any]) -> NewRunOptions:
        """Create the options from given option values, keyed by parameter name."""
        given = {name.removeprefix(_PREFIX): value for name, value in values.items()}
        return cls({**dict.fromkeys(_OPTIONS), **given})


class NewPipelineRunOptions(NewRunOptions):
    """The options of a command that describe a new run of a pipeline, declared as a parameter of this type."""

    names = ("tags", "properties", "display_name", "description", "variables", "retry", "retry_on", "notify")


def _parse_retry(retries: int | None, ends: str | None) -> RetryPolicy | None:
    """Return the policy that `--retry` and `--retry-on` describe; None if they are not given.

    Raises:
        UsageError: only the second is given, or it is not valid.
    """
    if retries is None:
        if ends is not None:
            raise ConflictingOptions(
                "--retry-on says after which ends, and --retry how often.", hint="Add --retry 3.", target="--retry-on"
            )
        return None
    from mlrun_cli.runs.retry_policy import RetryPolicy, parse_retry_conditions  # noqa: PLC0415 - start-up

    if ends is None:
        return RetryPolicy(retries)
    with add_option_to_errors("--retry-on"):
        return RetryPolicy(retries, parse_retry_conditions(ends))


def _check_address(address: str) -> None:
    from mlrun_cli.notifications.address import check_address  # noqa: PLC0415 - start-up

    check_address(address)


def _parse_time_limit(text: str | None) -> float | None:
    if text is None:
        return None
    seconds = parse_seconds(text, "--timeout", needs_unit=True)
    if not seconds:
        raise InvalidDuration("--timeout: a run needs more time than none.", hint="Use 30s, 10m, 2h or 7d.")
    return seconds
