"""The journal of completed batches, for a driver that is restarted after it was killed."""

import hashlib
import json
import os
import shutil
from typing import Any, Dict, List, NamedTuple, Optional

from azureml._parallel_run.batches import MiniBatch

FOLDER = ".parallel_run"
"""In the working folder, which later attempts of the run find again: the rows, and which batches they are of."""

_FILE = "done.jsonl"


class DoneBatch(NamedTuple):
    """A completed batch: the number of items that `run` returned, and the name of the file with its rows, if any."""

    item_count: int
    rows: Optional[str]


class Journal:
    """The journal of a step, with a line for each completed batch.

    Attributes:
        done: what earlier attempts have done of the same batches, by their numbers.
    """

    def __init__(self, folder: str, batches: List[MiniBatch], is_appending: bool) -> None:
        """Read the journal of an earlier attempt, or empty the folder if that attempt had other batches."""
        self._folder = folder
        self._path = os.path.join(folder, _FILE)
        self._key = _compute_key(batches, is_appending)
        self.done = self._read()
        if not self.done:
            shutil.rmtree(folder, ignore_errors=True)
        os.makedirs(folder, mode=0o700, exist_ok=True)
        temporary = self._path + ".tmp"  # without the line that was being written when the driver was killed
        with open(temporary, "w", encoding="utf-8") as file:
            file.write(json.dumps({"batches": self._key}) + "\n")
            file.writelines(_format_line(number, batch) for number, batch in self.done.items())
        os.replace(temporary, self._path)

    def add(self, number: int, count: int, rows: "Optional[str]") -> None:
        """Record that a batch is completed; its rows must already be on disk."""
        with open(self._path, "a", encoding="utf-8") as file:
            file.write(_format_line(number, DoneBatch(count, rows)))
            file.flush()
            os.fsync(file.fileno())

    def _read(self) -> "Dict[int, DoneBatch]":
        try:
            with open(self._path, encoding="utf-8") as file:
                lines = [_parse_line(line) for line in file]
        except OSError:
            return {}
        if not lines or lines[0].get("batches") != self._key:
            return {}
        found: dict[int, DoneBatch] = {}
        for line in lines[1:]:
            rows = line.get("rows")
            if "number" in line and (rows is None or os.path.exists(os.path.join(self._folder, rows))):
                found[line["number"]] = DoneBatch(line["count"], rows)
        return found


def _compute_key(batches: List[MiniBatch], is_appending: bool) -> str:
    document = [is_appending, [batch._asdict() for batch in batches]]
    return hashlib.sha256(json.dumps(document, default=str).encode("utf-8", "surrogatepass")).hexdigest()


def _format_line(number: int, batch: DoneBatch) -> str:
    return json.dumps({"number": number, "count": batch.item_count, "rows": batch.rows}) + "\n"


def _parse_line(line: str) -> "Dict[str, Any]":
    """Return the JSON object in a line, or an empty dict if the line is incomplete."""
    try:
        found: dict[str, Any] = json.loads(line)
    except ValueError:
        return {}
    return found
