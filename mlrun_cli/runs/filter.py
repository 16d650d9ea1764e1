r"""The filter language for runs, which is the same for commands, pages and scripts.

A filter is a word and the text typed for it: `status=failed`, `tag=team=a`, `since=7d`. `TERMS` has a row for each
word, from which commands have their options and the studio's pages of runs their parameters, text boxes and menus. To
add a filter, add a row here, a field to `RunFilter` unless `any_of` holds its values, and its condition to
`store/runs/conditions.py`. Scripts filter by the arguments of Azure's methods, whose values are not texts: the handler
of `runs.list` converts them to a `RunFilter`.

The conditions of all words must hold; of several texts for one word, one must match, but several tags, properties,
metrics or parameters must all match.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, TypeVar

from mlrun_cli.core.durations import parse_time
from mlrun_cli.core.named_tuple import NamedTuple
from mlrun_cli.errors import InvalidFilter, UsageError
from mlrun_cli.runs.status import RunStatus, parse_statuses

if TYPE_CHECKING:  # start-up: most commands have no condition
    from mlrun_cli.metrics.filter import MetricFilter
    from mlrun_cli.runs.parameter_filter import ParameterFilter
    from mlrun_cli.runs.where.condition import Condition

MAX_CONDITIONS = 100
"""The maximum number of words and conditions on values in one filter; databases accept no more."""

_MAX_WORDS = 50
_PAIR = r"(?s)((?:\\.|[^\\=])+)(?:=(.*))?"  # compiled when it is used
_Value = TypeVar("_Value")


class TagFilter(NamedTuple):
    """A condition on the tag or property `key`: any value, `value`, or one of `or_values`."""

    key: str
    value: str | None = None
    any_value: bool = False
    or_values: tuple[str, ...] = ()


class RunFilter(NamedTuple):
    """Conditions that must all be met; child runs are excluded unless they are included explicitly or by parent.

    Attributes:
        is_recursive: with `parent_run_id`, include all runs below it, not only its children.
        submitter: the name of the user who submitted it.
        any_of: sets of values, keyed by word of the filter language, of which a run must have one: `experiment`,
            `type`, `target` or `submitter`.
        text: words that must each occur, anywhere and case-insensitively, in a tag, a parameter, the description, the
            name of the experiment or of the submitter, the run id or the display name.
        created_from: the time, in microseconds, at or after which runs were created.
        created_until: the time, in microseconds, before which runs were created.
        metrics: comparisons with logged metrics.
        parameters: comparisons with parameters.
        where: a condition on values of any kind; None for none.
        not_responding: keys of live runs that do not respond; this is their status, whatever is recorded.
        before_key: the key of a run that the runs are older than.
        last: the maximum number of runs, newest first; None means all. Pages have their own limit.
    """

    experiment_name: str | None = None
    statuses: frozenset[RunStatus] = frozenset()
    tags: tuple[TagFilter, ...] = ()
    properties: tuple[TagFilter, ...] = ()
    parent_run_id: str | None = None
    is_recursive: bool = False
    include_children: bool = False
    run_type: str | None = None
    target: str | None = None
    submitter: str | None = None
    any_of: Mapping[str, frozenset[str]] = MappingProxyType({})
    text: str | None = None
    created_from: int | None = None
    created_until: int | None = None
    metrics: tuple[MetricFilter, ...] = ()
    parameters: tuple[ParameterFilter, ...] = ()
    where: Condition | None = None
    not_responding: frozenset[int] = frozenset()
    before_key: int | None = None
    last: int | None = None

    @property
    def has_value_conditions(self) -> bool:
        """True if there are conditions on metrics, parameters or other values, or words to search for."""
        return bool(self.metrics or self.parameters or self.where is not None or self.text is not None)

    @property
    def has_time_bounds(self) -> bool:
        """True if runs created before or after a certain time are excluded."""
        return self.created_from is not None or self.created_until is not None

    @property
    def condition_count(self) -> int:
        """The number of conditions, counting each compared value and search word; `MAX_CONDITIONS` is its limit."""
        pairs = len(self.tags) + len(self.properties) + len(self.metrics) + len(self.parameters)
        return pairs + _count_values(self.where) + len((self.text or "").split())


def _count_values(condition: Condition | None) -> int:
    if condition is None:
        return 0
    from mlrun_cli.runs.where.condition import iterate_predicates  # noqa: PLC0415 - start-up

    return sum(max(1, len(each.values)) for each in iterate_predicates(condition))


def uses_field(run_filter: RunFilter, field_name: str) -> bool:
    """Return whether a filter's `where` condition compares the given field of runs."""
    if run_filter.where is None:
        return False
    from mlrun_cli.runs.where.condition import iterate_predicates  # noqa: PLC0415 - start-up
    from mlrun_cli.runs.where.value_name import FIELD  # noqa: PLC0415

    return any(
        each.name.kind == FIELD and each.name.name == field_name for each in iterate_predicates(run_filter.where)
    )


