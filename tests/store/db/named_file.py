"""A second dialect: SQLite in a file elsewhere, whose path stands in a file of the workspace's folder."""

from pathlib import Path

from mlrun_cli.store.db.sqlite.file import SqliteFile


class NamedFile(SqliteFile):
    def __init__(self, path: Path) -> None:
        super().__init__(Path(path.read_text()))
