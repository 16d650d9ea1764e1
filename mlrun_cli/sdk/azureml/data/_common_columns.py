"""Columns that the files of a table have in common, by which a file can be read alone with the types of the whole."""

from typing import Any, Dict, List, NamedTuple, Optional, Sequence

from azureml.data._column_kinds import TEXT, ColumnKinds, is_time

_MISSABLE = {"b": "object", "i": "float64", "u": "float64"}
"""Types that can have missing values, in place of the types of these kinds, which cannot."""


class CommonColumn(NamedTuple):
    """A column of the whole table.

    Attributes:
        name: its name, in general a string.
        kind: its inferred kind, if some delimited file alone would give another; else None.
        dtype: its pandas type, as text.
    """

    name: Any
    kind: Optional[str]
    dtype: str


def list_kinds(columns: Optional[Sequence[CommonColumn]]) -> ColumnKinds:
    """Return the kinds of the columns that some file alone would read as another kind."""
    return {column.name: column.kind for column in columns or () if column.kind is not None}


def join_tables(pandas: Any, tables: "List[Any]") -> Any:
    """Return the rows of all tables as one, in which columns without values in one table take the type of the others.

    Columns have the order in which they first appear. Those of categories keep these only if they are in all tables.
    """
    if len(tables) == 1:
        return tables[0]
    holders = _replace_categories(pandas, [table for table in tables if len(table)] or tables)
    dtypes: Dict[Any, Any] = {}
    valued = set()
    parts = []
    for table in holders:
        part = table.loc[:, [bool(table[name].notna().any()) for name in table.columns]]
        valued.update(part.columns)
        parts.append(part)
        for name in table.columns:
            dtypes.setdefault(name, table[name].dtype)
    names = list(dict.fromkeys(name for table in tables for name in table.columns))
    joined = pandas.concat(parts, ignore_index=True).reindex(columns=names)
    for name in names:
        if name not in valued:
            joined[name] = pandas.Series(index=joined.index, dtype=dtypes.get(name, object))
    return joined


def extract_sample(pandas: Any, table: Any) -> Any:
    """Return a table of one row with a value of each column, missing only where the column has no value."""
    columns = {}
    for name in table.columns:
        values = table[name].dropna().iloc[:1]
        columns[name] = (values if len(values) else table[name].iloc[:1]).reset_index(drop=True)
    return pandas.DataFrame(columns, index=range(min(len(table), 1)))


def find_common_columns(pandas: Any, samples: "List[Any]", kinds: ColumnKinds) -> "Optional[List[CommonColumn]]":
    """Return the columns of the whole table, or None if each file, read on its own, has the same columns and types.

    Args:
        pandas: the module.
        samples: a sample of each file, whose types are those of the file alone.
        kinds: the kinds, in the whole table, of columns that files alone would read as other kinds.
    """
    joined = join_tables(pandas, [_adapt_sample(sample, kinds) for sample in samples])
    dtypes = {name: str(joined[name].dtype) for name in joined.columns}
    names = list(dict.fromkeys(name for sample in samples for name in sample.columns))
    if not kinds and all(
        list(sample.columns) == names and all(str(sample[name].dtype) == dtypes[name] for name in names)
        for sample in samples
    ):
        return None
    return [CommonColumn(name, kinds.get(name), dtypes[name]) for name in names]


def apply_common_columns(pandas: Any, table: Any, columns: Sequence[CommonColumn]) -> Any:
    """Return a table of one file with the columns of the whole dataset, converted to their common types."""
    table = table.reindex(columns=[column.name for column in columns])
    for column in columns:
        values = table[column.name]
        if str(values.dtype) == column.dtype != "object":
            continue
        is_missing = not values.notna().any()
        empty = pandas.Series(index=table.index, dtype=column.dtype)  # all missing, as NaN in columns of objects
        table[column.name] = empty if is_missing else values.astype(column.dtype)
    return table


def _replace_categories(pandas: Any, tables: "List[Any]") -> "List[Any]":
    """Return the tables with plain values in columns whose categories differ between the tables."""
    found = []
    for table in tables:
        plain = {
            name: _MISSABLE.get(table[name].cat.categories.dtype.kind, table[name].cat.categories.dtype)
            for name in table.columns
            if isinstance(table[name].dtype, pandas.CategoricalDtype)
            and any(name not in other.columns or other[name].dtype != table[name].dtype for other in tables)
        }
        found.append(table.astype(plain) if plain else table)
    return found


def _adapt_sample(sample: Any, kinds: ColumnKinds) -> Any:
    """Return the sample of a file as it would be if the columns of these kinds were read as such."""
    sample = sample.copy()
    for name, kind in kinds.items():
        if name not in sample.columns:
            continue
        if kind == TEXT:
            sample[name] = sample[name].astype(str)
        elif is_time(kind) and sample[name].dtype.kind != "M":
            # Times in this file can be read in two ways or are missing; those of another file have the type.
            sample = sample.drop(columns=[name])
    return sample
