"""Paths in a pipeline's YAML file: from the current folder, as Azure reads them, then from the file's own folder."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from pathlib import Path

from mlrun_cli.core.documents.node import Node


class YamlPaths:
    """The base folders of a file's relative paths; notes list the paths that Azure would resolve differently."""

    def __init__(self, file: Path, current: Path, notes: list[str]) -> None:
        self.folders = tuple(dict.fromkeys([current.absolute(), file.absolute().parent]))
        self._notes = notes

    def resolve_file(self, node: Node, suffixes: Sequence[str] = ("",)) -> Path:
        """Return the absolute path of the file named by a node, with the first suffix for which the file exists.

        Raises:
            InvalidFile: there is no such file.
        """
        return self._resolve_path(
            node, "file", lambda path: next((p for p in _add_suffixes(path, suffixes) if p.is_file()), None)
        )

    def resolve_source_folder(self, node: Node | None, script: str | None) -> Path:
        """Return the absolute path of a source folder, preferring one that contains the script.

        Args:
            node: the value that names the folder; None means the current folder.
            script: the path of the script in the folder.

        Raises:
            InvalidFile: there is no such folder.
        """
        if node is None or node.is_null:
            found = [folder for folder in self.folders if script is not None and (folder / script).is_file()]
            return found[0] if found else self.folders[0]

        def find_folder(path: Path) -> Path | None:
            return path if path.is_dir() else None

        has_script = [
            folder
            for folder in self._list_candidates(node.as_text())
            if script is not None and _is_file(folder / script)
        ]
        return self._resolve_path(node, "folder", find_folder, has_script[:1])

    def _resolve_path(
        self, node: Node, kind: str, find_existing: Callable[[Path], Path | None], preferred: Sequence[Path] = ()
    ) -> Path:
        """Return the path named by a node: that of the first preferred candidate, or else of the first that exists."""
        text = node.as_text()
        candidates = self._list_candidates(text)
        found = {one: path for one in candidates if (path := find_existing(one)) is not None}
        if not found:
            tried = " or ".join(str(folder) for folder in self.folders) if len(candidates) > 1 else ""
            raise node.build_error(
                f"there is no {kind} '{text}'{f' in {tried}' if tried else ''}",
                hint="Relative paths count from the current folder, then from that of the pipeline's file.",
            )
        candidate = next(iter(preferred), next(iter(found)))
        others = [path for one, path in found.items() if one != candidate]
        if candidate != candidates[0]:
            self._notes.append(
                f"{node.location}: '{text}' is taken from {self.folders[-1]}, where the pipeline's file is."
            )
        elif others and not found[candidate].samefile(others[0]):
            self._notes.append(f"{node.location}: '{text}' is taken from the current folder; {others[0]} is not used.")
        return found[candidate]

    def _list_candidates(self, text: str) -> list[Path]:
        """Return the paths that a relative path may mean, in the order of preference."""
        path = Path(text).expanduser()
        return list(dict.fromkeys(Path(os.path.normpath(folder / path)) for folder in self.folders))


def _add_suffixes(path: Path, suffixes: Sequence[str]) -> list[Path]:
    return [Path(f"{path}{suffix}") for suffix in suffixes]


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except (OSError, ValueError):
        return False
