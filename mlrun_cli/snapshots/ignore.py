"""Ignore rules of a source folder: `.amlignore`, else `.gitignore`.

Only the file at the top of the folder counts, as in Azure. Its patterns mean what they mean to git, but for
one thing, in which Azure differs from git: `!data/small.csv` gives that file back even after `data/`.
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
_MOST_BYTES = 1024 * 1024
_SPECIAL = frozenset("*?[]\\!#")
_NO_NAMES = frozenset({"", ".", ".."})


class IgnoreRules:
    """The patterns of one ignore file.

    `file_name` is the file that rules, or None, and `ends_open` whether its last line lacks its end; `notes`
    has a line for each pattern that git could not read either and that is skipped. `gives_back` is whether some pattern
    begins with `!`, so that a path may be left in though a folder above it is left out.

    Names and paths without wildcard, by far the most frequent patterns, are looked up in sets, and pathspec is
    imported only for what is left: its import alone takes 30 ms. Where a pattern is negated the order
    decides, so that all of them go to pathspec.
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
        self.gives_back = any(line.startswith("!") for line in patterns)
        rest = patterns if self.gives_back else [line for line in patterns if not self._take_plain(line)]
        self._spec = self._compile(rest) if rest else None

    @classmethod
    def read(cls, folder: Path) -> IgnoreRules:
        """Return the rules of `folder`; without an ignore file, nothing is ignored.

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
        """Return whether `path` (relative, posix) is ignored; unless rules `gives_back`, check its folders first."""
        name = path.rpartition("/")[2]
        if name in self._names or path in self._paths:
            return True
        if is_folder and (name in self._folder_names or path in self._folder_paths):
            return True
        return self._spec is not None and self._spec.match_file(f"{path}/" if is_folder else path)

    def _take_plain(self, line: str) -> bool:
        """Add a pattern without wildcards: a name, or a path from the top; a folder's ends with a slash."""
        name = line.removesuffix("/")
        if not name.isprintable() or name != name.strip() or _SPECIAL.intersection(name):
            return False
        path = name.removeprefix("/")
        if _NO_NAMES.intersection(path.split("/")):
            return False
        names, folders = (self._paths, self._folder_paths) if "/" in name else (self._names, self._folder_names)
        (names if name == line else folders).add(path)
        return True

    def _compile(self, lines: list[str]) -> GitIgnoreSpec:
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
    """Return the content; None when there is no such file, or something else (a folder, a FIFO) in its place."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise InvalidFile(path, f"it cannot be read ({error.strerror}).", hint=_READ_HINT) from error
    try:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            return None
        content = os.read(descriptor, _MOST_BYTES + 1)
    finally:
        os.close(descriptor)
    if len(content) > _MOST_BYTES:
        raise InvalidFile(path, "it is over 1 MiB long, which no list of patterns is.")
    return content


_READ_HINT = "Make it readable, or remove it: without it, what it names would be in the snapshot."
