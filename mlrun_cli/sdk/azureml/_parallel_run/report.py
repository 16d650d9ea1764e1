"""The files below `logs` that report the progress and the failures of a step."""

import json
import os
import time
from typing import Optional

from azureml._parallel_run.batches import MiniBatch

_PAUSE_SECONDS = 1.0


class Report:
    """The report of a step's progress and result.

    Attributes:
        done_items, failed_items: how many items of ended batches were done, and how many were not.
        done_batches, failed_batches: how many batches have ended.
        first_error: the first error of the entry script, a traceback as a rule; None if there is none.
    """

    def __init__(self, logs: str, batch_count: int) -> None:
        self.done_items = self.failed_items = self.done_batches = self.failed_batches = 0
        self.batch_count = batch_count
        self.first_error: str | None = None
        self._progress = os.path.join(logs, "job_progress_overview.txt")
        self._result = os.path.join(logs, "job_result.txt")
        self._errors = os.path.join(logs, "user", "error.txt")
        self._written_at = 0.0
        os.makedirs(os.path.dirname(self._errors), exist_ok=True)
        self.write_progress(is_forced=True)

    def add_processed_batch(self, batch: MiniBatch, item_count: int) -> None:
        """Count a batch for which `run` has returned `item_count` items; the batch's other items count as failed."""
        self.done_batches += 1
        self.done_items += min(item_count, batch.size)
        missing = max(0, batch.size - item_count)
        self.failed_items += missing
        if missing:
            self.add_error(f"Batch {batch.number}: run() returned {item_count} of {batch.size} items.")
        self.write_progress()

    def add_failed_batch(self, batch: MiniBatch) -> None:
        """Count a batch that has failed on its last attempt."""
        self.failed_batches += 1
        self.failed_items += batch.size
        self.write_progress(is_forced=True)

    def add_error(self, text: str) -> None:
        """Append an error to the error file."""
        self.first_error = self.first_error or text
        self.add_note(text)

    def add_note(self, text: str) -> None:
        """Append a note, which is not an error of the entry script, to the error file."""
        with open(self._errors, "a", encoding="utf-8", errors="surrogateescape") as file:
            file.write(f"[{_format_now()}] {text.rstrip()}\n")

    def write_progress(self, is_forced: bool = False) -> None:
        """Append a line to the progress file, at most once per second unless forced."""
        if is_forced or time.monotonic() >= self._written_at + _PAUSE_SECONDS:
            self._written_at = time.monotonic()
            line = "[{}] {} of {} mini batches done, {} failed; {} items done, {} failed\n"
            counts = (self.done_batches, self.batch_count, self.failed_batches, self.done_items, self.failed_items)
            with open(self._progress, "a", encoding="utf-8") as file:
                file.write(line.format(_format_now(), *counts))

    def write_result(self, problem: "Optional[str]") -> None:
        """Write the result file of the step, whose status is `Failed` if there is a problem."""
        self.write_progress(is_forced=True)
        result = {
            "status": "Completed" if problem is None else "Failed",
            "problem": problem,
            "mini_batches": {"total": self.batch_count, "done": self.done_batches, "failed": self.failed_batches},
            "items": {"done": self.done_items, "failed": self.failed_items},
        }
        with open(self._result, "w", encoding="utf-8") as file:
            file.write(json.dumps(result, indent=2, sort_keys=True) + "\n")


def _format_now() -> str:
    return time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime())
