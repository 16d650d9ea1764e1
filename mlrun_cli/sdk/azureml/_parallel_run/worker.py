"""A worker, which loads the entry script once and calls it for each batch that the driver sends."""

import io
import json
import os
import sys
import tempfile
import traceback
from typing import Any, Dict

from azureml._parallel_run.batches import BatchReader, MiniBatch
from azureml._parallel_run.entry_script import EntryScript, format_rows
from azureml._parallel_run.options import Options

CHANNEL_VARIABLE = "AZUREML_PARALLEL_RUN_CHANNEL"
"""Set for workers: the descriptors for batches and answers, and the folder for rows."""

READY, INIT_FAILED, DONE, FAILED = "ready", "init_failed", "done", "failed"


def run_worker(options: Options) -> int:
    """Process batches from the driver until the driver closes the channel; return the exit code."""
    reading, writing, folder = os.environ.pop(CHANNEL_VARIABLE).split(",", 2)
    with open(int(writing), "w", encoding="utf-8") as answers, open(int(reading), encoding="utf-8") as batches:
        try:
            script = EntryScript(options.entry_script)
        except BaseException:
            _send_response(answers, kind=INIT_FAILED, error=_log_traceback())
            return 1
        _send_response(answers, kind=READY)
        reader = BatchReader(options)
        for line in batches:
            _send_response(
                answers, **_run_batch(script, MiniBatch(**json.loads(line)), reader, options.is_appending, folder)
            )
        script.shut_down()
    return 0


def _run_batch(
    script: EntryScript, batch: MiniBatch, reader: BatchReader, is_appending: bool, rows_folder: str
) -> "Dict[str, Any]":
    """Run the entry script on a batch and return the response for the driver."""
    try:
        result = script.run(batch, reader.read(batch))
        name = None
        if is_appending:
            descriptor, path = tempfile.mkstemp(prefix=f"{batch.number}.", dir=rows_folder)
            with open(descriptor, "w", encoding="utf-8", errors="surrogateescape", newline="") as file:
                file.write(format_rows(result))
                file.flush()
                os.fsync(file.fileno())  # the driver may record that the batch is done
            name = os.path.basename(path)
        return {"kind": DONE, "count": len(result), "rows": name}
    except Exception:
        return {"kind": FAILED, "error": _log_traceback()}


def _log_traceback() -> str:
    """Write the traceback of the current exception to stderr and return it."""
    text = traceback.format_exc()
    sys.stderr.write(text)
    sys.stderr.flush()
    return text


def _send_response(channel: "io.TextIOBase", **fields: Any) -> None:
    channel.write(json.dumps(fields) + "\n")
    channel.flush()
