"""Limits on the size of a snapshot, and the error for a folder that exceeds them."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable, Mapping

from mlrun_cli.core.named_tuple import NamedTuple
from mlrun_cli.core.sizes import MEGABYTE, format_size
from mlrun_cli.errors import InvalidValue, SnapshotTooLarge, UsageError
from mlrun_cli.snapshots.ignore import IgnoreRules
from mlrun_cli.snapshots.snapshot import escape_path

_MAX_MB = "MLRUN_SNAPSHOT_MAX_MB"
_MAX_FILES = "MLRUN_SNAPSHOT_MAX_FILES"
_NAMED = 3
_NEEDS_BACKSLASH = r"([*?\[\\])"
_NOT_IN_A_LINE = r"[\n\r\ud800-\udfff]"


class SnapshotLimits(NamedTuple):
    """The maximum size of a snapshot in bytes and in files, by default as in Azure."""

    size: int = 300 * MEGABYTE
    files: int = 2000

    @classmethod
    def from_environment(cls, environ: Mapping[str, str]) -> SnapshotLimits:
        """Return the limits from MLRUN_SNAPSHOT_MAX_MB and MLRUN_SNAPSHOT_MAX_FILES, or the defaults.

        Raises:
            UsageError: one of them is not a whole number above 0.
        """
        default = cls()
        megabytes = _read_positive_number(environ, _MAX_MB, default.size // MEGABYTE)
        return cls(megabytes * MEGABYTE, _read_positive_number(environ, _MAX_FILES, default.files))


def _read_positive_number(environ: Mapping[str, str], name: str, default: int) -> int:
    text = environ.get(name, "").strip()
    if not text:
        return default
    if not re.fullmatch(r"0*[1-9][0-9]{0,11}", text, re.ASCII):
        raise InvalidValue(
            f"{name}: '{escape_path(text)}' is not a whole number above 0.",
            hint=f"Set it as in {name}={default}, or unset it for Azure's limit.",
            target=name,
        )
    return int(text)


class Amount:
    """The size in bytes and the number of files of a folder or a file, or of both in total."""

    __slots__ = ("files", "size")

    def __init__(self, size: int = 0, files: int = 0) -> None:
        self.size = size
        self.files = files

    def add(self, size: int) -> None:
        """Count another file of `size` bytes."""
        self.size += size
        self.files += 1

    def exceeds(self, limits: SnapshotLimits) -> bool:
        """Return whether the amount exceeds one of the limits."""
        return self.size > limits.size or self.files > limits.files


def build_too_large_error(
    source: str,
    files: Iterable[tuple[str, int]],
    limits: SnapshotLimits,
    rules: IgnoreRules,
    *,
    is_scan_complete: bool,
) -> UsageError:
    """Return the error for a folder that exceeds a limit, with its largest parts and a command to exclude them.

    Args:
        source: the folder as specified by the user.
        files: the path and size of each file that was found.
        limits: the limits that are exceeded.
        rules: the ignore rules of the folder.
        is_scan_complete: False if the scan was aborted, so that there are more files.
    """
    amounts = _sum_amounts_by_path(files)
    total = amounts.pop("")
    largest = _list_largest_paths(amounts, total, limits)
    more = "" if is_scan_complete else "more than "
    places = ", ".join(_format_path_amount(path, amounts[path]) for path in largest[:_NAMED])
    command = _build_exclude_command(source, rules, _select_largest_paths(largest, amounts, total, limits))
    return SnapshotTooLarge(
        f"'{escape_path(source)}' is too large for a snapshot:"
        f" {_describe_excess(total, limits, more)}. Largest: {places}.",
        hint=f"To leave it out: {command}   (or set {_MAX_MB}, {_MAX_FILES})",
        target=escape_path(source),
    )


def _describe_excess(total: Amount, limits: SnapshotLimits, prefix: str) -> str:
    """Return the total amount and the limits that it exceeds, with enough digits to distinguish their sizes."""
    size, limit = format_size(total.size), format_size(limits.size)
    if size == limit:
        size, limit = f"{total.size:,} bytes", f"{limits.size:,} bytes"
    exceeded = [limit] if total.size > limits.size else []
    exceeded += [_format_file_count(limits.files)] if total.files > limits.files else []
    files = _format_file_count(total.files)
    return f"{prefix}{size} in {prefix}{files}, where {' in '.join(exceeded)} are allowed"


def _sum_amounts_by_path(files: Iterable[tuple[str, int]]) -> dict[str, Amount]:
    """Return the amounts of each file, each folder (key with a trailing slash) and all files (empty key)."""
    amounts: dict[str, Amount] = {}
    for path, size in files:
        end = 0
        while end >= 0:
            amounts.setdefault(path[: end and end + 1], Amount()).add(size)
            end = path.find("/", end + 1)
        amounts.setdefault(path, Amount()).add(size)
    return amounts


def _list_largest_paths(amounts: dict[str, Amount], total: Amount, limits: SnapshotLimits) -> list[str]:
    """Return the paths of the largest files and folders, largest first; no folder contains another of the paths.

    A folder is replaced by its entries if one of them makes up more than half of it: the list has `src/data/` instead
    of `src/`. Hidden folders and virtual environments are never split.
    """

    def compute_weight(path: str) -> float:
        amount = amounts[path]
        by_size = amount.size / limits.size if total.size > limits.size else 0.0
        by_files = amount.files / limits.files if total.files > limits.files else 0.0
        return by_size + by_files

    children: dict[str, list[str]] = {}
    for path in amounts:
        children.setdefault(path[: path.rstrip("/").rfind("/") + 1], []).append(path)
    chosen = []
    to_look_at = list(children[""])
    while to_look_at:
        path = to_look_at.pop()
        inside = children.get(path, [])
        is_one_thing = path.startswith(".") or "/." in path or f"{path}pyvenv.cfg" in amounts
        if inside and not is_one_thing and 2 * max(map(compute_weight, inside)) > compute_weight(path):
            to_look_at += inside
        else:
            chosen.append(path)
    worth_naming = max(map(compute_weight, chosen)) / 100
    return sorted(
        (path for path in chosen if compute_weight(path) >= worth_naming),
        key=lambda path: (-compute_weight(path), path),
    )


def _select_largest_paths(
    largest: list[str], amounts: dict[str, Amount], total: Amount, limits: SnapshotLimits
) -> list[str]:
    """Return the first paths in `largest` whose removal suffices to meet the limits, but at most `_NAMED`."""
    rest = Amount(total.size, total.files)
    enough = []
    for path in largest[:_NAMED]:
        enough.append(path)
        rest = Amount(rest.size - amounts[path].size, rest.files - amounts[path].files)
        if not rest.exceeds(limits):
            break
    return enough


def _build_exclude_command(source: str, rules: IgnoreRules, paths: list[str]) -> str:
    """Return a shell command that adds the paths to `.amlignore` and retains the existing ignore rules."""
    folder = "" if source == "." else f"{source.rstrip('/')}/"
    amlignore = shlex.quote(f"{folder}.amlignore")
    end_of_last_line = [""] if rules.ends_open else []
    lines = " ".join(map(shlex.quote, [*end_of_last_line, *map(_build_ignore_pattern, paths)]))
    keep = f"cp {shlex.quote(f'{folder}.gitignore')} {amlignore} && " if rules.file_name == ".gitignore" else ""
    return f"{keep}printf '%s\\n' {lines} >> {amlignore}"


def _build_ignore_pattern(path: str) -> str:
    """Return an ignore pattern that matches this path and, apart from unusual characters, no other path."""
    line = "/" + re.sub(_NOT_IN_A_LINE, "?", re.sub(_NEEDS_BACKSLASH, r"\\\1", path))
    return f"{line[:-1]}\\ " if line.endswith(" ") else line


def _format_path_amount(path: str, amount: Amount) -> str:
    return f"{escape_path(path)} ({_format_amount(amount) if path.endswith('/') else format_size(amount.size)})"


def _format_amount(amount: Amount) -> str:
    return f"{format_size(amount.size)} in {_format_file_count(amount.files)}"


def _format_file_count(count: int) -> str:
    return "1 file" if count == 1 else f"{count:,} files"
