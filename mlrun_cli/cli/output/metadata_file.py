"""The file of `-t/--output-metadata-file`: a command's result, for the next step of a pipeline."""

from __future__ import annotations

import os
import sys
from contextlib import ExitStack
from pathlib import Path

from mlrun_cli.cli.output.formats import format_strict_json
from mlrun_cli.core.temporary import make_temporary_name, make_temporary_path
from mlrun_cli.errors import FileAlreadyExists, FileNotWritable, InvalidPath

_OTHER_FILE = "Name another file with -t."


class MetadataFile:
    """A result file that does not exist yet or that an earlier attempt of the same command wrote.

    Within a `with` block, no other command can claim it. The file and its missing folders are created only when there
    is a result.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._words = sys.argv[1:]
        self._was_written = False
        self._claim = ExitStack()

    def __enter__(self) -> MetadataFile:
        """Claim the file.

        Raises:
            UsageError: the path exists already, another command has claimed it, or it cannot be written.
        """
        from mlrun_cli.cli.output.file_claim import claim_file  # noqa: PLC0415 - start-up

        try:
            with ExitStack() as claim:
                self._check_available()
                self._check_writable()
                claim.enter_context(claim_file(self._path))
                self._check_available()  # the command that held the claim before may have written it
                self._claim = claim.pop_all()
        except BlockingIOError as error:
            raise FileAlreadyExists(
                f"-t: another command is about to write '{self._path}'.", hint=_OTHER_FILE, target=self._path
            ) from error
        except OSError as error:
            raise InvalidPath(
                f"-t: '{self._path}' cannot be written: {error.strerror}.", hint=_OTHER_FILE, target=self._path
            ) from error
        return self

    def __exit__(self, *_: object) -> None:
        self._claim.close()

    def write(self, value: object) -> None:
        """Write `value` as JSON, creating missing folders; a second call replaces the file.

        Raises:
            MlrunError: the file cannot be written, or another process has created it in the meantime.
        """
        try:
            if not self._was_written and os.path.lexists(self._path) and not self._is_from_earlier_attempt():
                raise self._build_not_writable_error("another process has made it in the meantime")
            self._path.parent.mkdir(parents=True, exist_ok=True)
            with make_temporary_path(self._path) as unfinished:
                unfinished.write_text(format_strict_json(value, indent=4, ensure_ascii=True), encoding="utf-8")
                unfinished.replace(self._path)
        except OSError as error:
            raise self._build_not_writable_error(error.strerror) from error
        self._record_attempt()
        self._was_written = True

    def _check_available(self) -> None:
        """Raise an error if the path is unusable, or exists and is not from an earlier attempt."""
        try:
            self._path.lstat()
        except FileNotFoundError:
            return
        if self._path.is_dir():  # an empty name is this folder, too
            example = self._path / "run.json"
            raise InvalidPath(
                f"-t: '{self._path}' is a folder.", hint=f"Name a file, as in '-t {example}'.", target=self._path
            )
        if not self._is_from_earlier_attempt():
            raise FileAlreadyExists(
                f"-t: '{self._path}' already exists.",
                hint="Name another file with -t, or remove this one.",
                target=self._path,
            )

    def _is_from_earlier_attempt(self) -> bool:
        from mlrun_cli.cli.output.earlier_results import is_from_earlier_attempt  # noqa: PLC0415 - start-up

        return is_from_earlier_attempt(self._path, self._words)

    def _record_attempt(self) -> None:
        from mlrun_cli.cli.output.earlier_results import record_attempt  # noqa: PLC0415 - start-up

        record_attempt(self._path, self._words)

    def _check_writable(self) -> None:
        """Raise OSError unless a probe file can be created in the nearest existing folder, as modes are not conclusive.

        Raises:
            OSError: the file cannot be created.
        """
        folder = next(parent for parent in self._path.absolute().parents if os.path.lexists(parent))
        probe = folder / make_temporary_name()
        os.close(os.open(probe, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
        probe.unlink()

    def _build_not_writable_error(self, reason: str | None) -> FileNotWritable:
        error = FileNotWritable(self._path, reason, hint="The command itself succeeded; do not repeat it.")
        error.add_context("-t")
        return error