class Term(NamedTuple):
    """A word of the filter language.

    Attributes:
        parse: converts one text to a value, given the current time in microseconds; raises `UsageError`.
        fields: converts all values to fields of `RunFilter`.
        option: the name of its option; empty if no command has one.
        metavar: the placeholder for its value in the option's help.
        help: the option's help.
        repeats: whether its option or text box takes more than one value; a menu always does.
        label: the title of its menu of values on pages of runs, or the name of its text box there; empty if pages have
            no such filter.
        example: the text in its empty text box; empty for a menu.
        suggestions: what its text box suggests: `metrics`, `parameters`, `tags`, `properties` or `times`, or nothing.
    """

    parse: Callable[[str, int], Any]
    fields: Callable[[tuple[Any, ...]], Mapping[str, Any]]
    option: str = ""
    metavar: str = ""
    help: str = ""
    repeats: bool = True
    label: str = ""
    example: str = ""
    suggestions: str = ""

    @property
    def has_menu(self) -> bool:
        """True if pages have a menu of the term's values."""
        return self.label != "" and not self.example


class Fault(NamedTuple):
    """An invalid filter, with the text typed by the user and the error."""

    text: str
    error: UsageError

    @property
    def message(self) -> str:
        """The error and its hint on one line."""
        return self.error.one_line


class ParsedFilter(NamedTuple):
    """A parsed filter with its faults.

    Attributes:
        which: the filter built from the valid texts.
        faults: the invalid texts, keyed by word.
    """

    which: RunFilter
    faults: Mapping[str, Fault]


def parse_filter(texts: Mapping[str, Sequence[str]], now: int) -> ParsedFilter:
    """Parse the texts entered for the terms in `TERMS` into a filter; report invalid texts as faults.

    Args:
        texts: the texts, keyed by word; a word without texts filters nothing.
        now: the current time in microseconds, from which durations are counted back.
    """
    which = RunFilter()
    faults: dict[str, Fault] = {}
    for word, term in TERMS.items():
        values = []
        for text in texts.get(word, ()):
            try:
                values.append(term.parse(text, now))
            except UsageError as error:
                faults[word] = Fault(text, error)
        if values:
            wider = _add_fields(which, term.fields(tuple(values)))
            if wider.condition_count > MAX_CONDITIONS:
                count, room = wider.condition_count - which.condition_count, MAX_CONDITIONS - which.condition_count
                faults[word] = Fault(
                    "", InvalidFilter(f"{count} filters by {word} are too many: {room} fit in, so none of them holds.")
                )
            else:
                which = wider
    return ParsedFilter(which, faults)


def _add_fields(run_filter: RunFilter, fields: Mapping[str, Any]) -> RunFilter:
    if "any_of" in fields:
        fields = {"any_of": {**run_filter.any_of, **fields["any_of"]}}
    return run_filter._replace(**fields)


def parse_tag_filter(text: str) -> TagFilter:
    r"""Parse a tag filter: `key` matches any value, `key=value` only this value; `\=` is an equals sign in a key.

    Raises:
        InvalidFilter: there is no key.
    """
    found = re.fullmatch(_PAIR, text)
    if found is None or not found[1].strip():
        raise InvalidFilter(f"'{text}' has no key.", hint="Write it as key=value, or key alone for any value.")
    key = re.sub(r"\\(.)", r"\1", found[1], flags=re.DOTALL)
    return TagFilter(key, found[2], any_value=found[2] is None)


def format_tag_filter(key: str, value: str | None) -> str:
    """Return the text of a filter on a tag or property, as `parse_tag_filter` takes it; None matches any value."""
    escaped = re.sub(r"([\\=])", r"\\\1", key)
    return escaped if value is None else f"{escaped}={value}"


def merge_tag_filters(filters: Iterable[TagFilter]) -> tuple[TagFilter, ...]:
    """Merge filters with the same key into one that matches any of their values."""
    by_key: dict[str, TagFilter] = {}
    for one in filters:
        other = by_key.get(one.key)
        if other is None or one.any_value:
            by_key[one.key] = one
        elif not other.any_value:
            by_key[one.key] = other._replace(or_values=(*other.or_values, one.value or ""))
    return tuple(by_key.values())


def _parse_search(text: str, _now: int) -> str:
    count = len(text.split())
    if count > _MAX_WORDS:
        raise InvalidFilter(f"There are {count} words to search for; {_MAX_WORDS} are allowed.")
    return text


def _create_last_value_converter(field_name: str) -> Callable[[tuple[Any, ...]], Mapping[str, Any]]:
    """Return a function that converts a term's values to a filter field whose value is the last of them."""
    return lambda values: {field_name: values[-1]}


