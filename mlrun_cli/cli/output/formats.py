"""Rendering of results as text that is identical to az's output; az has neither CSV nor Markdown.

The rules that are not obvious: the keys of JSON and YAML are sorted. NaN and Infinity, which az prints although they
are not valid JSON, become null; YAML has its own notation for them. A table leaves out `id`, `type`, `etag`, null and
nested values. TSV shows the length of a list, and nothing for a mapping. In both, the keys of plain records are sorted,
and those that a query creates keep their order.
"""

from __future__ import annotations

import json
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from enum import Enum
from math import isfinite

from mlrun_cli.errors import MlrunError


class OutputFormat(str, Enum):
    """An output format, as given by `-o`."""

    JSON = "json"
    JSONC = "jsonc"
    TABLE = "table"
    TSV = "tsv"
    YAML = "yaml"
    YAMLC = "yamlc"
    CSV = "csv"
    MARKDOWN = "md"
    NONE = "none"


_LEFT_OUT_OF_TABLES = frozenset({"id", "type", "etag"})


def render(
    value: object,
    output_format: OutputFormat,
    *,
    is_query: bool,
    colour: bool = False,
    first_columns: Sequence[str] = (),
) -> str:
    """Render a JSON-like value as text with a final newline, or as an empty string for null or the format `none`.

    Args:
        value: the result of the command or of a query; mappings that a query creates are `OrderedDict`.
        output_format: the format of the text.
        is_query: whether `value` is the result of a query, which determines the order of a table's columns.
        colour: whether to colour `jsonc` and `yamlc`.
        first_columns: the first columns of `csv`, which it has even for an empty list.

    Raises:
        MlrunError: `value` contains nothing that a table can show.
    """
    if value is None or output_format is OutputFormat.NONE:
        return ""
    match output_format:  # mypy finds a format that is missing here
        case OutputFormat.TABLE:
            return _format_table(value, sort_keys=not is_query)
        case OutputFormat.TSV:
            return _format_tsv(value)
        case OutputFormat.CSV | OutputFormat.MARKDOWN:
            from mlrun_cli.cli.output.flat_formats import format_csv, format_markdown  # noqa: PLC0415 - start-up

            is_csv = output_format is OutputFormat.CSV
            return format_csv(value, first_columns=first_columns) if is_csv else format_markdown(value)
        case OutputFormat.JSON | OutputFormat.JSONC:
            text = _format_json(value)
            return _highlight(text, "json") if colour and output_format is OutputFormat.JSONC else text
        case OutputFormat.YAML | OutputFormat.YAMLC:
            text = _format_yaml(value)
            return _highlight(text, "yaml") if colour and output_format is OutputFormat.YAMLC else text


def list_left_out_columns(value: object) -> list[str]:
    """Return the columns that a query names but that a table leaves out, as the tables of az do."""
    rows = [row for row in _list_items(value) if isinstance(row, OrderedDict)]
    return sorted({key for row in rows for key in row if key in _LEFT_OUT_OF_TABLES})


def format_strict_json(value: object, *, indent: int | None, ensure_ascii: bool) -> str:
    """Return JSON that every parser accepts, with sorted keys and with null for NaN and infinities."""

    def encode(value: object) -> str:
        return json.dumps(value, indent=indent, ensure_ascii=ensure_ascii, sort_keys=True, allow_nan=False)

    try:
        return encode(value)
    except ValueError:  # rare, and checking every value takes longer than writing it
        return encode(_replace_non_finite(value))


def _replace_non_finite(value: object) -> object:
    if isinstance(value, dict):
        return {key: _replace_non_finite(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_replace_non_finite(item) for item in value]
    return None if isinstance(value, float) and not isfinite(value) else value


def _format_json(value: object) -> str:
    return format_strict_json(value, indent=2, ensure_ascii=False) + "\n"


def _format_yaml(value: object) -> str:
    import yaml  # noqa: PLC0415

    # An OrderedDict has no YAML of its own. Read back from JSON, a value that occurs twice is two.
    plain = json.loads(json.dumps(value)) if _contains_ordered_dict(value) else value
    return yaml.safe_dump(plain, default_flow_style=False, allow_unicode=True)


def _contains_ordered_dict(value: object) -> bool:
    """Return whether a value is or contains an `OrderedDict`, which queries create."""
    if isinstance(value, dict):
        return isinstance(value, OrderedDict) or any(map(_contains_ordered_dict, value.values()))
    return isinstance(value, list) and any(map(_contains_ordered_dict, value))


def _highlight(text: str, language: str) -> str:
    from pygments import highlight  # noqa: PLC0415
    from pygments.formatters import TerminalFormatter  # noqa: PLC0415
    from pygments.lexers import get_lexer_by_name  # noqa: PLC0415

    return highlight(text, get_lexer_by_name(language), TerminalFormatter())


def _format_table(value: object, *, sort_keys: bool) -> str:
    from tabulate import tabulate  # noqa: PLC0415

    rows = [_build_table_row(item, sort_keys=sort_keys) for item in _list_items(value)]
    if not rows:
        return "\n"
    text = tabulate(rows, headers="keys", tablefmt="simple", disable_numparse=True)
    if text == "\n":
        raise MlrunError(
            "The result has nothing that a table can show.",
            hint="Name the columns, as in --query '[].{id: run_id}', or use -o json.",
        )
    return text + "\n"


def _build_table_row(item: object, *, sort_keys: bool) -> dict[str, object]:
    if isinstance(item, Mapping):
        return {
            key[:1].upper() + key[1:]: item[key]
            for key in (sorted(item) if sort_keys else item)
            if key not in _LEFT_OUT_OF_TABLES and not isinstance(item[key], (list, dict, type(None)))
        }
    if isinstance(item, list):
        return {f"Column{number}": cell for number, cell in enumerate(item, start=1)}
    return {"Result": item}


def _format_tsv(value: object) -> str:
    return "".join(_format_tsv_row(item) + "\n" for item in _list_items(value))


def _format_tsv_row(item: object) -> str:
    if isinstance(item, bool):
        return str(item).lower()
    if isinstance(item, list):
        cells = item
    elif isinstance(item, OrderedDict):
        cells = list(item.values())
    elif isinstance(item, dict):
        cells = [item[key] for key in sorted(item)]
    else:
        cells = [item]
    return "\t".join(map(_format_tsv_cell, cells))


def _format_tsv_cell(cell: object) -> str:
    if isinstance(cell, list):
        return str(len(cell))
    if isinstance(cell, dict):
        return ""
    return str(cell)


def _list_items(value: object) -> list[object]:
    """Return a list unchanged, or any other value as a list with this single item."""
    return value if isinstance(value, list) else [value]
