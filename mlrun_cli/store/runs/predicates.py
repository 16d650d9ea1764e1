"""The SQL of single comparisons."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from mlrun_cli.core.named_tuple import NamedTuple
from mlrun_cli.core.time import now
from mlrun_cli.metrics.metric import LAST, MAX, MIN
from mlrun_cli.runs.order import METRIC, PARAMETER, PROPERTY, TAG
from mlrun_cli.runs.status import RunStatus
from mlrun_cli.runs.where.condition import EXISTS, IN, Predicate
from mlrun_cli.runs.where.value_name import FIELD, FIELDS
from mlrun_cli.store.db.database import build_in_list
from mlrun_cli.store.metrics import ENDS_IN_NAN
from mlrun_cli.store.runs.rows import DURATION, ELAPSED, IS_RUNNING

METRIC_COLUMNS = {LAST: "last_value", MIN: "min_value", MAX: "max_value"}

_TABLES = {
    METRIC: ("metrics", "name"),
    PARAMETER: ("run_parameters", "name"),
    TAG: ("run_tags", "key"),
    PROPERTY: ("run_properties", "key"),
}
"""The tables of named values, each with the column of the names."""
_TEXT_COLUMNS = {METRIC: "", PARAMETER: "text", TAG: "value", PROPERTY: "value"}
EXPERIMENT_NAME = "(SELECT name FROM experiments WHERE experiments.experiment_key = runs.experiment_key)"
COLUMNS = {
    "run_id": "runs.run_id",
    "display_name": "runs.display_name",
    "description": "runs.description",
    "experiment": EXPERIMENT_NAME,
    "target": "runs.target",
    "submitter": "runs.user_name",
    "type": "runs.run_type",
    "run_number": "runs.run_number",
    "exit_code": "runs.exit_code",
    "created": "runs.created_at",
    "started": "runs.started_at",
    "ended": "runs.ended_at",
}
_INDEXED = frozenset(
    {
        *("run_id", "display_name", "target", "submitter", "type", "run_number", "exit_code"),
        *("created", "started", "ended"),
    }
)
_ENDS_IN_NAN = f"metrics.last_value IS NULL AND {ENDS_IN_NAN}"
_RANGES = frozenset({"=", "<", "<=", ">", ">=", IN})
"""The operators that an index serves."""


class PredicateSql(NamedTuple):
    """The SQL of a comparison.

    Attributes:
        table: the table that contains the values: `runs`, or one with a row for each value of a run.
        condition: the condition on a row of the table.
        parameters: the SQL parameters.
        is_indexed: whether an index returns the rows.
        others: the condition on other rows of the table that match as well, because of a value that no index contains:
            a duration that grows with time, or NaN, which is null there; None if there are none.
    """

    table: str
    condition: str
    parameters: Mapping[str, object]
    is_indexed: bool = True
    others: str | None = None


def build_predicate_sql(
    predicate: Predicate, parameter_prefix: str, unresponsive_keys: frozenset[int] = frozenset()
) -> PredicateSql:
    """Return the SQL of a comparison of a run's value, such as a field, tag or metric, with constants.

    Args:
        predicate: the comparison.
        parameter_prefix: the first letters of the names of the SQL parameters.
        unresponsive_keys: keys of live runs that do not respond, which is their status.
    """
    if predicate.name.kind == FIELD:
        return _build_field_predicate_sql(predicate, parameter_prefix, unresponsive_keys)
    table, key = _TABLES[predicate.name.kind]
    conditions = [f"{table}.{key} = :{parameter_prefix}_name"]
    parameters: dict[str, object] = {f"{parameter_prefix}_name": predicate.name.name}
    if predicate.operator != EXISTS:
        column = _get_column(predicate)
        compared, values = _build_comparison(
            f"{table}.{column}", predicate.operator, predicate.values, parameter_prefix
        )
        conditions.append(compared)
        parameters.update(values)
        if column == "sort_value":
            conditions.extend(_build_type_conditions(f"{table}.{column}", predicate))
    others = None
    if predicate.operator == "!=" and predicate.name.kind == METRIC and predicate.name.which == LAST:
        others = f"{conditions[0]} AND {_ENDS_IN_NAN}"
    is_indexed = predicate.operator not in {"~", "!~"}
    return PredicateSql(table, " AND ".join(conditions), parameters, is_indexed, others)


def _get_column(predicate: Predicate) -> str:
    kind, operator = predicate.name.kind, predicate.operator
    if kind == METRIC:
        return METRIC_COLUMNS[predicate.name.which]
    is_text = operator in {"~", "!~"} or (kind != PARAMETER and operator in {"=", "!=", IN})
    return _TEXT_COLUMNS[kind] if is_text else "sort_value"


def _build_type_conditions(column: str, predicate: Predicate) -> Sequence[str]:
    """Return the conditions that restrict a comparison to values of the same type as its constants.

    Every text is greater than every number, and no text is less than the empty one.
    """
    is_text = isinstance(predicate.values[0], str)
    if is_text and predicate.operator in {"<", "<="}:
        return [f"{column} >= ''"]
    return [f"{column} < ''"] if not is_text and predicate.operator in {">", ">="} else []


def _build_comparison(
    column: str, operator: str, values: Sequence[object], parameter_prefix: str
) -> tuple[str, Mapping[str, object]]:
    if operator == IN:
        places, parameters = build_in_list(parameter_prefix, values)
        return f"{column} IN {places}", parameters
    if operator in {"~", "!~"}:
        escaped = str(values[0]).replace("!", "!!").replace("%", "!%").replace("_", "!_")
        return f"{column} {'' if operator == '~' else 'NOT '}LIKE :{parameter_prefix} ESCAPE '!'", {
            parameter_prefix: f"%{escaped}%"
        }
    return f"{column} {'<>' if operator == '!=' else operator} :{parameter_prefix}", {parameter_prefix: values[0]}


def _build_field_predicate_sql(
    predicate: Predicate, parameter_prefix: str, unresponsive_keys: frozenset[int]
) -> PredicateSql:
    field, operator = predicate.name.name, predicate.operator
    if field == "status":
        return _build_status_predicate_sql(predicate, parameter_prefix, unresponsive_keys)
    if FIELDS[field] == "time":
        return _build_time_predicate_sql(predicate, parameter_prefix)
    if field == "duration":
        condition, parameters = _build_comparison(DURATION, operator, predicate.values, parameter_prefix)
        elapsed = ELAPSED.replace(":order_now", f":{parameter_prefix}_now")
        growing, _ = _build_comparison(elapsed, operator, predicate.values, parameter_prefix)
        others = f"{IS_RUNNING} AND {growing}"
        return PredicateSql("runs", condition, {**parameters, f"{parameter_prefix}_now": now()}, others=others)
    condition, parameters = _build_comparison(COLUMNS[field], operator, predicate.values, parameter_prefix)
    return PredicateSql("runs", condition, parameters, is_indexed=field in _INDEXED and operator in _RANGES)


def _build_status_predicate_sql(
    predicate: Predicate, parameter_prefix: str, unresponsive_keys: frozenset[int]
) -> PredicateSql:
    places, parameters = build_in_list(parameter_prefix, predicate.values)
    status = "runs.status"
    if unresponsive_keys:
        lost, keys = build_in_list(f"{parameter_prefix}_lost", sorted(unresponsive_keys))
        parameters.update(keys)
        status = f"CASE WHEN runs.run_key IN {lost} THEN '{RunStatus.NOT_RESPONDING.value}' ELSE runs.status END"
    is_negated = predicate.operator == "!="
    return PredicateSql("runs", f"{status} {'NOT ' if is_negated else ''}IN {places}", parameters, is_indexed=False)


def _build_time_predicate_sql(predicate: Predicate, parameter_prefix: str) -> PredicateSql:
    """Return the SQL of a comparison with a point in time or a whole day."""
    column, operator = COLUMNS[predicate.name.name], predicate.operator
    start, end = predicate.values
    if start == end:
        condition, parameters = _build_comparison(column, operator, [start], parameter_prefix)
    elif operator in {"=", "!="}:
        inside = f"{column} >= :{parameter_prefix}_start AND {column} < :{parameter_prefix}_end"
        condition = inside if operator == "=" else f"NOT ({inside})"
        parameters = {f"{parameter_prefix}_start": start, f"{parameter_prefix}_end": end}
    else:
        # After a day is from its end, and until a day is before its end.
        meant = {"<": ("<", start), "<=": ("<", end), ">": (">=", end), ">=": (">=", start)}[operator]
        condition, parameters = _build_comparison(column, meant[0], [meant[1]], parameter_prefix)
    is_indexed = predicate.name.name in _INDEXED and operator in _RANGES
    return PredicateSql("runs", condition, parameters, is_indexed=is_indexed)