def _create_any_of_converter(word: str) -> Callable[[tuple[Any, ...]], Mapping[str, Any]]:
    """Return a function that converts a term's values to the field `any_of`, with the set of them under `word`."""
    return lambda values: {"any_of": {word: frozenset(values)}}


def _parse_text(text: str, _now: int) -> str:
    return text


def _parse_metric_filter(text: str, _now: int) -> MetricFilter:
    from mlrun_cli.metrics.filter import MetricFilter  # noqa: PLC0415 - start-up

    return MetricFilter.parse(text)


def _parse_parameter_filter(text: str, _now: int) -> ParameterFilter:
    from mlrun_cli.runs.parameter_filter import ParameterFilter  # noqa: PLC0415 - start-up

    return ParameterFilter.parse(text)


def _parse_where(text: str, now: int) -> Condition:
    from mlrun_cli.runs.where.parser import parse_condition  # noqa: PLC0415 - start-up

    return parse_condition(text, now)


def _build_where_field(values: tuple[Condition, ...]) -> Mapping[str, Any]:
    """Return the filter field `where` with the conjunction of the given conditions."""
    from mlrun_cli.runs.where.condition import join_conditions  # noqa: PLC0415 - start-up

    return {"where": join_conditions(values)}


TERMS: Mapping[str, Term] = {
    "search": Term(
        _parse_search,
        lambda values: {"text": " ".join(values), "include_children": True},
        option="--search",
        metavar="WORDS",
        help="Runs, including child runs, with each of the words in their tags, parameters, names, ids or description.",
        repeats=False,
        label="Search tags, parameters, description, experiment, submitter and run id",
        example="Search runs",
    ),
    "where": Term(
        _parse_where,
        _build_where_field,
        option="--where",
        metavar="CONDITION",
        help="Runs for which this holds: 'loss < 0.3 and lr >= 0.01 and not tag.team = a'; see mlrun help queries.",
        label="Condition, as loss < 0.3 and lr >= 0.01 and not tag.team = a",
        example="loss < 0.3 and lr >= 0.01",
    ),
    "status": Term(
        lambda text, _now: parse_statuses(text),
        lambda values: {"statuses": frozenset().union(*values)},
        option="--status",
        metavar="STATUS",
        help="Runs with this status, or one of several separated by commas; active for all that have not ended.",
        label="Status",
    ),
    "metric": Term(
        _parse_metric_filter,
        lambda values: {"metrics": values},
        label="Metric compared with a number, as accuracy > 0.9",
        example="accuracy > 0.9",
        suggestions="metrics",
    ),
    "parameter": Term(
        _parse_parameter_filter,
        lambda values: {"parameters": values},
        label="Parameter compared with a number or a text, as lr >= 0.01 or optimizer = adam",
        example="lr >= 0.01",
        suggestions="parameters",
    ),
    "tag": Term(
        lambda text, _now: parse_tag_filter(text),
        lambda values: {"tags": merge_tag_filters(values)},
        option="--tags",
        metavar="KEY[=VALUE]",
        help="Runs with this tag.",
        label="Tag, as key or key=value",
        example="tag or tag=value",
        suggestions="tags",
    ),
    "property": Term(
        lambda text, _now: parse_tag_filter(text),
        lambda values: {"properties": merge_tag_filters(values)},
        label="Property, as key or key=value",
        example="property=value",
        suggestions="properties",
    ),
    "since": Term(
        parse_time,
        _create_last_value_converter("created_from"),
        option="--since",
        metavar="TIME",
        help="Runs created since: 7d, 12h, 2026-01-31 or 2026-01-31T09:30.",
        repeats=False,
        label="Created since: 7d, 12h, 2026-01-31 or 2026-01-31T09:30",
        example="since 7d",
        suggestions="times",
    ),
    "until": Term(
        lambda text, now: parse_time(text, now, is_end=True),
        _create_last_value_converter("created_until"),
        option="--until",
        metavar="TIME",
        help="Runs created until this time.",
        repeats=False,
        label="Created until: 2026-01-31 or 2026-01-31T09:30",
        example="until 2026-01-31",
    ),
    "experiment": Term(_parse_text, _create_any_of_converter("experiment"), label="Experiment"),
    "target": Term(
        _parse_text,
        _create_any_of_converter("target"),
        option="--compute-target-name",
        metavar="NAME",
        help="Runs on this compute target.",
        repeats=False,
        label="Target",
    ),
    "submitter": Term(_parse_text, _create_any_of_converter("submitter"), label="Submitter"),
    "type": Term(_parse_text, _create_any_of_converter("type"), label="Type"),
    "parent": Term(
        _parse_text,
        _create_last_value_converter("parent_run_id"),
        option="--parent-run-id",
        metavar="ID",
        help="Child runs of the run with this id, its first characters, or @latest.",
        repeats=False,
    ),
}
"""By word, in the order of the options, and of text boxes, menus and parameters in addresses on pages."""
