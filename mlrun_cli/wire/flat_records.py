"""Records as rows of a flat table, for `-o csv` and data frames of the SDK.

The keys of nested mappings are joined by dots, as by `pandas.json_normalize`: `{"tags": {"team": "a"}}` has the column
`tags.team`. Other values, lists among them, stay as they are.
"""

from typing import Any, Dict, Iterable, List, Mapping, Sequence

RUN_COLUMNS = (
    "run_id",
    "display_name",
    "_experiment_name",
    "status",
    "created_utc",
    "start_time_utc",
    "end_time_utc",
    "duration_seconds",
    "target",
    "parameters.",
    "metrics.",
    "tags.",
)
"""The first columns of runs, for `list_columns`."""


def flatten_record(record: Mapping[str, Any]) -> Dict[str, Any]:
    """Return a record with nested mappings flattened into keys such as `tags.team`; empty mappings are dropped."""
    flat = {}  # type: Dict[str, Any]
    _flatten(record, "", flat)
    return flat


def list_columns(rows: Iterable[Mapping[str, Any]], first_columns: Sequence[str] = (), *, is_sorted: bool) -> List[str]:
    """Return the columns of flat records: `first_columns`, then all others, optionally sorted.

    Args:
        rows: the records, whose columns may differ.
        first_columns: columns that come first, even without values; a name with a dot at its end stands for the columns
            that begin with it, sorted.
        is_sorted: whether to sort the other columns; otherwise they stand in the order of the records.
    """
    others = dict.fromkeys(name for row in rows for name in row)
    columns = {}  # type: Dict[str, None]
    for name in first_columns:
        columns.update(
            dict.fromkeys(sorted(other for other in others if other.startswith(name)))
            if name.endswith(".")
            else {name: None}
        )
    columns.update(dict.fromkeys(sorted(others) if is_sorted else others))
    return list(columns)


def _flatten(record: Mapping[str, Any], prefix: str, flat: Dict[str, Any]) -> None:
    for key, value in record.items():
        name = f"{prefix}{key}"
        if isinstance(value, Mapping):
            _flatten(value, f"{name}.", flat)
        else:
            flat[name] = value
