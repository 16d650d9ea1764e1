"""The ignore rules of a source folder, from `.amlignore` or else `.gitignore`.

As in Azure, only the file at the top of the folder is used. Its patterns have the same meaning as for git, with one
exception, also as in Azure: `!data/small.csv` includes that file even after `data/`.
"""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import TYPE_CHECKING

from mlrun_cli.errors import InvalidFile
from mlrun_cli.snapshots.snapshot import escape_path

if TYPE_CHECKING:
    from pathspec import GitIgnoreSpec

IGNORE_FILES = (".amlignore", ".gitignore")
_MAX_BYTES = 1024 * 1024
_SPECIAL = frozenset("*?[]\\!#")
_NO_NAMES = frozenset({"", ".", ".."})


class IgnoreRules:
    """The patterns of an ignore file.

    `file_name` is the name of the ignore file, or None, and `ends_open` tells whether its last line lacks a newline.
    `notes` has a line for each invalid pattern, which is skipped. `has_negation` tells whether a pattern starts with
    `!`, so that a path may be included although a folder above it is ignored.

    Names and paths without wildcards, by far the most frequent patterns, are looked up in sets, and pathspec is
    imported only for other patterns, because the import takes 30 ms. If a pattern is negated, the order
    matters, so that pathspec handles all patterns.
    """

    def __init__(self, lines: list[str], file_name: str | None = None) -> None:
        self.file_name = file_name
        self.ends_open = bool(lines and lines[-1])
        self.notes: list[str] = []
        self._names: set[str] = set()
        self._folder_names: set[str] = set()
        self._paths: set[str] = set()
        self._folder_paths: set[str] = set()
        patterns = [line for line in lines if line.strip() and not line.startswith("#")]
        self.has_negation = any(line.startswith("!") for line in patterns)
        rest = patterns if self.has_negation else [line for line in patterns if not self._add_plain_pattern(line)]
        self._spec = self._compile_patterns(rest) if rest else None

    @classmethod
    def read(cls, folder: Path) -> IgnoreRules:
        """Return the rules from a folder's ignore file, or empty rules if there is none.

        Raises:
            InvalidFile: the ignore file cannot be read or is over 1 MiB.
        """
        for file_name in IGNORE_FILES:
            content = _read_regular_file(folder / file_name)
            if content is not None:
                text = content.decode("utf-8-sig", "surrogateescape")
                return cls([line.removesuffix("\r") for line in text.split("\n")], file_name)
        return cls([])

    def ignores(self, path: str, *, is_folder: bool) -> bool:
        """Return whether a path is ignored; unless `has_negation`, the caller must check the parent folders first."""
        name = path.rpartition("/")[2]
        if name in self._names or path in self._paths:
            return True
        if is_folder and (name in self._folder_names or path in self._folder_paths):
            return True
        return self._spec is not None and self._spec.match_file(f"{path}/" if is_folder else path)

    def _add_plain_pattern(self, line: str) -> bool:
        """Add a pattern if it is a name or a path without wildcards; return whether it was added."""
        name = line.removesuffix("/")
        if not name.isprintable() or name != name.strip() or _SPECIAL.intersection(name):
            return False
        path = name.removeprefix("/")
        if _NO_NAMES.intersection(path.split("/")):
            return False
        names, folders = (self._paths, self._folder_paths) if "/" in name else (self._names, self._folder_names)
        (names if name == line else folders).add(path)
        return True

    def _compile_patterns(self, lines: list[str]) -> GitIgnoreSpec:
        """Return a matcher for the valid patterns among these lines, and add a note for each invalid line."""
        from pathspec import GitIgnoreSpec  # noqa: PLC0415 - start-up

        def is_pattern(line: str) -> bool:
            try:
                GitIgnoreSpec.from_lines([line])
            except ValueError:
                self.notes.append(f"{self.file_name}: '{escape_path(line)}' is not a pattern; it is skipped.")
                return False
            return True

        return GitIgnoreSpec.from_lines(filter(is_pattern, lines))


def _read_regular_file(path: Path) -> bytes | None:
    """Return the content of a regular file, or None if there is no regular file at this path."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise InvalidFile(path, f"it cannot be read ({error.strerror}).", hint=_READ_HINT) from error
    try:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            return None
        content = os.read(descriptor, _MAX_BYTES + 1)
    finally:
        os.close(descriptor)
    if len(content) > _MAX_BYTES:
        raise InvalidFile(path, "it is over 1 MiB long, which no list of patterns is.")
    return content


_READ_HINT = "Make it readable, or remove it: without it, what it names would be in the snapshot."
